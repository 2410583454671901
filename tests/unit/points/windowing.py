"""The windows of integrity as plain mappings, and records to put into them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.points.integrity import documents
from services.points.integrity.documents import BurstDocument, BurstPerClass, CountPerClass
from services.points.integrity.domain import (
    Act,
    Cell,
    Flag,
    RecordDays,
    SeenRevision,
    ThresholdsInForce,
    TimeWindow,
    acts_of,
    enter,
    judge,
    step,
    window_of,
)
from services.points.integrity.packing import (
    pack_cell,
    pack_day,
    pack_standing,
    pack_window,
    unpack_cell,
    unpack_day,
    unpack_standing,
    unpack_window,
)

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
    """The tables as plain mappings, and what was flagged over them: (kind, subject, about) → records."""

    def __init__(self, thresholds: ThresholdsInForce = IN_FORCE) -> None:
        self.thresholds = thresholds
        self.standing: dict[UUID, RecordDays] = {}
        self.days: dict[tuple[UUID, TimeWindow], Any] = {}
        self.acts: dict[tuple[str, TimeWindow], dict[str, list[str]]] = {}
        self.bursts: dict[tuple[str, TimeWindow], Cell] = {}
        self.cases: Cases = {}
        self.flags: list[Flag] = []

    def take(self, found: Iterable[SeenRevision]) -> "Windows":
        for one in found:
            for act in acts_of(self.thresholds, one) if self._person(one) else ():
                (self.enter if act.kind == "burst" else self._use)(act)
        return self

    def enter(self, act: Act) -> None:
        done = enter(self.thresholds, act, lambda span: self.bursts.get((act.place, span), frozenset()))
        self._note(done.flags)
        if done.cell is not None:
            assert unpack_cell(pack_cell(done.cell)) == done.cell
            self.bursts[act.place, done.span] = done.cell

    def _use(self, act: Act) -> None:
        span = window_of(act)
        window, flag = judge(self.thresholds, span, self.acts.get((act.place, span), {}), act)
        if window is not None:
            assert unpack_window(pack_window(window)) == window
            self.acts[act.place, span] = window
        self._note([flag] if flag is not None else [])

    def _person(self, one: SeenRevision) -> bool:
        """False if it was taken in before."""
        known = self.standing.get(one.record_id)
        done = step(self.thresholds, one, known, lambda span: self.days.get((one.volunteer_id, span), {}))
        if done is not None:
            self._note(done.flags)
            assert unpack_standing(pack_standing(done.standing)) == done.standing
            assert all(unpack_day(pack_day(day)) == day for day in done.days.values())
            self.standing[one.record_id] = done.standing
            self.days |= {(one.volunteer_id, span): day for span, day in done.days.items()}
        return done is not None

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
