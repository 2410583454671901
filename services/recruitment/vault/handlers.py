"""Use cases of the vault: keep people, find them by phone, read them masked or, audited, unmasked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from services.recruitment.vault import store
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity
from services.recruitment.vault.store import Known
from shared.clock import real_now
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["Known", "NewPerson", "Reader", "find_by_phone", "identities", "keep", "keep_or_update", "unmask"]


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person about to be kept, with the ids that stand for them."""

    person_id: UUID
    resident_id: UUID
    identity: Identity

    @classmethod
    def of(cls, identity: Identity) -> Self:
        return cls(new_id(), new_id(), identity)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads unmasked data, and in which role."""

    subject: UUID
    role: str


async def keep(tx: Tx, cipher: Cipher, people: Sequence[NewPerson], now: datetime) -> set[UUID]:
    """Keep people; returns the ids of those kept. The phone or ID number of the others is already on file."""
    if cipher.overlapping:
        people = await _without_known(tx, cipher, people)
    rows = [(person.person_id, person.resident_id, cipher.seal(person.person_id, person.identity)) for person in people]
    # Keys in one order, so that two inserts of the same phones wait for each other and never in a circle.
    rows.sort(key=lambda row: row[2].phone_lookup or b"")
    return await store.add_people(tx, rows, now)


async def keep_or_update(tx: Tx, cipher: Cipher, identity: Identity, now: datetime) -> UUID:
    """Keep one person whose phone was just proved; a known person's entry is replaced by what they say now.

    Raises:
        Conflict: the ID number belongs to somebody else.
    """
    assert identity.phone is not None
    person = NewPerson.of(identity)
    if await keep(tx, cipher, [person], now):
        return person.person_id
    known = await store.person_by_phone_locked(tx, cipher.phone_lookups(identity.phone))
    ids = [] if identity.id_number is None else cipher.id_lookups(identity.id_number)
    if known is None or not await store.reseal(tx, known, cipher.seal(known, identity), ids, now):
        raise Conflict(
            "id-number-registered", "this ID number is already on file under another phone: ask your station"
        )
    return known


async def find_by_phone(tx: Tx, cipher: Cipher, phones: Sequence[str]) -> dict[str, Known]:
    """Known people by normalised phone."""
    lookups = {lookup: phone for phone in phones for lookup in cipher.phone_lookups(phone)}
    found = await store.people_by_phone(tx, list(lookups))
    return {lookups[lookup]: known for lookup, known in found.items()}


async def _without_known(tx: Tx, cipher: Cipher, people: Sequence[NewPerson]) -> list[NewPerson]:
    """Leave out people who are on file under a hash of any key of the ring, which the unique constraints cannot see.

    The hashes are locked first: another process may hold the same ring with another key as the current one.
    """
    hashes: dict[UUID, set[bytes]] = {}
    for person in people:
        phone, number = person.identity.phone, person.identity.id_number
        hashes[person.person_id] = {
            *([] if phone is None else cipher.phone_lookups(phone)),
            *([] if number is None else cipher.id_lookups(number)),
        }
    asked = sorted(set[bytes]().union(*hashes.values()))
    await store.lock_lookups(tx, asked)
    taken = await store.known_lookups(tx, asked)
    return [person for person in people if hashes[person.person_id].isdisjoint(taken)]


async def identities(tx: Tx, cipher: Cipher, person_ids: Sequence[UUID]) -> dict[UUID, Identity]:
    """Open people in memory, to mask them, or to show them to themselves."""
    rows = await store.sealed_people(tx, person_ids)
    return {person_id: cipher.open(person_id, wrapped, sealed) for person_id, wrapped, sealed in rows}


async def unmask(
    tx: Tx, cipher: Cipher, person_id: UUID, reader: Reader, purpose: str, fields: Sequence[str]
) -> Identity:
    """Open a person for somebody else, and write down who read which fields and what for.

    Raises:
        NotFound: the vault knows no such person.
    """
    opened = await identities(tx, cipher, [person_id])
    if person_id not in opened:
        raise NotFound("person-unknown", "there is no such person")
    await store.record_read(tx, new_id(), person_id, reader.subject, reader.role, fields, purpose, real_now())
    return opened[person_id]
