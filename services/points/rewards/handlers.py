"""Use cases of rewards: fill the catalogue and the shelves, hold, capture, release.

Lock order, the same everywhere: volunteer rows (sorted, in a statement of their own), then reward_stock rows (sorted by
reward and site) as the last statements of the transaction. A redemption belongs to one volunteer, whose lock covers it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.points.ledger import handlers as ledger
from services.points.rewards import events, store
from services.points.rewards.domain import (
    CODE_ALPHABET,
    CODE_LENGTH,
    RESERVE,
    Command,
    Redemption,
    RedemptionStatus,
    RedemptionStep,
    Reward,
    RewardRefusal,
    StockMove,
    advance,
    normalised_code,
    place,
    quarter_start,
)
from services.points.rewards.lockout.domain import CodeLock
from services.points.rules.handlers import rulebook_of
from shared import outbox
from shared.auth.tokens import Caller, Role
from shared.clock import district_day, real_now
from shared.errors import Conflict, Invalid, NotFound, Refusal, TooMany, TransientError
from shared.ids import new_id
from shared.postgres import Tx

log = structlog.get_logger(__name__)
CODE_TRIES = 5
TIMED_OUT = "not picked up in time"


def random_code() -> str:
    """A pickup code that cannot be guessed: 31^8 of them, a few wrong guesses allowed."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


async def add_reward(tx: Tx, caller: Caller, reward: Reward) -> Reward:
    """Add a line to the catalogue."""
    await store.insert_reward(tx, reward, at=await tx.now(), by=caller.subject)
    return reward


async def receive_stock(
    tx: Tx, caller: Caller, reward_id: UUID, site_id: UUID, quantity: int, note: str
) -> store.Stock:
    """Put `quantity` items on a site's shelf, with who counted them.

    Raises:
        Refusal: no such reward, a site outside the caller's subtree, or fewer items than none would remain.
    """
    caller.require_site(site_id)
    if await store.find_reward(tx, reward_id) is None:
        raise NotFound("reward-unknown", "There is no such reward.")
    stock = await store.receive_stock(tx, reward_id, site_id, quantity)
    if stock is None:
        raise Conflict("stock-below-zero", "There are not that many free items at this site.")
    await store.insert_receipt(tx, new_id(), reward_id, site_id, quantity, note, at=await tx.now(), by=caller.subject)
    return stock


async def hold(
    tx: Tx,
    volunteer_id: UUID,
    reward_id: UUID,
    site_id: UUID,
    *,
    device_id: str | None = None,
    make_code: Callable[[], str] = random_code,
) -> tuple[Redemption, str]:
    """Hold the points and reserve one item, both or neither; returns the redemption and its pickup code.

    ``device_id`` is the random id of the browser, which integrity compares.

    Raises:
        Refusal: unknown or unavailable reward, sold out, limit of the quarter reached, or not enough points.
    """
    offer = await store.find_offer(tx, reward_id, site_id)
    if offer is None:
        raise NotFound("reward-unknown", "There is no such reward.")
    reward, free = offer
    if free <= 0:
        raise Conflict("reward-sold-out", "This reward is sold out at this site.")
    await ledger.lock(tx, [volunteer_id])
    at = await tx.now()
    quarter = quarter_start(district_day(at))
    limit = (await rulebook_of(tx, volunteer_id)).at(district_day(at)).redemptions_per_quarter
    if limit is not None and await store.count_all_taken(tx, volunteer_id, quarter) >= limit:
        raise Conflict("quarterly-redemptions-used", f"The rule allows {limit} redemptions in a quarter.")
    placed = place(
        reward,
        free=await store.read_free(tx, reward_id, site_id),
        taken_this_quarter=await store.count_taken(tx, volunteer_id, reward_id, quarter),
        available=await store.read_available(tx, volunteer_id),
        at=at,
        taken_ever=await store.count_ever(tx, volunteer_id, reward_id) if reward.per_person_limit is not None else 0,
    )
    if isinstance(placed, RewardRefusal):
        raise _refusal(placed)
    redemption = Redemption(
        redemption_id=new_id(),
        reward_id=reward_id,
        reward_name=reward.name,
        volunteer_id=volunteer_id,
        site_id=site_id,
        points=placed.points,
        status=RedemptionStatus.HELD,
        version=1,
        held_at=at,
        expires_at=placed.expires_at,
        settled_at=None,
        reason=None,
        stock_returned=None,
    )
    await store.insert_redemption(tx, redemption, quarter, device_id)
    code = await _give_code(tx, redemption.redemption_id, make_code)
    event = events.held(redemption)
    await ledger.hold(
        tx,
        volunteer_id,
        redemption.points,
        event.id,
        hold_id=redemption.redemption_id,
        expires_at=redemption.expires_at,
        correlation_id=event.correlation_id,
    )
    await outbox.append(tx, event)
    if not await store.move_stock(tx, reward_id, site_id, RESERVE):
        raise Conflict("reward-sold-out", "This reward is sold out at this site.")
    return redemption, code


