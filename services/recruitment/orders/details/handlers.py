"""Use cases of an order's details: read them with a look that is kept, list the looks, and the code at the door."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.recruitment.activities.guards import actor_id
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import ServiceRecord
from services.recruitment.attendance.handlers import PresenceProof
from services.recruitment.limits import handlers as limits
from services.recruitment.limits.handlers import Delay, Reached
from services.recruitment.orders import guards
from services.recruitment.orders import store as orders
from services.recruitment.orders.details import domain, store
from services.recruitment.orders.details.store import OrderLook
from services.recruitment.orders.parties import store as parties
from services.recruitment.orders.store import DoorRow, FoundOrder
from services.recruitment.orders.terms.domain import OrderActor, OrderState
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.handlers import VaultReader
from shared.auth.tokens import Caller
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["DoorCode", "OrderDetails", "OrderWords", "begin_try", "door_code", "looks", "of_shift", "open_door", "read"]

_FIELDS = ("address", "phone", "know")
_EARLY, _LATE = timedelta(hours=1), timedelta(hours=12)
"""Around the shift, within which there is a code at the door."""
_TRIES = Delay(5, timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
"""Pauses after wrong codes of one volunteer at one door."""


@dataclass(frozen=True, slots=True)
class OrderWords:
    """A text that was typed about an order: in which step, and when."""

    kind: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """The unsealed details; words of the review and after are the resident's and the staff's."""

    said: Mapping[str, str | None]
    words: tuple[OrderWords, ...]

    def __repr__(self) -> str:
        return "OrderDetails(…)"


@dataclass(frozen=True, slots=True)
class DoorCode:
    """The one-time code that the resident gives to the volunteer at the door."""

    code: str
    valid_until: datetime

    def __repr__(self) -> str:
        return "DoorCode(…)"


async def read(tx: Tx, caller: Caller, cipher: Cipher, reader: VaultReader, order_id: UUID) -> OrderDetails:
    """Read the details of an order; the look is kept, unless it is the resident's own.

    Raises:
        NotFound: there is none, or the caller has nothing to do with it.
        Forbidden: ``order-details-closed``, before or after the time for which the caller may read them.
        TooMany: ``looks-limited``.
    """
    found = await orders.find_order(tx, order_id)
    if found is None:
        raise _unknown()
    held = await guards.relations(tx, caller, found)
    texts = await orders.list_texts(tx, order_id)
    if OrderActor.RESIDENT in held:
        return _opened(cipher, texts, words=True)
    now = await tx.now()
    kind, team_id = await _reader(tx, caller, found, held, now)
    if not any(text.kind == "details" for text in texts):
        raise Conflict("order-details-erased", "The resident's data were erased; there are no details any more.")
    site_id = await parties.home_of_staff(tx, caller.subject) if kind == "staff" else None
    await store.insert_look(tx, new_id(), order_id, actor_id(caller), kind, site_id, team_id, now)
    person_id = await parties.person_of_resident(tx, found.order.resident_id)
    if person_id is not None:
        await vault.look(tx, person_id, reader, f"order {found.order.number}", _FIELDS)
    return _opened(cipher, texts, words=kind == "staff")


async def looks(tx: Tx, caller: Caller, order_id: UUID) -> list[OrderLook]:
    """The looks of an order, for its resident.

    Raises:
        NotFound, Forbidden: it is not the caller's.
    """
    _, held = await guards.visible(tx, caller, order_id)
    guards.require_as(held, OrderActor.RESIDENT)
    return await store.list_looks(tx, order_id)


async def door_code(tx: Tx, caller: Caller, cipher: Cipher, order_id: UUID) -> DoorCode:
    """The code that the resident gives to the volunteer at the door, to come and again to go.

    Raises:
        NotFound, Forbidden: it is not the caller's.
        Conflict: ``door-not-open``: there is a code from an hour before the service until it is completed.
    """
    _, held = await guards.visible(tx, caller, order_id)
    guards.require_as(held, OrderActor.RESIDENT)
    door = await orders.find_door(tx, order_id)
    assert door is not None
    ends_at = _require_open(door, await tx.now())
    return DoorCode(_code(cipher, order_id, door), ends_at + _LATE)


async def of_shift(tx: Tx, caller: Caller, shift_id: UUID) -> tuple[UUID, str]:
    """(order, number) that a shift was planned for.

    Raises:
        NotFound: there is none, or the caller does not serve in it.
    """
    found = await store.find_of_shift(tx, shift_id, caller.require_volunteer())
    if found is None:
        raise _unknown()
    return found


async def begin_try(tx: Tx, caller: Caller, cipher: Cipher, order_id: UUID) -> Reached | None:
    """Count a try at a door's code, in a transaction that is committed before the code is verified.

    Raises:
        NotFound: there is no such order with a place of the caller, and nothing is counted.
    """
    door = await orders.find_door(tx, order_id)
    place = None if door is None else door.shift_id
    if place is None or not await store.is_signed_up(tx, place, caller.require_volunteer()):
        raise _unknown()
    return await limits.pause(tx, "door", _try_key(caller, cipher, order_id), _TRIES)


async def open_door(tx: Tx, caller: Caller, cipher: Cipher, order_id: UUID, code: str) -> ServiceRecord:
    """Check the calling volunteer in, or out if they are in, on the word of the resident who gave the code.

    Raises:
        NotFound: there is no such order with a place of the caller.
        Forbidden: ``door-code-wrong``; ``door-own-order``, of a resident who would serve themselves.
        Conflict: ``door-not-open``.
        Refusal: as a check-in and a check-out.
    """
    volunteer_id = caller.require_volunteer()
    await orders.lock_order(tx, order_id)
    door = await orders.find_door(tx, order_id)
    if door is None or door.shift_id is None or not await store.is_signed_up(tx, door.shift_id, volunteer_id):
        raise _unknown()
    _require_open(door, await tx.now())
    if await parties.resident_of_volunteer(tx, volunteer_id) in (door.resident_id, door.beneficiary_id):
        raise Forbidden("door-own-order", "A resident cannot be the witness of a service of their own.")
    if _code(cipher, order_id, door) != code:
        raise Forbidden("door-code-wrong", "This is not the resident's code of this moment; ask for it again.")
    await orders.use_door(tx, order_id)
    await limits.forget(tx, "door", _try_key(caller, cipher, order_id))
    proof = PresenceProof(witnessed=True)
    inside = await records.open_records_of(tx, [volunteer_id])
    if any(record.shift_id == door.shift_id for record, _ in inside):
        return await attendance.check_out(tx, caller, door.shift_id, proof, None)
    return await attendance.check_in(tx, caller, door.shift_id, proof, None, None)


async def _reader(
    tx: Tx, caller: Caller, found: FoundOrder, held: frozenset[OrderActor], now: datetime
) -> tuple[str, UUID | None]:
    """As what the caller reads, and with which team.

    Raises:
        NotFound, Forbidden: they may not, or not now.
    """
    order = found.order
    if OrderActor.STAFF in held:
        if order.ended and now >= order.since + domain.AFTER:
            raise _closed()
        return "staff", None
    if caller.acts_as(caller.volunteer_id) and caller.volunteer_id is not None:
        terms = await store.terms_of(tx, order.order_id, caller.volunteer_id)
        for term, leads in terms:
            if domain.may_read(term, now):
                return "leader" if leads else "volunteer", term.team_id
        if terms:
            raise _closed()
    if held:
        raise _closed()
    raise _unknown()


def _opened(cipher: Cipher, texts: list[orders.SealedText], *, words: bool) -> OrderDetails:
    said: Mapping[str, str | None] = {}
    typed: list[OrderWords] = []
    for text in texts:
        if text.kind != "details" and not words:
            continue
        plain = cipher.open_text(text.owner_id, text.wrapped_key, text.sealed)
        if text.kind == "details":
            said = json.loads(plain)
        else:
            typed.append(OrderWords(text.kind, plain, text.written_at))
    return OrderDetails(said, tuple(typed))


def _require_open(door: DoorRow, now: datetime) -> datetime:
    if (
        door.state != OrderState.SCHEDULED
        or door.starts_at is None
        or door.ends_at is None
        or not door.starts_at - _EARLY <= now < door.ends_at + _LATE
    ):
        raise Conflict(
            "door-not-open", "There is a code at the door from an hour before the service until it is completed."
        )
    return door.ends_at


def _code(cipher: Cipher, order_id: UUID, door: DoorRow) -> str:
    """Six digits of a keyed hash: nothing that is stored opens the door, and each use makes the next one another."""
    assert door.shift_id is not None
    salt = door.door_salt or b""
    digest = cipher.keyed_hash("door", order_id.bytes, door.shift_id.bytes, salt, str(door.door_uses))
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06}"


def _try_key(caller: Caller, cipher: Cipher, order_id: UUID) -> bytes:
    return cipher.keyed_hash("limit", "door", order_id.bytes, caller.subject.bytes)


def _closed() -> Forbidden:
    return Forbidden(
        "order-details-closed",
        "Those who serve may read the details from 24 hours before the service until 7 days after it; staff until 7 "
        "days after the order ended.",
    )


def _unknown() -> NotFound:
    return NotFound("order-unknown", "There is no such order that is yours to see.")
