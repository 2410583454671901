"""Thresholds as people write them: YAML in, checked field by field, domain objects out."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from services.points.integrity.terms.domain import Burst, Thresholds
from services.points.versions import documents
from services.points.versions.documents import Part, VersionedDocument

__all__ = ["VERSIONS", "ThresholdDocument", "shipped"]

VERSIONS = Path(__file__).with_name("versions")
Minutes = Annotated[int, Field(strict=True, ge=1, le=1440)]
Count = Annotated[int, Field(strict=True, ge=2, le=10_000)]


class BurstDocument(Part):
    """So many records of one recorder within ten minutes, of when they were posted or of when people left."""

    records: Count
    by: Literal["posted", "served"]


class MinutesPerClass(Part):
    """Minutes per class of device; null is not checked."""

    others: Minutes | None
    kiosk: Minutes | None
    leader: Minutes | None


class CountPerClass(Part):
    """People per class of device; null is not checked."""

    others: Count | None
    kiosk: Count | None
    leader: Count | None


class BurstPerClass(Part):
    """Bursts per class of device; null is not checked."""

    others: BurstDocument | None
    kiosk: BurstDocument | None
    leader: BurstDocument | None


class LongDay(Part):
    """More minutes than a day of one person bears."""

    above_minutes: Minutes


class ThresholdDocument(VersionedDocument):
    """One version of the thresholds."""

    two_sites: MinutesPerClass
    burst: BurstPerClass
    no_check_in: MinutesPerClass
    many_accounts: CountPerClass
    long_day: LongDay
    keep_days: Annotated[int, Field(strict=True, ge=7, le=3660)]

    def thresholds(self) -> Thresholds:
        """The domain's form of this document."""
        bursts = {name: getattr(self.burst, name) for name in BurstPerClass.model_fields}
        return Thresholds(
            self.version,
            self.effective_from,
            self.two_sites.model_dump(),
            {name: None if found is None else Burst(found.records, found.by) for name, found in bursts.items()},
            self.no_check_in.model_dump(),
            self.many_accounts.model_dump(),
            self.long_day.above_minutes,
            self.keep_days,
        )


def shipped() -> list[ThresholdDocument]:
    """The versions that come with the service, in order.

    Raises:
        PermanentError: a file is not valid, or its number is not that of its version.
    """
    return documents.shipped(ThresholdDocument, VERSIONS)
