"""The ledger between rows and domain: everything set-based, one statement for a whole batch."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from services.points.ledger.buckets import BucketChange, BucketKey, BucketState, VolunteerRow
from services.points.ledger.domain import Balances, HeldLot, Lot
from services.points.ledger.entries import TransferRow
from services.points.rules.domain import First
from services.points.rules.hours.domain import Lifetime
from shared.clock import stored_instant
from shared.postgres import Tx, load_queries

__all__ = ["Hold", "HoldStatus"]

_SQL = load_queries(__file__)
_BUCKET = ("volunteer_id", "bucket", *BucketState._fields, "updated_at")
_LOT = ("volunteer_id", "bucket", "expires_on", "awarded", "available", "expired")
_TRANSFER = (
    *("volunteer_id", "code", "debit", "credit", "amount", "bucket", "expires_on", "bucket_version", "rule_version"),
    *("lot_bucket", "lot_expires_on", "pending_id", "posting_id", "cause_event_id", "correlation_id", "posted_at"),
)
_ACCOUNT = 21
_EARNER = 7
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


def _columns(rows: Iterable[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
    return zip(*rows, strict=True)


def _arrays(rows: Sequence[Sequence[Any]], width: int) -> Sequence[tuple[Any, ...]]:
    """So many columns of an equal length, which may be none."""
    return list(_columns(rows)) if rows else [()] * width


async def open_accounts(tx: Tx, volunteer_ids: Collection[UUID], now: datetime) -> None:
    await tx.execute(_SQL["open_accounts"], list(volunteer_ids), now)


async def lock_volunteers(tx: Tx, volunteer_ids: Collection[UUID]) -> None:
    """Lock the rows that exist, sorted."""
    await tx.execute(_SQL["lock_volunteers"], list(volunteer_ids))


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


async def buckets(tx: Tx, keys: Collection[BucketKey]) -> dict[BucketKey, BucketState]:
    if not keys:
        return {}
    rows = await tx.fetch(_SQL["buckets"], *_columns(keys))
    return {(row[0], row[1]): BucketState(*tuple(row)[2:]) for row in rows}


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
    stored_now = stored_instant(now)
    for volunteer_id, bucket, old, state, _, _ in buckets:
        if old is not None:
            changed.append((volunteer_id, bucket, *state))
            continue
        version, rule_version, points, explanation, first_at, first_id = state
        first = None if first_at is None else stored_instant(first_at)
        new.append((volunteer_id, bucket, version, rule_version, points, explanation, first, first_id, stored_now))
    accounts: list[tuple[Any, ...]] = []
    earners: list[tuple[Any, ...]] = []
    for volunteer in volunteers:
        if volunteer.only_earned:
            earners.append(_earner(volunteer))
        else:
            accounts.append(_account(volunteer))
    if new_lots:
        await tx.copy("lots", _LOT, _lot_rows(new_lots))
    if new:
        await tx.copy("buckets", _BUCKET, new, instants=("first_started_at", "updated_at"))
    if changed_lots or changed or accounts or earners:
        await tx.execute(
            _SQL["write_changed"],
            *_arrays(_lot_rows(changed_lots), len(_LOT)),
            *_arrays(changed, len(_BUCKET) - 1),
            *_arrays(accounts, _ACCOUNT),
            now,
            *_arrays(earners, _EARNER),
        )


def _lot_rows(lots: Sequence[tuple[UUID, Lot]]) -> list[tuple[Any, ...]]:
    return [(volunteer, lot.bucket, lot.expires_on, lot.awarded, lot.available, lot.expired) for volunteer, lot in lots]


async def write_transfers(tx: Tx, rows: Sequence[TransferRow]) -> None:
    if rows:
        await tx.copy("transfers", _TRANSFER, rows, instants=("posted_at",))


def _earner(v: VolunteerRow) -> tuple[Any, ...]:
    figures, lifetime = v.figures, v.lifetime
    return v.volunteer_id, v.version, figures[0], figures[3], lifetime[0], lifetime[3], v.badge_figures


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
