"""Use cases of the catalogue: what a volunteer may take now, changing a line, withdrawing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.points.rewards import store as rewards
from services.points.rewards.catalogue import store
from services.points.rewards.catalogue.domain import RewardsTaken, as_plain, refusal, withdrawn
from services.points.rewards.domain import Reward, RewardRefusal, quarter_start
from services.points.rewards.store import Stock
from services.points.rules.handlers import rulebook
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["Own", "change", "own_view", "withdraw"]


@dataclass(frozen=True, slots=True)
class Own:
    """How one volunteer stands to one reward: what they took of it, and why they cannot take one now, if so."""

    taken: RewardsTaken
    declined: RewardRefusal | None


async def own_view(
    tx: Tx, volunteer_id: UUID, found: Sequence[Reward], shelves: Sequence[Stock], at: datetime
) -> Mapping[UUID, Own]:
    """How a volunteer stands to each of these rewards; what a hold decides under the lock may differ by then."""
    quarter = quarter_start(district_day(at))
    taken = await store.taken_of(tx, volunteer_id, [reward.reward_id for reward in found], quarter)
    limit = (await rulebook(tx)).at(district_day(at)).redemptions_per_quarter
    used = limit is not None and await rewards.count_all_taken(tx, volunteer_id, quarter) >= limit
    available = await rewards.read_available(tx, volunteer_id)
    own = {}
    for reward in found:
        mine = taken.get(reward.reward_id, RewardsTaken())
        free = sum(shelf.free for shelf in shelves if shelf.reward_id == reward.reward_id)
        declined = refusal(reward, mine, free=free, available=available, quarter_used=used, at=at)
        own[reward.reward_id] = Own(mine, declined)
    return own


async def change(tx: Tx, caller: Caller, reward: Reward) -> Reward:
    """Let a line of the catalogue say this from now on; who has a hold keeps the price and the time of it.

    Args:
        reward: with the version that the caller has seen. What the line says already may be said again.

    Raises:
        NotFound: there is no such reward.
        Conflict: ``reward-changed``, another operator changed it since.
    """
    before = await _locked(tx, reward.reward_id)
    if reward.version != before.version and any(as_plain(before, reward)):
        raise Conflict(
            "reward-changed",
            f"The reward was changed meanwhile: you saw version {reward.version}, now it is {before.version}. "
            "Read it again and change what it says now.",
            version=before.version,
        )
    return await _write(tx, caller, before, reward)


async def withdraw(tx: Tx, caller: Caller, reward_id: UUID) -> Reward:
    """Withdraw a line of the catalogue: it cannot be held any more; open holds can still be fetched.

    One
    that was withdrawn before stays as it is.

    Raises:
        NotFound: there is no such reward.
    """
    before, now = await _locked(tx, reward_id), await tx.now()
    if before.available_until is not None and before.available_until <= now:
        return before
    return await _write(tx, caller, before, withdrawn(before, now))


async def _locked(tx: Tx, reward_id: UUID) -> Reward:
    found = await store.lock_reward(tx, reward_id)
    if found is None:
        raise NotFound("reward-unknown", "There is no such reward.")
    return found


async def _write(tx: Tx, caller: Caller, before: Reward, after: Reward) -> Reward:
    old, new = as_plain(before, after)
    if not new:
        return before
    after = replace(after, version=before.version + 1)
    await store.change_reward(tx, after)
    await store.insert_change(tx, new_id(), after.reward_id, old, new, at=await tx.now(), by=caller.subject)
    return after
