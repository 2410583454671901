"""Use cases of cards: issue, replace, show, and record the holder of a scanned one."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.recruitment.activities.guards import actor_id
from services.recruitment.approvals.domain import AssertionCaps
from services.recruitment.attendance import store as records
from services.recruitment.cards import domain, store
from services.recruitment.cards.domain import Card
from services.recruitment.devices import store as devices
from services.recruitment.devices.domain import Person
from services.recruitment.organisation.handlers import require_reach
from services.recruitment.rollcall import handlers as rollcall
from services.recruitment.rollcall.domain import Tick
from services.recruitment.rollcall.handlers import TickOutcome
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import mask_name
from services.recruitment.volunteers import store as volunteers
from services.recruitment.volunteers.domain import stored_number
from shared.auth.tokens import Caller
from shared.errors import NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["ScanOutcome", "issue", "issue_own", "of_numbers", "own", "scan"]


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """The outcome of a scan, and the masked name of the card's holder where it was recorded."""

    name: str
    tick: TickOutcome


async def own(tx: Tx, caller: Caller) -> Card:
    """The calling volunteer's card.

    Raises:
        NotFound: none was issued (``card-missing``).
    """
    volunteer_id = caller.require_volunteer()
    found = await store.find_cards(tx, [volunteer_id])
    if volunteer_id not in found:
        raise NotFound("card-missing", "You have no card yet: issue one first.")
    return found[volunteer_id]


async def issue_own(tx: Tx, caller: Caller, *, replace: bool) -> Card:
    """Issue the calling volunteer's card, or a new one in place of a lost one; one in force stays unless replaced.

    Raises:
        NotFound: the volunteer is not known.
    """
    volunteer_id = caller.require_volunteer()
    if not (await records.lock_volunteer(tx, volunteer_id)).known:
        raise NotFound("volunteer-unknown", f"There is no volunteer {volunteer_id}.")
    if replace:
        await store.revoke_card(tx, volunteer_id, await tx.now())
    await _issue_missing(tx, caller, [volunteer_id])
    return (await store.find_cards(tx, [volunteer_id]))[volunteer_id]


async def issue(tx: Tx, caller: Caller, numbers: Sequence[str]) -> tuple[list[Card], list[str]]:
    """Issue cards to volunteers within the caller's reach: those in force, and the numbers that were not found."""
    found = await _within_reach(tx, caller, numbers)
    ids = sorted(person.volunteer_id for person in found.values())
    await records.lock_volunteers(tx, ids)
    await _issue_missing(tx, caller, ids)
    return list((await store.find_cards(tx, ids)).values()), [each for each in numbers if each not in found]


async def of_numbers(tx: Tx, caller: Caller, numbers: Sequence[str]) -> list[Card]:
    """The cards in force of volunteers within the caller's reach."""
    found = await _within_reach(tx, caller, numbers)
    return list((await store.find_cards(tx, [person.volunteer_id for person in found.values()])).values())


async def scan(
    tx: Tx, cipher: Cipher, caller: Caller, shift_id: UUID, tick: Tick, scanned: str, caps: AssertionCaps
) -> ScanOutcome:
    """Record the holder of a card, or of a number that was typed, as a roll-call of one.

    Raises:
        NotFound: no such shift; the card is no volunteer's or was replaced (``card-unknown``).
        Forbidden: the shift is not the caller's to run.
    """
    code = domain.read_code(scanned)
    number = stored_number(scanned) if code is None else await store.find_holder(tx, code)
    if number is None:
        raise NotFound("card-unknown", "This card is no volunteer's, or a newer one replaced it.")
    outcome = (await rollcall.call_roll(tx, caller, shift_id, tick, [number], caps))[0]
    return ScanOutcome(await _name(tx, cipher, outcome), outcome)


async def _name(tx: Tx, cipher: Cipher, outcome: TickOutcome) -> str:
    if outcome.record is None:
        return ""
    row = await volunteers.volunteer(tx, outcome.record.volunteer_id)
    assert row is not None, "the record's volunteer exists"
    return mask_name((await vault.identities(tx, cipher, [row.person_id]))[row.person_id].name)


async def _within_reach(tx: Tx, caller: Caller, numbers: Sequence[str]) -> dict[str, Person]:
    found = await devices.find_people(tx, list(dict.fromkeys(numbers)))
    reachable = {}
    for number, person in found.items():
        try:
            await require_reach(tx, caller, person.volunteer_id)
        except NotFound:
            continue
        reachable[number] = person
    return reachable


async def _issue_missing(tx: Tx, caller: Caller, volunteer_ids: Sequence[UUID]) -> None:
    held = await store.find_cards(tx, volunteer_ids)
    missing = [each for each in volunteer_ids if each not in held]
    if missing:
        made = [(new_id(), each, domain.code_of(secrets.token_bytes(domain.CODE_BYTES))) for each in missing]
        await store.add_cards(tx, made, actor_id(caller), await tx.now())
