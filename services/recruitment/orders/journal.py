"""Writing a step of an order: its row, its history, what follows in other rows, and its event, in one transaction."""

import secrets
from uuid import UUID

from services.recruitment.orders import store
from services.recruitment.orders.parties import store as parties
from services.recruitment.orders.store import FoundOrder, SealedText
from services.recruitment.orders.terms.domain import ENDED, Order, OrderAct, OrderChange, OrderState
from services.recruitment.vault.cipher import Cipher
from shared import outbox
from shared.contracts import OrderChanged
from shared.errors import Conflict
from shared.ids import derived_id, new_id
from shared.postgres import Tx

__all__ = ["begin", "keep", "write_words"]

_SOURCE = "weiguang/recruitment"
_SALT_BYTES = 16
_RATED = (OrderAct.RATE, OrderAct.DEFAULT)


async def begin(tx: Tx, change: OrderChange, tag: str, zh: str, by_id: UUID | None) -> None:
    """Write a new order with its first step."""
    await store.insert_order(tx, change.order, secrets.token_bytes(_SALT_BYTES))
    await _record(tx, change, tag, zh, by_id, None)


async def keep(
    tx: Tx, found: FoundOrder, change: OrderChange, by_id: UUID | None, channel: str | None = None
) -> FoundOrder:
    """Write a step of an order that is locked, ``channel`` of a rating; returns the order after it.

    Raises:
        Conflict: a concurrent transaction changed the order.
    """
    if not await store.update_order(tx, change.order, secrets.token_bytes(_SALT_BYTES)):
        raise Conflict("order-changed", "This order was changed at the same time; read it again.")
    if change.act in _RATED:
        await store.insert_rating(tx, change, channel)
    if change.act is OrderAct.DECLINE and change.team_id is not None:
        await store.insert_decline(tx, change.order.order_id, change.team_id, change.at)
    if change.act is OrderAct.REOPEN:
        await store.clear_declines(tx, change.order.order_id)
        if change.reason == "another-team" and change.team_id is not None:
            await store.insert_decline(tx, change.order.order_id, change.team_id, change.at)
    if found.order.shift_id is not None and (
        change.order.shift_id != found.order.shift_id or change.order.state in ENDED | {OrderState.SERVED}
    ):
        await store.end_assignment(tx, change.order.order_id, change.at)
    await _record(tx, change, found.tag, found.zh, by_id, found.leader_id)
    again = await store.find_order(tx, change.order.order_id)
    assert again is not None
    return again


async def write_words(tx: Tx, cipher: Cipher, order: Order, kind: str, words: str) -> None:
    """Seal what a person typed about an order for its resident."""
    wrapped, sealed = cipher.seal_text(order.resident_id, words)
    text = SealedText(order.resident_id, kind, wrapped, sealed, await tx.now())
    await store.insert_text(tx, new_id(), order.order_id, text)


async def _record(
    tx: Tx, change: OrderChange, tag: str, zh: str, by_id: UUID | None, former_leader: UUID | None
) -> None:
    order = change.order
    await store.insert_change(tx, change, by_id)
    if change.act is OrderAct.SCHEDULE:
        await store.insert_assignment(tx, order)
    data = OrderChanged(
        order_id=order.order_id,
        act=change.act.value,
        state=order.state.value,
        by=change.by.value,
        cause=change.reason,
        need=tag,
        need_name=zh,
        site_id=order.site_id,
        desk=order.desk.value,
        resident_id=order.resident_id,
        beneficiary_id=order.beneficiary_id,
        team_id=change.team_id,
        leader_ids=await _leaders(tx, change, former_leader),
        staff_ids=await parties.staff_at(tx, order.site_id, order.desk),
        activity_id=order.activity_id,
        shift_id=order.shift_id,
        series_id=order.series_id,
        starts_at=order.starts_at,
        ends_at=order.ends_at,
        due_at=order.due_at,
        stars=order.stars,
        rated_by_default=order.rated_by_default,
        complaint=order.complaint,
        residents_served=order.residents_served,
        changed_at=change.at,
    )
    event_id = derived_id("order", order.order_id, order.version)
    await outbox.append(
        tx, outbox.event(data, source=_SOURCE, aggregate_version=order.version, id=event_id, time=change.at)
    )


async def _leaders(tx: Tx, change: OrderChange, former: UUID | None) -> list[UUID]:
    """The leaders whom a step concerns: of the teams that may accept, or of the team that has or had the order."""
    order = change.order
    if order.state is OrderState.OFFERED and change.act is not OrderAct.DECLINE:
        found = set(await parties.leaders_for_need(tx, order.need_tag_id, order.order_id))
        return sorted(found | ({former} if former is not None else set()))
    if order.team_id is not None:
        team = await parties.find_acting_team(tx, order.team_id, order.need_tag_id, order.order_id)
        former = None if team is None else team.leader_volunteer_id
    return [] if former is None else [former]
