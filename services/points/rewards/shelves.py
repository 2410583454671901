"""Use cases of what lies at a site: counting it, how long it waits there, and what it looks like."""

from __future__ import annotations

import hashlib
from uuid import UUID

from services.points.rewards import store
from services.points.rewards.domain import PHOTO_BYTES, photo_type
from services.points.rewards.store import Stock
from shared.auth.tokens import Caller
from shared.errors import Conflict, NotFound, Refusal
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["count_stock", "photo", "put_photo", "set_hold_days"]


async def count_stock(
    tx: Tx, caller: Caller, reward_id: UUID, site_id: UUID, counted: int, reason: str
) -> tuple[Stock, int]:
    """Bring the stock to what was counted on the shelf, held items included; returns it and the difference.

    Raises:
        Refusal: a site outside the caller's subtree, no shelf there, or fewer items than are held for people.
    """
    caller.require_site(site_id)
    shelf = await store.lock_shelf(tx, reward_id, site_id)
    if shelf is None:
        raise NotFound("shelf-unknown", "This reward was never in stock at this site.")
    difference, now, receipt_id = counted - shelf.free - shelf.reserved, await tx.now(), None
    if counted < shelf.reserved:
        detail = f"{shelf.reserved} items are held for volunteers; release some of the holds first."
        raise Conflict("stock-below-zero", detail, reserved=shelf.reserved)
    found = shelf
    if difference:
        found, receipt_id = await store.correct_shelf(tx, shelf, difference), new_id()
        note = f"count: {reason}"
        await store.insert_receipt(tx, receipt_id, reward_id, site_id, difference, note, at=now, by=caller.subject)
    await store.insert_count(tx, new_id(), shelf, counted, reason, receipt_id, at=now, by=caller.subject)
    return found, difference


async def set_hold_days(tx: Tx, caller: Caller, reward_id: UUID, site_id: UUID, days: int) -> None:
    """Say how long the reward waits for pickup at this site, for holds from now on.

    Raises:
        Refusal: a site outside the caller's subtree, or no such reward.
    """
    caller.require_site(site_id)
    await _known(tx, reward_id)
    await store.set_hold_days(tx, reward_id, site_id, days, at=await tx.now(), by=caller.subject)


async def put_photo(tx: Tx, caller: Caller, reward_id: UUID, content: bytes) -> str:
    """Keep a photo, the kind of which is read from its bytes; returns its tag.

    Raises:
        Refusal: no such reward, too large, or no PNG, JPEG or WebP.
    """
    await _known(tx, reward_id)
    if len(content) > PHOTO_BYTES:
        raise Refusal("photo-too-large", f"A photo has at most {PHOTO_BYTES} bytes.", status=413, limit=PHOTO_BYTES)
    kind = photo_type(content)
    if kind is None:
        raise Refusal("photo-type-unknown", "A photo is a PNG, JPEG or WebP image.", status=415)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    await store.put_photo(tx, reward_id, kind, content, etag, at=await tx.now(), by=caller.subject)
    return etag


async def photo(tx: Tx, reward_id: UUID) -> tuple[str, bytes, str]:
    """(content type, bytes, tag).

    Raises:
        NotFound: the reward has none.
    """
    found = await store.photo(tx, reward_id)
    if found is None:
        raise NotFound("photo-unknown", "This reward has no photo.")
    return found


async def _known(tx: Tx, reward_id: UUID) -> None:
    if await store.find_reward(tx, reward_id) is None:
        raise NotFound("reward-unknown", "There is no such reward.")
