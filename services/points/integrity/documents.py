"""Thresholds as people write them: YAML in, checked field by field, domain objects out."""

from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import Field

from services.points.integrity.terms.domain import Burst, PeerLimits, ReferralLimits, Thresholds
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


class RecorderHoursDocument(Part):
    """Asserted hours of one recorder in a month, against the median of recorders of the same class of devices."""

    times_median: Annotated[int, Field(strict=True, ge=2, le=100)]
    at_least_minutes: Annotated[int, Field(strict=True, ge=60, le=1_000_000)]
    peers: Count


class DenialsDocument(Part):
    """So many records of one recorder that their volunteers denied in a month."""

    records: Count


class OneTimeReferrals(Part):
    """So many people whom one volunteer brought in, who served once and not again for so many days."""

    people: Count
    silent_days: Annotated[int, Field(strict=True, ge=7, le=3660)]


class ThresholdDocument(VersionedDocument):
    """One version of the thresholds."""

    two_sites: MinutesPerClass
    burst: BurstPerClass
    no_check_in: MinutesPerClass
    many_accounts: CountPerClass
    long_day: LongDay
    keep_days: Annotated[int, Field(strict=True, ge=7, le=3660)]
    recorder_hours: RecorderHoursDocument | None = None
    denials: DenialsDocument | None = None
    one_time_referrals: OneTimeReferrals | None = None

    def canonical(self) -> bytes:
        """As of every version; what a version from before these members leaves out is not part of it."""
        added = {"recorder_hours", "denials", "one_time_referrals"}
        absent = {name for name in added if getattr(self, name) is None}
        return orjson.dumps(self.model_dump(mode="json", exclude=absent), option=orjson.OPT_SORT_KEYS)

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
            None if self.recorder_hours is None else PeerLimits(**self.recorder_hours.model_dump()),
            None if self.denials is None else self.denials.records,
            None if self.one_time_referrals is None else ReferralLimits(**self.one_time_referrals.model_dump()),
        )


def shipped() -> list[ThresholdDocument]:
    """The versions that come with the service, in order.

    Raises:
        PermanentError: a file is not valid, or its number is not that of its version.
    """
    return documents.shipped(ThresholdDocument, VERSIONS)
