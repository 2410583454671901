"""The ledger between rows and domain: everything set-based, one statement for a whole batch."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from services.points.badges.domain import Lifetime
from services.points.ledger.domain import Balances, HeldLot, Lot, Transfer
from services.points.ledger.fold import BucketChange, BucketKey, BucketState, Complaints, Touched, VolunteerRow
from services.points.ledger.revisions import RecordRevision
from services.points.rules.domain import BucketSpan, Facts, First
from shared.errors import PermanentError
from shared.postgres import Tx, load_queries

__all__ = ["Hold", "HoldStatus", "RecordRefused", "Source", "TransferRow"]

_SQL = load_queries(__file__)
_STORED = 27
_RECORD = RecordRevision._fields[:_STORED]
_SUPERSEDED = ("record_id", "revision", "content_hash", "volunteer_id", "event_id", "content")
_BUCKET = ("volunteer_id", "bucket", *BucketState._fields, "updated_at")
_LOT = ("volunteer_id", "bucket", "expires_on", "awarded", "available", "expired")
_TRANSFER = (
    *("volunteer_id", "code", "debit", "credit", "amount", "bucket", "expires_on", "bucket_version", "rule_version"),
    *("lot_bucket", "lot_expires_on", "pending_id", "posting_id", "cause_event_id", "correlation_id", "posted_at"),
)
_ACCOUNT = 21
_NOWHERE = (None, None)
_LINE = re.compile(r"^COPY records, line (\d+)", re.MULTILINE)
TransferRow = tuple[Any, ...]
HoldStatus = Literal["open", "captured", "released", "refunded"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Points set aside until they are spent (captured) or released. ``expires_at`` is business time."""

    hold_id: UUID
    volunteer_id: UUID
    points: int
    status: HoldStatus
    expires_at: datetime
    held_at: datetime
    settled_at: datetime | None = None
    refunded_at: datetime | None = None


class RecordRefused(PermanentError):
    """PostgreSQL says why it cannot keep this revision of a record."""

    def __init__(self, revision: RecordRevision, reason: str) -> None:
        super().__init__(f"the database does not take it: {reason}")
        self.key = (revision.record_id, revision.revision)


Source = tuple[int | None, int | None, UUID, UUID, str]
"""What transfers came from: the version of the bucket whose award changed and that of its rule, the posting, the event
that is the cause, and its correlation."""


