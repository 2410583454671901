"""Histories of attendance for the ingest: drawn, encoded as the topic carries them, applied, and read back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from hypothesis import strategies as st

from services.points.ingest.stream import IngestStream
from services.points.policy import policy_of
from shared import outbox
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id
from shared.kafka.consumer import Message
from shared.postgres import Database
from tests.reference.points import Record, Reference

_worlds = count(1)
_offsets = count()
BEGIN = datetime(2026, 2, 27, 16, tzinfo=UTC)


class Drawn(NamedTuple):
    """One revision of one record, as hypothesis draws it: small numbers that shrink well."""

    record: int
    revision: int
    volunteer: int
    day: int
    minute: int
    minutes: int
    status: str
    provenance: str
    theme: str = "夕阳别样红"


drawn_revisions = st.lists(
    st.builds(
        Drawn,
        record=st.integers(0, 5),
        revision=st.integers(1, 3),
        volunteer=st.sampled_from([0, 0, 0, 1, 2]),
        day=st.integers(0, 2),
        minute=st.sampled_from([0, 540, 1439]),
        minutes=st.sampled_from([60, 0, 15, 100, 470, 480, 500, 5_900, 6_100]),
        status=st.sampled_from(["confirmed", "confirmed", "confirmed", "provisional", "void"]),
        provenance=st.sampled_from(["scanned", "scanned", "kiosk", "leader", "backfilled", "imported"]),
        theme=st.sampled_from(["夕阳别样红", "晨光问候"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda drawn: (drawn.record, drawn.revision),
)


@dataclass(slots=True)
class World:
    """One history's own volunteers and records in a database shared with other histories."""

    number: int
    database: Database
    stream: IngestStream

    @classmethod
    async def open(cls, database: Database) -> "World":
        return cls(next(_worlds), database, IngestStream(database, await policy_of(database)))

    def volunteer(self, number: int) -> UUID:
        return derived_id("volunteer", self.number, number)

    def record(self, drawn: Drawn) -> Record:
        """The drawn revision for the reference model."""
        return Record(
            str(derived_id("record", self.number, drawn.record)),
            drawn.revision,
            str(self.volunteer(drawn.volunteer)),
            drawn.status,
            drawn.provenance,
            BEGIN + timedelta(days=drawn.day, minutes=drawn.minute),
            drawn.minutes,
            theme=drawn.theme,
        )

    async def ingest(self, batch: Sequence[Drawn]) -> None:
        """Apply a batch as the consumer would."""
        await self.stream.handle([message(attendance(self.record(drawn))) for drawn in batch])

    async def agrees(self, reference: Reference, volunteers: Iterable[int] = range(3)) -> None:
        """Everything that is stored of these volunteers is what the reference says."""
        for number in volunteers:
            name = str(self.volunteer(number))
            stored = await read(self.database, self.volunteer(number))
            if stored is None:
                assert not reference.of(name)
                continue
            account = reference.account(name)
            assert stored.balances == account.balances()
            lots = {key: (lot.awarded, lot.available, lot.expired) for key, lot in account.lots.items()}
            assert {key: lot for key, lot in stored.lots.items() if any(lot)} == {
                k: v for k, v in lots.items() if any(v)
            }
            assert stored.lots_of_transfers == {key: lot[1] for key, lot in stored.lots.items() if lot[1]}
            assert stored.balances_of_transfers == account.balances()


@dataclass(frozen=True, slots=True)
class Stored:
    """A volunteer's state, and the same computed from the transfers alone."""

    balances: dict[str, int]
    lots: dict[tuple[str, date], tuple[int, int, int]]
    badges: set[str]
    balances_of_transfers: dict[str, int]
    lots_of_transfers: dict[tuple[str, date], int]


async def read(database: Database, volunteer_id: UUID) -> Stored | None:
    """Everything of one volunteer; None if there is no account."""
    async with database.snapshot() as tx:
        row = await tx.fetchrow("select * from volunteers where volunteer_id = $1", volunteer_id)
        if row is None:
            return None
        lots = await tx.fetch("select * from lots where volunteer_id = $1", volunteer_id)
        transfers = await tx.fetch("select * from transfers where volunteer_id = $1", volunteer_id)
        badges = await tx.fetch(
            "select badge from badge_awards where volunteer_id = $1 and revoked_at is null", volunteer_id
        )
    held = {badge["badge"] for badge in badges}
    assert held == set(row["badges"])
    names = ("available", "held", "debt", "earned", "spent", "expired", "donated")
    return Stored(
        {name: row[name] for name in names},
        {(lot["bucket"], lot["expires_on"]): (lot["awarded"], lot["available"], lot["expired"]) for lot in lots},
        held,
        _balances(transfers),
        _lots(transfers),
    )


def _balances(transfers: Sequence[asyncpg.Record]) -> dict[str, int]:
    kinds = {0: "earned", 1: "available", 2: "held", 3: "debt", 4: "spent", 5: "expired", 6: "donated"}
    found = dict.fromkeys(kinds.values(), 0)
    for transfer in transfers:
        for side, sign in (("debit", -1), ("credit", 1)):
            kind = kinds[transfer[side]]
            found[kind] += sign * transfer["amount"] * (-1 if kind in ("earned", "debt") else 1)
    return found


def _lots(transfers: Sequence[asyncpg.Record]) -> dict[tuple[str, date], int]:
    found: dict[tuple[str, date], int] = {}
    for transfer in transfers:
        if transfer["lot_bucket"] is not None:
            key = (transfer["lot_bucket"], transfer["lot_expires_on"])
            change = transfer["amount"] * ((transfer["credit"] == 1) - (transfer["debit"] == 1))
            found[key] = found.get(key, 0) + change
    return {key: amount for key, amount in found.items() if amount}


def attendance(record: Record, **changes: Any) -> AttendanceRecorded:
    """The contract's data of a reference record."""
    values: dict[str, Any] = {
        "record_id": UUID(record.record_id),
        "revision": record.revision,
        "volunteer_id": UUID(record.volunteer),
        "activity_id": UUID(int=0xAC),
        "shift_id": UUID(int=0x5F),
        "site_id": UUID(int=0x51),
        "theme": record.theme,
        "kind": "visit",
        "provenance": record.provenance,
        "closed_by": "self",
        "status": record.status,
        "started_at": record.started_at,
        "ended_at": record.started_at + timedelta(minutes=record.minutes),
        "minutes": record.minutes,
        "planned_minutes": 120,
        "approval_level": "none",
    }
    return AttendanceRecorded(**(values | changes))


def message(data: AttendanceRecorded, **changes: Any) -> Message:
    """The record as it lies on the topic; the same record at the same revision is the same event."""
    event = outbox.event(
        data,
        source="weiguang/recruitment",
        aggregate_version=data.revision,
        id=derived_id("attendance", data.record_id, data.revision),
        correlation_id=f"c-{data.record_id}",
        time=data.started_at,
    )
    headers, value = encode(event)
    values: dict[str, Any] = {
        "topic": "volunteering.attendance.v1",
        "entity": "attendance",
        "partition": 0,
        "offset": next(_offsets),
        "key": str(data.volunteer_id).encode(),
        "value": value,
        "headers": headers,
        "timestamp_ms": 0,
    }
    return Message(**(values | changes))
