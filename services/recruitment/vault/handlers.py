"""Use cases of the vault: keep people, find them by phone, read them masked or, audited, unmasked."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Self
from uuid import UUID

import asyncpg
import structlog

from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent, SecurityResult
from services.recruitment.vault import store
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity, Quota, next_look_at
from services.recruitment.vault.store import KnownPerson
from shared.clock import DISTRICT_ZONE, real_now
from shared.errors import Conflict, NotFound, PermanentError, TooMany
from shared.ids import new_id
from shared.postgres import Database, Tx

__all__ = [
    "LOOKS_LIMITED",
    "KnownPerson",
    "NewPerson",
    "VaultReader",
    "change",
    "find_by_phone",
    "hash_names",
    "identities",
    "keep",
    "keep_or_update",
    "look",
    "looking",
    "people_known_as",
    "unmask",
]

LOOKS_LIMITED = "looks-limited"
MOST_NAMESAKES = 500
"""People of one name that a search considers."""
HASHED_AT_ONCE = 500
_log = structlog.get_logger("security")


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
class VaultReader:
    """The reader of unmasked data, in which role and from where. Services have no quota."""

    subject: UUID
    role: str
    address: str | None = None
    quota: Quota | None = None


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
        Conflict: the ID number belongs to another person.
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


async def change(
    tx: Tx, cipher: Cipher, person_id: UUID, changed: Callable[[Identity], Identity], now: datetime
) -> None:
    """Change the phone or the e-mail address of a person, sealed anew.

    Raises:
        Conflict: ``phone-registered``, the phone is another person's.
    """
    before = cipher.open(person_id, *await store.sealed_person_locked(tx, person_id))
    identity = changed(before)
    taken = Conflict("phone-registered", "This phone is registered for another person already.")
    if identity.phone is not None and identity.phone != before.phone:
        lookups = sorted(cipher.phone_lookups(identity.phone))
        await store.lock_lookups(tx, lookups)
        owner = await store.person_by_phone_locked(tx, lookups)
        if owner is not None and owner != person_id:
            raise taken
    ids = [] if identity.id_number is None else cipher.id_lookups(identity.id_number)
    try:
        async with tx.savepoint():
            await store.reseal(tx, person_id, cipher.seal(person_id, identity), ids, now)
    except asyncpg.UniqueViolationError:
        # A registration in progress inserted the same phone.
        raise taken from None


async def find_by_phone(tx: Tx, cipher: Cipher, phones: Sequence[str]) -> dict[str, KnownPerson]:
    """Known people by normalised phone."""
    lookups = {lookup: phone for phone in phones for lookup in cipher.phone_lookups(phone)}
    found = await store.people_by_phone(tx, list(lookups))
    return {lookups[lookup]: known for lookup, known in found.items()}


async def people_known_as(tx: Tx, cipher: Cipher, name: str | None, phone: str | None) -> list[UUID]:
    """The people of a whole name or a normalised phone, newest first, at most `MOST_NAMESAKES`."""
    names = [] if name is None else cipher.name_lookups(name)
    phones = [] if phone is None else cipher.phone_lookups(phone)
    return await store.people_known_as(tx, names, phones, MOST_NAMESAKES)


async def hash_names(db: Database, cipher: Cipher) -> int:
    """Hash the names of people from before names were searched; returns how many. Repeating it is harmless."""
    hashed, after = 0, None
    while True:
        async with db.transaction() as tx:
            rows = await store.unnamed_people(tx, after, HASHED_AT_ONCE)
            named = []
            for person_id, wrapped, sealed in rows:
                try:
                    identity = cipher.open(person_id, wrapped, sealed)
                except PermanentError as error:
                    _log.error("vault.unreadable", person=str(person_id), reason=str(error))
                    continue
                named.append((person_id, cipher.lookups_of(identity)[2]))
            await store.name_people(tx, named)
        hashed += len(named)
        if len(rows) < HASHED_AT_ONCE:
            return hashed
        after = rows[-1][0]


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
    tx: Tx, cipher: Cipher, person_id: UUID, reader: VaultReader, purpose: str, fields: Sequence[str]
) -> Identity:
    """Open a person for another one, and record who read which fields and what for.

    Raises:
        NotFound: the vault knows no such person.
        TooMany: ``looks-limited``, the reader's quota is used up.
    """
    opened = await identities(tx, cipher, [person_id])
    if person_id not in opened:
        raise NotFound("person-unknown", "there is no such person")
    await look(tx, person_id, reader, purpose, fields)
    return opened[person_id]


async def look(tx: Tx, person_id: UUID, reader: VaultReader, purpose: str, fields: Sequence[str]) -> None:
    """Count and record one reading of a person's data, in the transaction that reads them.

    Raises:
        TooMany: ``looks-limited``, the reader's quota is used up.
    """
    now = real_now()
    if reader.quota is not None:
        most = max(reader.quota.per_hour, reader.quota.per_day)
        recent = await store.last_reads(tx, reader.subject, now - timedelta(days=1), most)
        possible = next_look_at(recent, reader.quota, now)
        if possible > now:
            raise _limited(possible, now)
        said = SecurityEvent(
            Kind.UNMASKED,
            subject=person_id,
            actor=reader.subject,
            address=reader.address,
            detail={"fields": len(fields), "kind": fields[0] if len(fields) == 1 else "person"},
        )
        await security.record(tx, said)
    await store.record_read(tx, new_id(), person_id, reader.subject, reader.role, fields, purpose, now)


@asynccontextmanager
async def looking(db: Database, reader: VaultReader) -> AsyncIterator[Tx]:
    """A transaction in which a reader reads personal data; a refusal by the quota is recorded and alerted apart.

    Raises:
        TooMany: as `look`.
    """
    try:
        async with db.transaction() as tx:
            yield tx
    except TooMany as refusal:
        if refusal.type == LOOKS_LIMITED:
            _log.warning("vault.quota_reached", reader=str(reader.subject), role=reader.role)
            reached = SecurityEvent(
                Kind.QUOTA_REACHED,
                SecurityResult.REFUSED,
                subject=reader.subject,
                address=reader.address,
                detail={"wait_seconds": int(refusal.extra["retry_after"])},
            )
            await security.record_apart(db, reached)
        raise


def _limited(possible: datetime, now: datetime) -> TooMany:
    when = possible.astimezone(DISTRICT_ZONE)
    seconds = ceil((possible - now).total_seconds())
    return TooMany(
        LOOKS_LIMITED,
        f"You have read as many people's data as one account may: the next look is possible at {when:%Y-%m-%d %H:%M}.",
        retry_after=seconds,
        possible_at=when.isoformat(timespec="seconds"),
    )