async def check_code(tx: Tx, caller: Caller, redemption_id: UUID, typed: str, real: datetime) -> Refusal | None:
    """Count a wrong pickup code; returned, not raised, because the count must be committed although the answer is no.

    A redemption that is no longer held is left to `capture`, which says where it stands. `real` is real time.

    Raises:
        Refusal: no such redemption, or a site outside the caller's subtree.
    """
    await _find_for_staff(tx, caller, redemption_id)
    pickup = await store.lock_pickup(tx, redemption_id)
    if pickup is None:
        return None
    if pickup.lock.holds(real):
        return code_locked()
    if _same_code(typed, pickup.code):
        if pickup.lock.wrong_codes:
            await store.note_lock(tx, redemption_id, CodeLock(0, None))
        return None
    await store.note_lock(tx, redemption_id, pickup.lock.after_wrong(real))
    return _wrong_code()


def code_locked() -> TooMany:
    """The refusal of a code while no code is heard for its hold."""
    return TooMany("pickup-code-locked", "Too many wrong pickup codes. Try again in a quarter of an hour.")


async def capture(tx: Tx, caller: Caller, redemption_id: UUID, typed: str) -> Redemption:
    """Hand the item over against its code; the held points are spent.

    Call `check_code` in a transaction of its own before: there wrong codes are counted.

    Raises:
        Refusal: not this caller's site, wrong code, time over, or already at its end.
    """
    redemption = await _locked(tx, await _find_for_staff(tx, caller, redemption_id))
    step = _step(redemption, Command.CAPTURE, await tx.now())
    code = await store.read_code(tx, redemption_id)
    if code is None or not _same_code(typed, code):
        raise _wrong_code()
    settled = await _settle(tx, redemption, step, by=caller.subject, reason=None)
    event = events.captured(settled)
    await ledger.capture(tx, redemption_id, event.id, correlation_id=event.correlation_id)
    await outbox.append(tx, event)
    await _move(tx, [(settled, step.stock)])
    return settled


async def release(tx: Tx, caller: Caller, redemption_id: UUID, reason: str) -> Redemption:
    """Give the hold back: points to the lots they came from, the item to the shelf.

    Raises:
        Refusal: not the caller's own and not the caller's site, or already at its end.
    """
    found = await store.find_redemption(tx, redemption_id)
    if found is None or not may_see(caller, found):
        raise _unknown()
    redemption = await _locked(tx, found)
    step = _step(redemption, Command.RELEASE, await tx.now())
    settled = await _settle(tx, redemption, step, by=caller.subject, reason=reason)
    own = caller.acts_as(settled.volunteer_id)
    event = events.released(settled, "volunteer" if own else "staff")
    await ledger.void(tx, redemption_id, event.id, correlation_id=event.correlation_id)
    await outbox.append(tx, event)
    await _move(tx, [(settled, step.stock)])
    return settled


async def refund(tx: Tx, caller: Caller, redemption_id: UUID, reason: str, *, stock_returned: bool) -> Redemption:
    """Give the points of a handed-over reward back; `stock_returned` says whether the item is on the shelf again.

    Raises:
        Refusal: no such redemption at the caller's sites, or it was not handed over or was already refunded.
    """
    redemption = await _locked(tx, await _find_for_staff(tx, caller, redemption_id))
    command = Command.REFUND if stock_returned else Command.REFUND_KEEPING_STOCK_OUT
    step = _step(redemption, command, await tx.now())
    settled = await _settle(tx, redemption, step, by=caller.subject, reason=reason, stock_returned=stock_returned)
    event = events.refunded(settled)
    await ledger.refund(tx, redemption_id, event.id, correlation_id=event.correlation_id)
    await outbox.append(tx, event)
    await _move(tx, [(settled, step.stock)])
    return settled


