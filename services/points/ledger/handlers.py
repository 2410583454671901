"""Use cases of the ledger besides the ingest: holds (pending transfers), and what time brings about.

Each runs inside a caller's transaction and is safe to repeat. It locks the volunteer's row first (a caller who needs
several volunteers locks them all beforehand, with `lock`) and reads in later statements; posts transfers; keeps lots,
balances and the account's version; and appends PointsPosted to the outbox.
"""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from services.points.ledger import events, store
from services.points.ledger.buckets import BucketCause, BucketChange, BucketState, VolunteerRow, differences
from services.points.ledger.domain import Balances, InsufficientPoints, Lot, LotKey, Wallet
from services.points.ledger.store import Hold
from services.points.rules.handlers import rulebook_of
from services.points.rules.store import keep_rules
from shared import outbox
from shared.clock import district_day, real_now
from shared.errors import Conflict, NotFound
from shared.ids import derived_id
from shared.postgres import Database, Tx
from shared.telemetry import trace

__all__ = [
    "Hold",
    "Judgement",
    "award",
    "capture",
    "expire_points",
    "find_hold",
    "hold",
    "lock",
    "refund",
    "void",
]

Reason = Literal["award", "reversal", "hold", "capture", "release", "refund", "expiry"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judgement of a pure rule on a bucket without records: points per last valid day, and why."""

    bucket: str
    rule_version: int
    points: Mapping[date, int]
    explanation: Mapping[str, Any]


async def lock(tx: Tx, volunteer_ids: Collection[UUID], known: Set[UUID] = frozenset()) -> None:
    """Open the accounts that may be missing, then lock all, in one order. Read state in a later statement.

    Before, keep the rules as they are: no generation is made until the end of the transaction, so that accounts are
    opened under the newest, and volunteers under an older one are seen by the mover.

    ``known``: volunteers whose account is known to exist, to spare the attempt.
    """
    now = await keep_rules(tx)
    unknown = [volunteer_id for volunteer_id in volunteer_ids if volunteer_id not in known]
    if unknown:
        await store.open_accounts(tx, unknown, now)
    await store.lock_volunteers(tx, volunteer_ids)


async def award(
    tx: Tx, volunteer_id: UUID, judgement: Judgement, cause_event_id: UUID, *, correlation_id: str | None = None
) -> None:
    """Bring a bucket's award to what its rule says: the difference is posted, a new version of the bucket explains it.

    The same judgement again changes nothing.
    """
    now = await tx.now()
    await lock(tx, [volunteer_id])
    volunteer = await _volunteer(tx, volunteer_id)
    bucket = judgement.bucket
    old = (await store.buckets(tx, [(volunteer_id, bucket)])).get((volunteer_id, bucket))
    own = (await store.lots_of_buckets(tx, [(volunteer_id, bucket)])).get(volunteer_id, [])
    others = (await store.open_lots(tx, [volunteer_id])).get(volunteer_id, [])
    explanation = orjson.dumps(judgement.explanation).decode()
    if old is not None and (old.explanation, old.rule_version) == (explanation, judgement.rule_version):
        return
    version = 1 if old is None else old.version + 1
    total = sum(judgement.points.values())
    new = BucketState(version, judgement.rule_version, total, explanation, None, None)
    cause = BucketCause(cause_event_id, _correlation(correlation_id, cause_event_id))
    await store.write(tx, now, buckets=[BucketChange(volunteer_id, bucket, old, new, judgement.points, cause)])
    wallet = Wallet(volunteer.figures, own, district_day(now))
    _add(wallet, others)
    await _know_donated(tx, volunteer, wallet)
    changes = differences(judgement.points, {lot.expires_on: lot.awarded for lot in own})
    stored = frozenset(wallet.lots)
    wallet.award(bucket, changes)
    wallet.level(await _highest_balance(tx, volunteer_id, now))
    amount = sum(changes.values())
    if wallet.transfers:
        reason: Reason = "award" if amount >= 0 else "reversal"
        posted = _Posted(bucket, version, judgement.rule_version, amount, stored)
        await _book(tx, volunteer, wallet, reason, now, (cause_event_id, cause.correlation_id), posted)


async def hold(
    tx: Tx,
    volunteer_id: UUID,
    points: int,
    cause_event_id: UUID,
    *,
    hold_id: UUID,
    expires_at: datetime,
    correlation_id: str | None = None,
) -> Hold:
    """Move points from available to held, from the lots that expire first. Points past their day expire before.

    The same ``hold_id`` again returns the hold as it is; nothing moves twice.

    Raises:
        Conflict: ``insufficient-points``, with ``available`` and ``needed``; or ``hold-taken`` if the id is that of
            another volunteer's hold or of another amount.
        ValueError: points is not positive.
    """
    if points <= 0:
        raise ValueError("a hold is of at least one point")
    now = await tx.now()
    await lock(tx, [volunteer_id])
    known = await store.hold(tx, hold_id)
    if known is not None:
        if (known.volunteer_id, known.points) != (volunteer_id, points):
            raise Conflict("hold-taken", "this hold exists with another volunteer or amount")
        return known
    volunteer = await _volunteer(tx, volunteer_id)
    lots = (await store.open_lots(tx, [volunteer_id])).get(volunteer_id, [])
    wallet = Wallet(volunteer.figures, lots, district_day(now))
    try:
        wallet.hold(hold_id, points)
    except InsufficientPoints as error:
        raise Conflict(
            "insufficient-points",
            f"{points} points are needed and {error.available} are available",
            available=error.available,
            needed=points,
        ) from error
    made = Hold(hold_id, volunteer_id, points, "open", expires_at, now)
    correlation = _correlation(correlation_id, cause_event_id)
    await store.insert_hold(tx, made, cause_event_id, correlation)
    await _book(tx, volunteer, wallet, "hold", now, (cause_event_id, correlation))
    return made


async def capture(tx: Tx, hold_id: UUID, cause_event_id: UUID, *, correlation_id: str | None = None) -> Hold:
    """Held points are spent: open to captured.

    Raises:
        NotFound: ``hold-unknown``.
        Conflict: ``hold-settled``, with its ``hold_status``, if it is not open.
    """
    found, volunteer, wallet, now = await _begin(tx, hold_id, "open")
    lots, taken = await store.lots_of_hold(tx, hold_id, found.volunteer_id)
    _add(wallet, lots)
    wallet.capture(hold_id, taken)
    await store.settle_hold(tx, hold_id, "captured", now)
    await _book(tx, volunteer, wallet, "capture", now, (cause_event_id, _correlation(correlation_id, cause_event_id)))
    return replace(found, status="captured", settled_at=now)


async def void(tx: Tx, hold_id: UUID, cause_event_id: UUID, *, correlation_id: str | None = None) -> Hold:
    """Release held points to the lots that they came from.

    They repay debt first; those past their
    last day expire at once.

    Raises:
        NotFound: ``hold-unknown``.
        Conflict: ``hold-settled``, with its ``hold_status``, if it is not open.
    """
    found, volunteer, wallet, now = await _begin(tx, hold_id, "open")
    lots, taken = await store.lots_of_hold(tx, hold_id, found.volunteer_id)
    _add(wallet, lots)
    wallet.release(hold_id, taken)
    await store.settle_hold(tx, hold_id, "released", now)
    await _book(tx, volunteer, wallet, "release", now, (cause_event_id, _correlation(correlation_id, cause_event_id)))
    return replace(found, status="released", settled_at=now)


async def refund(tx: Tx, hold_id: UUID, cause_event_id: UUID, *, correlation_id: str | None = None) -> Hold:
    """Spent points come back: captured to refunded, otherwise as `void`.

    Raises:
        NotFound: ``hold-unknown``.
        Conflict: ``hold-settled``, with its ``hold_status``, if it is not captured.
    """
    found, volunteer, wallet, now = await _begin(tx, hold_id, "captured")
    lots, taken = await store.lots_of_hold(tx, hold_id, found.volunteer_id)
    _add(wallet, lots)
    wallet.refund(hold_id, taken)
    cap = await _highest_balance(tx, found.volunteer_id, now)
    if cap is not None and wallet.available + wallet.held > cap:
        _add(wallet, (await store.open_lots(tx, [found.volunteer_id])).get(found.volunteer_id, ()))
        wallet.level(cap)
    await store.refund_hold(tx, hold_id, now)
    await _book(tx, volunteer, wallet, "refund", now, (cause_event_id, _correlation(correlation_id, cause_event_id)))
    return replace(found, status="refunded", refunded_at=now)


async def find_hold(tx: Tx, hold_id: UUID) -> Hold | None:
    """A hold as it is, without a lock."""
    return await store.hold(tx, hold_id)


async def expire_points(db: Database, limit: int = 500) -> int:
    """Post the expiry of points past their last day.

    Of at most ``limit`` lots' volunteers; returns how many
    volunteers it was. Call again until it is 0.
    """
    async with db.transaction() as tx:
        now = await tx.now()
        today = district_day(now)
        due = await store.due_lots(tx, today, limit)
        if not due:
            return 0
        await lock(tx, due, frozenset(due))
        volunteers = await store.volunteers(tx, due)
        lots = await store.open_lots(tx, due)
        cause = derived_id("expiry", today)
        for volunteer_id in due:
            wallet = Wallet(volunteers[volunteer_id].figures, lots.get(volunteer_id, ()), today)
            if wallet.expire():
                await _book(tx, volunteers[volunteer_id], wallet, "expiry", now, (cause, str(cause)))
        return len(due)


async def _begin(tx: Tx, hold_id: UUID, needed: str) -> tuple[Hold, VolunteerRow, Wallet, datetime]:
    now = await tx.now()
    seen = await store.hold(tx, hold_id)
    if seen is None:
        raise NotFound("hold-unknown", "there is no such hold")
    await lock(tx, [seen.volunteer_id], frozenset({seen.volunteer_id}))
    found = await store.hold(tx, hold_id)
    assert found is not None
    if found.status != needed:
        raise Conflict("hold-settled", f"the hold is {found.status}, not {needed}", hold_status=found.status)
    volunteer = await _volunteer(tx, found.volunteer_id)
    return found, volunteer, Wallet(volunteer.figures, (), district_day(now)), now


async def _volunteer(tx: Tx, volunteer_id: UUID) -> VolunteerRow:
    return (await store.volunteers(tx, [volunteer_id]))[volunteer_id]


def _add(wallet: Wallet, lots: Iterable[Lot]) -> None:
    for lot in lots:
        wallet.lots.setdefault(lot.key, lot)


async def _know_donated(tx: Tx, volunteer: VolunteerRow, wallet: Wallet) -> None:
    """Load into the wallet what was donated of which lots."""
    if volunteer.figures.donated:
        for lot, donated in (await store.donated_lots(tx, [volunteer.volunteer_id])).get(volunteer.volunteer_id, ()):
            wallet.lots.setdefault(lot.key, lot).donated = donated


async def _highest_balance(tx: Tx, volunteer_id: UUID, now: datetime) -> int | None:
    """The highest balance by the rule of the day, among those that the volunteer is under."""
    return (await rulebook_of(tx, volunteer_id)).at(district_day(now)).balance_cap


def _correlation(given: str | None, cause_event_id: UUID) -> str:
    current = trace.current()
    return given or (current.correlation_id if current is not None else str(cause_event_id))


@dataclass(frozen=True, slots=True)
class _Posted:
    """Which bucket's award an act changed, by how much, and which lots there were before."""

    bucket: str
    version: int
    rule_version: int
    amount: int
    stored: frozenset[LotKey]


async def _book(
    tx: Tx,
    volunteer: VolunteerRow,
    wallet: Wallet,
    reason: Reason,
    now: datetime,
    cause: tuple[UUID, str],
    posted: _Posted | None = None,
) -> None:
    """Write the outcome of an act, and append its events."""
    before: Balances = volunteer.figures
    after = volunteer.figures = wallet.figures()
    volunteer.version += 1
    cause_event_id, correlation = cause
    posting_id = events.posting_id(volunteer.volunteer_id, reason, volunteer.version)
    versions = (None, None) if posted is None else (posted.version, posted.rule_version)
    source = (*versions, posting_id, cause_event_id, correlation)
    posted_at = volunteer.posting_time(now)
    rows = list(store.transfer_rows(volunteer.volunteer_id, wallet.transfers, source, posted_at))
    touched = [(volunteer.volunteer_id, wallet.lots[key]) for key in sorted(wallet.touched)]
    fresh = [] if posted is None else [pair for pair in touched if pair[1].key not in posted.stored]
    changed = [pair for pair in touched if pair not in fresh]
    await store.write_transfers(tx, rows)
    await store.write(tx, now, lots=(fresh, changed), volunteers=[volunteer])
    data = {
        "posting_id": str(posting_id),
        "volunteer_id": str(volunteer.volunteer_id),
        "reason": reason,
        "amount": after.available - before.available,
        "available": after.available,
        "held": after.held,
        "debt": after.debt,
        "posted_at": posted_at,
    }
    if posted is not None:
        data |= {"amount": posted.amount, "bucket": posted.bucket, "rule_version": str(posted.rule_version)}
    parent = trace.traceparent() if trace.current() is not None else None
    row = events.points_posted(
        posting_id, data, volunteer.version, real_now(), (str(cause_event_id), correlation, parent)
    )
    await outbox.append_raw(tx, [row])
