"""Integrity over records in memory, as its follower works over rows."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.points.integrity import documents
from services.points.integrity.documents import BurstDocument, BurstPerClass, CountPerClass
from services.points.integrity.domain import (
    Act,
    Flag,
    SeenRevision,
    ThresholdsInForce,
    acts_of,
    find,
    reach_of_acts,
    reach_of_days,
)
from services.points.integrity.terms.domain import day_of, seconds

SHIPPED = documents.shipped()[0]
IN_FORCE = ThresholdsInForce([SHIPPED.thresholds()])
LOW = SHIPPED.model_copy(
    update={
        "burst": BurstPerClass(
            others=BurstDocument(records=4, by="posted"),
            kiosk=BurstDocument(records=3, by="served"),
            leader=BurstDocument(records=3, by="served"),
        ),
        "many_accounts": CountPerClass(others=3, kiosk=None, leader=4),
    }
)
TIGHT = ThresholdsInForce([LOW.thresholds()])
"""Limits that drawn records reach."""
HERE, THERE = UUID(int=0xA), UUID(int=0xB)
RECORDER = UUID(int=0xEC)
PHONE, KIOSK = "phone:4f1c0b0a9d7e4c3b", str(UUID(int=0xD1))
Cases = dict[tuple[str, str, str], set[UUID]]


def seen(number: int, start: str = "2026-03-04T09:00", minutes: int = 60, **changes: Any) -> SeenRevision:
    """A confirmed, scanned record of one volunteer; times are the district's."""
    started_at = datetime.fromisoformat(f"{start}+08:00").astimezone(UTC)
    values: dict[str, Any] = {
        "record_id": UUID(int=number),
        "revision": 1,
        "volunteer_id": UUID(int=0x70),
        "site_id": HERE,
        "provenance": "scanned",
        "status": "confirmed",
        "closed_by": "self",
        "started_at": started_at,
        "ended_at": started_at + timedelta(minutes=minutes),
        "minutes": minutes,
        "recorded_by": None,
        "device_ref": None,
        "emitted_at": started_at + timedelta(minutes=minutes),
    }
    return SeenRevision(**(values | changes))


class Windows:
    """Records and acts in memory, and what was flagged about them: (kind, subject, about) → records."""

    def __init__(self, thresholds: ThresholdsInForce = IN_FORCE) -> None:
        self.thresholds = thresholds
        self.revisions: dict[tuple[UUID, int], SeenRevision] = {}
        self.acts: set[Act] = set()
        self.cases: Cases = {}
        self.flags: list[Flag] = []

    def take(self, found: Iterable[SeenRevision], at_once: int = 1) -> "Windows":
        """Judge after every so many revisions. Of one revision the first content stands, as where points keeps it."""
        batch: list[SeenRevision] = []
        for one in found:
            self.revisions.setdefault((one.record_id, one.revision), one)
            batch.append(one)
            if len(batch) == at_once:
                self.follow({one.record_id for one in batch})
                batch = []
        self.follow({one.record_id for one in batch})
        return self

    def follow(self, changed: set[UUID]) -> None:
        """Judge these records as the follower does, with all that is within reach of them and nothing else."""
        seen = [one for one in self.revisions.values() if one.record_id in changed]
        entered = [act for one in seen for act in acts_of(self.thresholds, one)]
        self.enter(*entered, judged=False)
        reach = reach_of_days(self.highest[record_id] for record_id in changed)
        standing = [
            one
            for one in self.highest.values()
            if any(
                one.volunteer_id == volunteer_id and first <= day_of(seconds(one.started_at)) <= last
                for volunteer_id, first, last in reach
            )
        ]
        self._note(find(self.thresholds, changed, standing, self._within(entered)))

    def enter(self, *acts: Act, judged: bool = True) -> None:
        """Enter acts, and judge them alone."""
        self.acts.update(act._replace(at=act.at.replace(microsecond=0)) for act in acts)
        if judged:
            self._note(find(self.thresholds, {act.record_id for act in acts}, [], self._within(acts)))

    @property
    def highest(self) -> dict[UUID, SeenRevision]:
        return {one.record_id: one for one in sorted(self.revisions.values(), key=lambda one: one.revision)}

    def _within(self, acts: Iterable[Act]) -> list[Act]:
        reach = reach_of_acts(acts)
        return [
            act
            for act in self.acts
            if any(act.place == place and since <= act.at < until for place, since, until in reach)
        ]

    def _note(self, flags: Iterable[Flag]) -> None:
        for flag in flags:
            self.flags.append(flag)
            key = (flag.kind, flag.subject, flag.about)
            self.cases.setdefault(key, set()).update(record_id for record_id, _ in flag.records)

    @property
    def kinds(self) -> list[str]:
        return sorted({kind for kind, _, _ in self.cases})


def kinds(*found: SeenRevision) -> list[str]:
    return Windows().take(found).kinds


def entries(number: int, provenance: str, apart: timedelta, **changes: Any) -> list[SeenRevision]:
    """Records of as many people, entered one after the other by one recorder."""
    first = datetime(2026, 3, 4, 4, tzinfo=UTC)
    return [
        seen(
            1000 + place,
            provenance=provenance,
            volunteer_id=UUID(int=0x900 + place),
            recorded_by=RECORDER,
            emitted_at=first + place * apart,
            **changes,
        )
        for place in range(number)
    ]