async def expire_holds(tx: Tx, limit: int = 100) -> int:
    """Release holds whose time is over, a bounded batch; returns how many, so that the timer knows to come again."""
    at = await tx.now()
    due = await store.due_redemptions(tx, at, limit)
    if not due:
        return 0
    await ledger.lock(tx, sorted({redemption.volunteer_id for redemption in due}))
    moves: list[tuple[Redemption, StockMove]] = []
    for redemption in await store.redemptions_by_id(tx, [redemption.redemption_id for redemption in due]):
        step = advance(redemption, Command.EXPIRE, at)
        if isinstance(step, RewardRefusal):
            continue  # captured or released between the reading and the lock
        try:
            async with tx.savepoint():
                moves.append((await _time_out(tx, redemption, step), step.stock))
        except Refusal as refusal:
            # Redemption and hold contradict each other, which the audit names (A7); the others must not wait.
            log.error("redemption.stuck", redemption_id=str(redemption.redemption_id), reason=refusal.type)
    await _move(tx, moves)
    return len(moves)


async def _time_out(tx: Tx, redemption: Redemption, step: RedemptionStep) -> Redemption:
    settled = await _settle(tx, redemption, step, by=None, reason=TIMED_OUT)
    event = events.released(settled, "timeout")
    await ledger.void(tx, redemption.redemption_id, event.id, correlation_id=event.correlation_id)
    await outbox.append(tx, event)
    return settled


def may_see(caller: Caller, redemption: Redemption) -> bool:
    """The volunteer whose it is, and staff of the pickup site."""
    return caller.acts_as(redemption.volunteer_id) or (
        caller.has(Role.STATION, Role.OPERATOR) and caller.may_site(redemption.site_id)
    )


async def _find_for_staff(tx: Tx, caller: Caller, redemption_id: UUID) -> Redemption:
    redemption = await store.find_redemption(tx, redemption_id)
    if redemption is None:
        raise _unknown()
    caller.require_site(redemption.site_id)
    return redemption


async def _locked(tx: Tx, seen: Redemption) -> Redemption:
    """The redemption, read under its volunteer's lock: lock first, read in a later statement."""
    await ledger.lock(tx, [seen.volunteer_id])
    redemption = await store.find_redemption(tx, seen.redemption_id)
    assert redemption is not None, "redemptions are never deleted"
    return redemption


def _step(redemption: Redemption, command: Command, at: datetime) -> RedemptionStep:
    step = advance(redemption, command, at)
    if isinstance(step, RewardRefusal):
        raise _refusal(step, redemption_status=redemption.status.value)
    return step


async def _settle(
    tx: Tx,
    redemption: Redemption,
    step: RedemptionStep,
    *,
    by: UUID | None,
    reason: str | None,
    stock_returned: bool | None = None,
) -> Redemption:
    at = await tx.now()
    moved = await store.settle_redemption(
        tx, redemption, step.status, at=at, by=by, reason=reason, stock_returned=stock_returned
    )
    if not moved:
        raise TransientError("the redemption moved on although its volunteer was locked")
    await store.end_pickup(tx, redemption.redemption_id, real_now())
    return replace(
        redemption,
        status=step.status,
        version=redemption.version + 1,
        settled_at=at,
        reason=reason,
        stock_returned=stock_returned,
    )


async def _move(tx: Tx, moves: Sequence[tuple[Redemption, StockMove]]) -> None:
    for redemption, move in sorted(moves, key=lambda pair: (pair[0].reward_id, pair[0].site_id)):
        moved = await store.move_stock(tx, redemption.reward_id, redemption.site_id, move)
        assert moved, "what was reserved or handed over can be moved on"


async def _give_code(tx: Tx, redemption_id: UUID, make_code: Callable[[], str]) -> str:
    for _ in range(CODE_TRIES):
        code = make_code()
        if await store.insert_pickup(tx, redemption_id, code):
            return code
    raise TransientError("no unused pickup code was found")


def _same_code(typed: str, code: str) -> bool:
    return hmac.compare_digest(normalised_code(typed).encode(), code.encode())


def _refusal(declined: RewardRefusal, **extra: Any) -> Refusal:
    return Conflict(declined.slug, declined.detail, **extra)


def _wrong_code() -> Refusal:
    return Invalid("pickup-code-wrong", "This is not the pickup code of this redemption.")


def _unknown() -> Refusal:
    return NotFound("redemption-unknown", "There is no such redemption.")