def _columns(rows: Iterable[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
    return zip(*rows, strict=True)


def _arrays(rows: Sequence[Sequence[Any]], width: int) -> Sequence[tuple[Any, ...]]:
    """So many columns of an equal length, which may be none."""
    return list(_columns(rows)) if rows else [()] * width


async def open_accounts(tx: Tx, volunteer_ids: Collection[UUID], now: datetime) -> None:
    await tx.execute(_SQL["open_accounts"], list(volunteer_ids), now)


async def lock_volunteers(tx: Tx, volunteer_ids: Collection[UUID]) -> set[UUID]:
    """Lock the rows, sorted; returns which exist."""
    rows = await tx.fetch(_SQL["lock_volunteers"], list(volunteer_ids))
    return {row[0] for row in rows}


async def volunteers(tx: Tx, volunteer_ids: Collection[UUID]) -> dict[UUID, VolunteerRow]:
    rows = await tx.fetch(_SQL["volunteers"], list(volunteer_ids))
    found: dict[UUID, VolunteerRow] = {}
    for row in rows:
        values = tuple(row)
        first = None if values[16] is None else First(*values[15:18])
        found[values[0]] = VolunteerRow(
            values[0],
            values[1],
            Balances(*values[2:9]),
            Lifetime(*values[9:15]),
            first,
            tuple(values[18]),
            *values[19:],
        )
    return found


async def records(tx: Tx, record_ids: Collection[UUID]) -> dict[UUID, RecordRevision]:
    """The revisions that stand."""
    rows = await tx.fetch(_SQL["records"], list(record_ids))
    return {row[0]: RecordRevision(*row) for row in rows}


async def superseded(tx: Tx, keys: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], bytes]:
    """Content hashes of lower revisions that were seen."""
    if not keys:
        return {}
    rows = await tx.fetch(_SQL["superseded"], *map(list, _columns(keys)))
    return {(row[0], row[1]): bytes(row[2]) for row in rows}


async def buckets(tx: Tx, keys: Collection[BucketKey]) -> dict[BucketKey, BucketState]:
    if not keys:
        return {}
    rows = await tx.fetch(_SQL["buckets"], *_columns(keys))
    return {(row[0], row[1]): BucketState(*tuple(row)[2:]) for row in rows}


async def inputs(tx: Tx, touched: Mapping[BucketKey, Touched]) -> dict[BucketKey, list[Facts]]:
    """The stored records of buckets."""
    if not touched:
        return {}
    keys: list[tuple[Any, ...]] = []
    of_activities: list[tuple[Any, ...]] = []
    for (volunteer, bucket), found in touched.items():
        period = found.period
        key = (volunteer, bucket, period.first, period.last)
        if found.rule.span == BucketSpan.ACTIVITY:
            of_activities.append((*key, period.activity_id))
        else:
            keys.append(key)
    stored: dict[BucketKey, list[Facts]] = {}
    for name, chosen in (("inputs", keys), ("inputs_of_activities", of_activities)):
        for row in await tx.fetch(_SQL[name], *_columns(chosen)) if chosen else ():
            values = tuple(row)
            stored.setdefault((values[0], values[1]), []).append(Facts(*values[2:]))
    return stored


async def complaints(tx: Tx, seen: Collection[tuple[UUID, UUID | None]]) -> Complaints:
    """Which of these records and activities a complaint stands about."""
    record_ids = [record_id for record_id, _ in seen]
    activity_ids = list({activity_id for _, activity_id in seen if activity_id is not None})
    rows = await tx.fetch(_SQL["standing_complaints"], record_ids, activity_ids)
    return Complaints(
        frozenset(row[0] for row in rows if row[0] is not None),
        frozenset(row[1] for row in rows if row[1] is not None),
    )


async def volunteers_about(tx: Tx, activity_id: UUID | None, record_id: UUID | None) -> list[UUID]:
    """Whose records belong to an activity, or whose record it is, sorted; not locked."""
    return [row[0] for row in await tx.fetch(_SQL["volunteers_about"], activity_id, record_id)]


async def records_about(tx: Tx, activity_id: UUID | None, record_id: UUID | None) -> list[RecordRevision]:
    """The records of an activity, or the one record, in the order of their ids."""
    return [RecordRevision(*row) for row in await tx.fetch(_SQL["records_about"], activity_id, record_id)]


async def donated_lots(tx: Tx, volunteer_ids: Collection[UUID]) -> dict[UUID, list[tuple[Lot, int]]]:
    """Lots of which points were donated, and how many of them still are."""
    if not volunteer_ids:
        return {}
    found: dict[UUID, list[tuple[Lot, int]]] = {}
    for row in await tx.fetch(_SQL["donated_lots"], list(volunteer_ids)):
        values = tuple(row)
        found.setdefault(values[0], []).append((Lot(*values[1:6]), values[6]))
    return found


async def earliest_firsts(tx: Tx, volunteer_ids: Collection[UUID]) -> dict[UUID, dict[str, First]]:
    """Per volunteer and bucket the earliest earning record."""
    if not volunteer_ids:
        return {}
    found: dict[UUID, dict[str, First]] = {}
    for row in await tx.fetch(_SQL["earliest_firsts"], list(volunteer_ids)):
        found.setdefault(row[0], {})[row[1]] = First(row[2], row[3], row[4])
    return found


async def lots_of_buckets(tx: Tx, keys: Collection[BucketKey]) -> dict[UUID, list[Lot]]:
    if not keys:
        return {}
    return _lots(await tx.fetch(_SQL["lots_of_buckets"], *_columns(keys)))


async def open_lots(tx: Tx, volunteer_ids: Collection[UUID]) -> dict[UUID, list[Lot]]:
    if not volunteer_ids:
        return {}
    return _lots(await tx.fetch(_SQL["open_lots"], list(volunteer_ids)))


async def due_lots(tx: Tx, today: date, limit: int) -> list[UUID]:
    """Volunteers with points past their last day, not locked."""
    return [row[0] for row in await tx.fetch(_SQL["due_lots"], today, limit)]


def _lots(rows: Iterable[Any]) -> dict[UUID, list[Lot]]:
    found: dict[UUID, list[Lot]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(Lot(*tuple(row)[1:]))
    return found


async def insert_records(tx: Tx, new: Sequence[RecordRevision]) -> None:
    """Write records that are new, in their order.

    Raises:
        RecordRefused: PostgreSQL does not take one; the transaction must go back to where it was before.
    """
    try:
        await tx.copy("records", _RECORD, [revision[:_STORED] for revision in new])
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        if isinstance(error, asyncpg.UniqueViolationError) or (line := _LINE.search(error.context or "")) is None:
            raise
        raise RecordRefused(new[int(line[1]) - 1], str(error)) from error


async def raise_records(tx: Tx, raised: Iterable[RecordRevision]) -> None:
    """Bring stored records to higher revisions; what stood until now is kept."""
    rows = sorted(raised)
    if rows:
        await tx.execute(_SQL["raise_records"], *list(_columns(rows))[:_STORED])


async def mark_records(tx: Tx, record_ids: Collection[UUID]) -> None:
    """Leave a mark for what follows the records."""
    if record_ids:
        await tx.execute(_SQL["mark_records"], list(record_ids))


async def keep_superseded(tx: Tx, superseded: Iterable[RecordRevision]) -> None:
    """Keep revisions that came when a higher one was known."""
    rows = [(r.record_id, r.revision, r.content_hash, r.volunteer_id, r.event_id, _content(r)) for r in superseded]
    if rows:
        await tx.copy("superseded_revisions", _SUPERSEDED, rows)


def _content(revision: RecordRevision) -> str:
    members = revision._asdict()
    for name in ("content_hash", "traceparent"):
        members.pop(name)
    return orjson.dumps(members, default=str).decode()


async def write(
    tx: Tx,
    now: datetime,
    *,
    lots: tuple[Sequence[tuple[UUID, Lot]], Sequence[tuple[UUID, Lot]]] = ((), ()),
    buckets: Iterable[BucketChange] = (),
    volunteers: Iterable[VolunteerRow] = (),
) -> None:
    """Write lots (new ones, changed ones), buckets and accounts. The old version of a changed bucket is kept."""
    new_lots, changed_lots = lots
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for change in buckets:
        (new if change.old is None else changed).append((change.volunteer_id, change.bucket, *change.new, now))
    accounts = [_account(volunteer) for volunteer in volunteers]
    if new_lots:
        await tx.copy("lots", _LOT, _lot_rows(new_lots))
    if new:
        await tx.copy("buckets", _BUCKET, new)
    if changed_lots or changed or accounts:
        await tx.execute(
            _SQL["write_changed"],
            *_arrays(_lot_rows(changed_lots), len(_LOT)),
            *_arrays(changed, len(_BUCKET))[:-1],
            *_arrays(accounts, _ACCOUNT),
            now,
        )


def _lot_rows(lots: Sequence[tuple[UUID, Lot]]) -> list[tuple[Any, ...]]:
    return [(volunteer, lot.bucket, lot.expires_on, lot.awarded, lot.available, lot.expired) for volunteer, lot in lots]


def transfer_rows(
    volunteer_id: UUID, transfers: Iterable[Transfer], source: Source, posted_at: datetime
) -> Iterator[TransferRow]:
    """Transfers as they are written; only those that an award's change brought about name its versions."""
    bucket_version, rule_version, posting_id, cause, correlation = source
    for code, debit, credit, amount, award, lot, pending in transfers:
        lot_bucket, lot_expires_on = lot or _NOWHERE
        head = volunteer_id, code, debit, credit, amount
        tail = lot_bucket, lot_expires_on, pending, posting_id, cause, correlation, posted_at
        if award is None:
            yield *head, None, None, None, None, *tail
        else:
            yield *head, *award, bucket_version, rule_version, *tail


async def write_transfers(tx: Tx, rows: Sequence[TransferRow]) -> None:
    if rows:
        await tx.copy("transfers", _TRANSFER, rows)


def _account(v: VolunteerRow) -> tuple[Any, ...]:
    return (
        v.volunteer_id,
        v.version,
        *v.figures,
        *v.lifetime,
        *(v.first if v.first is not None else (None, None, None)),
        v.badge_figures,
        " ".join(v.badges),
        v.criteria_version,
    )


async def insert_hold(tx: Tx, hold: Hold, cause_event_id: UUID, correlation_id: str) -> None:
    await tx.execute(
        _SQL["insert_hold"],
        hold.hold_id,
        hold.volunteer_id,
        hold.points,
        hold.expires_at,
        cause_event_id,
        correlation_id,
        hold.held_at,
    )


async def hold(tx: Tx, hold_id: UUID) -> Hold | None:
    row = await tx.fetchrow(_SQL["hold"], hold_id)
    return None if row is None else Hold(*row)


async def settle_hold(tx: Tx, hold_id: UUID, status: HoldStatus, now: datetime) -> None:
    await tx.execute(_SQL["settle_hold"], hold_id, status, now)


async def refund_hold(tx: Tx, hold_id: UUID, now: datetime) -> None:
    await tx.execute(_SQL["refund_hold"], hold_id, now)


async def lots_of_hold(tx: Tx, hold_id: UUID, volunteer_id: UUID) -> tuple[list[Lot], list[HeldLot]]:
    """The lots that a hold took from, as they are now, and how much it took from each."""
    lots, taken = [], []
    for row in await tx.fetch(_SQL["lots_of_hold"], hold_id, volunteer_id):
        bucket, expires_on, amount, awarded, available, expired = row
        lots.append(Lot(bucket, expires_on, awarded, available, expired))
        taken.append(HeldLot((bucket, expires_on), amount))
    return lots, taken
