"""Use cases of the ledger besides the ingest: holds (pending transfers), and what time brings about.

Each runs inside a caller's transaction and is safe to repeat. It locks the volunteer's row first (a caller who needs
several volunteers locks them all beforehand, with `lock`) and reads in later statements; posts transfers; keeps lots,
balances and the account's version; and appends PointsPosted to the outbox.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.points.ledger import store
from services.points.ledger.buckets import BucketCause, BucketChange, BucketState, Movement, Reason, VolunteerRow
from services.points.ledger.domain import Balances, InsufficientPoints, Lot, Wallet
from services.points.ledger.entries import Entries
from services.points.ledger.posting import Books, Grant, Posting, split_grants
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
    "PostedChanges",
    "award",
    "capture",
    "expire_points",
    "find_hold",
    "hold",
    "lock",
    "post",
    "refund",
    "void",
]


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
    explanation = orjson.dumps(judgement.explanation).decode()
    if old is not None and (old.explanation, old.rule_version) == (explanation, judgement.rule_version):
        return
    version = 1 if old is None else old.version + 1
    total = sum(judgement.points.values())
    new = BucketState(version, judgement.rule_version, total, explanation, None, None)
    cause = _cause(cause_event_id, correlation_id)
    changes = [BucketChange(volunteer_id, bucket, old, new, judgement.points, cause)]
    highest = await _highest_balance(tx, volunteer_id, now)
    entries = Entries(now, real_now())
    volunteers = {volunteer_id: volunteer}
    posted = await post(tx, volunteers, changes, {} if highest is None else {volunteer_id: highest}, entries)
    moved = [volunteer] if posted.volunteers else []
    await store.write(tx, now, lots=posted.lots, buckets=changes, volunteers=moved)
    await outbox.append_raw(tx, entries.outbox)


OwnedLot = tuple[UUID, Lot]


class PostedChanges(NamedTuple):
    """The outcome of posting changes of buckets: lots to insert and to update, and the volunteers whose row changed."""

    lots: tuple[Sequence[OwnedLot], Sequence[OwnedLot]]
    volunteers: Set[UUID]


async def post(
    tx: Tx,
    volunteers: Mapping[UUID, VolunteerRow],
    changes: Sequence[BucketChange],
    caps: Mapping[UUID, int],
    entries: Entries,
) -> PostedChanges:
    """Post what changes of buckets bring about: transfers are written, figures set, events added to ``entries``.

    ``caps``: the highest balances of those who have one. The caller holds the locks and writes buckets, lots and rows.
    """
    today = district_day(entries.now)
    grants, left = split_grants(volunteers, changes, today, caps)
    new, changed, touched = _grant(volunteers, grants, entries)
    if left:
        books, postings = await _books(tx, volunteers, left, caps, today)
        for volunteer_id, wallet in books.wallets.items():
            if wallet.touched:
                volunteers[volunteer_id].figures = wallet.figures()
                touched.add(volunteer_id)
        for change, amount, transfers in postings:
            reason: Reason = "award" if amount > 0 else "reversal"
            award = (change.bucket, change.new.version, change.new.rule_version)
            entries.add(volunteers[change.volunteer_id], Movement(reason, amount, transfers, change.cause, award))
        more, changed = books.lots()
        new += more
    await store.write_transfers(tx, entries.transfers)
    return PostedChanges((new, changed), touched)


def _grant(
    volunteers: Mapping[UUID, VolunteerRow], grants: Sequence[Grant], entries: Entries
) -> tuple[list[OwnedLot], Sequence[OwnedLot], set[UUID]]:
    """Post plain grants; returns their new lots, no changed ones, and whose they are."""
    granted: dict[UUID, int] = {}
    for change, _, amount in grants:
        volunteer_id = change[0]
        granted[volunteer_id] = granted.get(volunteer_id, 0) + amount
    for volunteer_id, amount in granted.items():
        volunteer = volunteers[volunteer_id]
        available, held, debt, earned, *others = volunteer.figures
        volunteer.figures = Balances(available + amount, held, debt, earned + amount, *others)
    lots: list[OwnedLot] = []
    for change, expires_on, amount in grants:
        volunteer_id = change[0]
        lots.append((volunteer_id, Lot(change[1], expires_on, amount, amount)))
        entries.grant(volunteers[volunteer_id], change, expires_on, amount)
    return lots, (), set(granted)


async def _books(
    tx: Tx,
    volunteers: Mapping[UUID, VolunteerRow],
    changes: Sequence[BucketChange],
    caps: Mapping[UUID, int],
    today: date,
) -> tuple[Books, list[Posting]]:
    """The wallets of changes with all that was posted to them."""
    lots = await store.lots_of_buckets(tx, [(one.volunteer_id, one.bucket) for one in changes if one.old is not None])
    books = Books(volunteers, changes, lots, today, caps)
    for volunteer_id, donated in (await store.donated_lots(tx, books.donors())).items():
        books.add_donated(volunteer_id, donated)
    if short := books.increase():
        for volunteer_id, open_lots in (await store.open_lots(tx, short)).items():
            books.add_lots(volunteer_id, open_lots)
    return books, books.decrease()


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
    cause = _cause(cause_event_id, correlation_id)
    await store.insert_hold(tx, made, cause_event_id, cause.correlation_id)
    await _book(tx, volunteer, wallet, "hold", now, cause)
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
    await _book(tx, volunteer, wallet, "capture", now, _cause(cause_event_id, correlation_id))
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
    await _book(tx, volunteer, wallet, "release", now, _cause(cause_event_id, correlation_id))
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
    await _book(tx, volunteer, wallet, "refund", now, _cause(cause_event_id, correlation_id))
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
        cause = _cause(expiry := derived_id("expiry", today), str(expiry))
        for volunteer_id in due:
            wallet = Wallet(volunteers[volunteer_id].figures, lots.get(volunteer_id, ()), today)
            if wallet.expire():
                await _book(tx, volunteers[volunteer_id], wallet, "expiry", now, cause)
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


async def _highest_balance(tx: Tx, volunteer_id: UUID, now: datetime) -> int | None:
    """The highest balance by the rule of the day, among those that the volunteer is under."""
    return (await rulebook_of(tx, volunteer_id)).at(district_day(now)).balance_cap


def _cause(event_id: UUID, correlation_id: str | None) -> BucketCause:
    """The cause of a posting: an event, and the trace under way."""
    current = trace.current()
    if current is None:
        return BucketCause(event_id, correlation_id or str(event_id))
    return BucketCause(event_id, correlation_id or current.correlation_id, trace.traceparent())


async def _book(
    tx: Tx, volunteer: VolunteerRow, wallet: Wallet, reason: Reason, now: datetime, cause: BucketCause
) -> None:
    """Write the outcome of an act on lots that exist, and append its event."""
    before = volunteer.figures
    volunteer.figures = wallet.figures()
    entries = Entries(now, real_now())
    amount = volunteer.figures.available - before.available
    entries.add(volunteer, Movement(reason, amount, wallet.transfers, cause))
    await store.write_transfers(tx, entries.transfers)
    touched = [(volunteer.volunteer_id, wallet.lots[key]) for key in sorted(wallet.touched)]
    await store.write(tx, now, lots=((), touched), volunteers=[volunteer])
    await outbox.append_raw(tx, entries.outbox)
