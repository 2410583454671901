"""Thresholds as people write them: YAML in, checked field by field, domain objects out."""

from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import Field

from services.points.integrity.terms.domain import (
    Burst,
    DriveLimits,
    OpeningLimits,
    PeerLimits,
    ReferralLimits,
    Thresholds,
)
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


class MutualApprovalsDocument(Part):
    """So many records that each of two accounts recorded and the other one approved, in a month."""

    each_way: Count


class FilledAtOnceDocument(Part):
    """Shifts of which so many percent of the places were taken within minutes, and so many of these people served."""

    minutes: Annotated[int, Field(strict=True, ge=1, le=60)]
    people: Count
    percent: Annotated[int, Field(strict=True, ge=10, le=100)]


class SharedPickupsDocument(Part):
    """So many people whose rewards were redeemed on one phone and handed over in a month."""

    people: Count


class IdleDrivesDocument(Part):
    """So many people whom a drive registered, of whom at most so many percent served within so many days."""

    people: Count
    served_percent: Annotated[int, Field(strict=True, ge=0, le=50)]
    days: Annotated[int, Field(strict=True, ge=7, le=365)]


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
    mutual_approvals: MutualApprovalsDocument | None = None
    filled_at_once: FilledAtOnceDocument | None = None
    never_signed_up: CountPerClass | None = None
    shared_pickups: SharedPickupsDocument | None = None
    idle_drives: IdleDrivesDocument | None = None

    def canonical(self) -> bytes:
        """As of every version; what a version from before these members leaves out is not part of it."""
        fields = type(self).model_fields
        absent = {name for name in fields if not fields[name].is_required() and getattr(self, name) is None}
        return orjson.dumps(self.model_dump(mode="json", exclude=absent), option=orjson.OPT_SORT_KEYS)

    def thresholds(self) -> Thresholds:
        """The domain's form of this document."""
        bursts = {name: getattr(self.burst, name) for name in BurstPerClass.model_fields}
        opening, unsigned, drives = self.filled_at_once, self.never_signed_up, self.idle_drives
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
            None if self.mutual_approvals is None else self.mutual_approvals.each_way,
            None if opening is None else OpeningLimits(**opening.model_dump()),
            {} if unsigned is None else unsigned.model_dump(),
            None if self.shared_pickups is None else self.shared_pickups.people,
            None if drives is None else DriveLimits(**drives.model_dump()),
        )


def shipped() -> list[ThresholdDocument]:
    """The versions that come with the service, in order.

    Raises:
        PermanentError: a file is not valid, or its number is not that of its version.
    """
    return documents.shipped(ThresholdDocument, VERSIONS)
