"""Rows of the vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.vault.cipher import Sealed
from shared.postgres import Tx, load_queries

__all__ = [
    "KnownPerson",
    "Look",
    "ReadersLook",
    "add_people",
    "known_lookups",
    "last_reads",
    "lock_lookups",
    "looks",
    "looks_at_volunteer",
    "name_people",
    "people_by_phone",
    "people_known_as",
    "person_by_phone_locked",
    "record_read",
    "reseal",
    "sealed_people",
    "sealed_person_locked",
    "unnamed_people",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One reading of a person's data: by which role of which site (none: the centre), what, what for and when."""

    read_id: UUID
    reader_role: str
    fields: list[str]
    purpose: str
    read_at: datetime
    site_id: UUID | None
    site: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadersLook(Look):
    """A look with its reader, and the volunteer whose data it was; neither is set for other people."""

    reader: UUID
    username: str | None
    volunteer_id: UUID | None
    volunteer_number: str | None


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person that the vault knows by phone."""

    person_id: UUID
    volunteer_id: UUID | None
    claimed: bool


async def add_people(tx: Tx, people: Sequence[tuple[UUID, UUID, Sealed]], now: datetime) -> set[UUID]:
    """Insert (person_id, resident_id, sealed) rows; returns those that went in, the others' phone or ID is taken."""
    if not people:
        return set()
    rows = await tx.fetch(
        _SQL["add_people"],
        [person_id for person_id, _, _ in people],
        [resident_id for _, resident_id, _ in people],
        [sealed.wrapped_key for _, _, sealed in people],
        [sealed.sealed for _, _, sealed in people],
        [sealed.phone_lookup for _, _, sealed in people],
        [sealed.id_lookup for _, _, sealed in people],
        people[0][2].lookup_key,
        now,
        [sealed.name_lookup for _, _, sealed in people],
    )
    return {row["person_id"] for row in rows}


async def lock_lookups(tx: Tx, lookups: Sequence[bytes]) -> None:
    """Lock hashes in the order given, until the transaction ends."""
    await tx.execute(_SQL["lock_lookups"], list(lookups))


async def known_lookups(tx: Tx, lookups: Sequence[bytes]) -> set[bytes]:
    """Those of the hashes that are on file, of phones or ID numbers."""
    return {bytes(row["lookup"]) for row in await tx.fetch(_SQL["known_lookups"], list(lookups))}


async def reseal(tx: Tx, person_id: UUID, sealed: Sealed, id_lookups: Sequence[bytes], now: datetime) -> bool:
    """Replace what is stored of a person; false when the ID number, by any of its hashes, belongs to another person."""
    row = await tx.fetchval(
        _SQL["reseal_person"],
        person_id,
        sealed.wrapped_key,
        sealed.sealed,
        sealed.phone_lookup,
        sealed.id_lookup,
        list(id_lookups),
        sealed.lookup_key,
        now,
        sealed.name_lookup,
    )
    return row is not None


async def people_by_phone(tx: Tx, lookups: Sequence[bytes]) -> dict[bytes, KnownPerson]:
    """The known people among these phones."""
    rows = await tx.fetch(_SQL["people_by_phone"], list(lookups))
    return {
        bytes(row["phone_lookup"]): KnownPerson(row["person_id"], row["volunteer_id"], row["claimed_at"] is not None)
        for row in rows
    }


async def person_by_phone_locked(tx: Tx, lookups: Sequence[bytes]) -> UUID | None:
    """Lock a known person's row; the state that it protects is read in a later statement."""
    person_id: UUID | None = await tx.fetchval(_SQL["person_by_phone_locked"], list(lookups))
    return person_id


async def people_known_as(tx: Tx, names: Sequence[bytes], phones: Sequence[bytes], limit: int) -> list[UUID]:
    """The people whose name or phone has one of these hashes, newest first."""
    return [row["person_id"] for row in await tx.fetch(_SQL["people_known_as"], list(names), list(phones), limit)]


async def unnamed_people(tx: Tx, after: UUID | None, limit: int) -> list[tuple[UUID, bytes, bytes]]:
    """Lock and return (person_id, wrapped_key, sealed) of people whose name has no hash yet, beyond an id."""
    rows = await tx.fetch(_SQL["unnamed_people"], after, limit)
    return [(row["person_id"], bytes(row["wrapped_key"]), bytes(row["sealed"])) for row in rows]


async def name_people(tx: Tx, named: Sequence[tuple[UUID, bytes]]) -> None:
    """Write the hashes of names."""
    await tx.execute(_SQL["name_people"], [person_id for person_id, _ in named], [lookup for _, lookup in named])


async def sealed_person_locked(tx: Tx, person_id: UUID) -> tuple[bytes, bytes]:
    """Lock a person who exists: (wrapped_key, sealed)."""
    row = await tx.fetchrow(_SQL["sealed_person_locked"], person_id)
    assert row is not None, "a volunteer has a person"
    return bytes(row["wrapped_key"]), bytes(row["sealed"])


async def sealed_people(tx: Tx, person_ids: Sequence[UUID]) -> list[tuple[UUID, bytes, bytes]]:
    """(person_id, wrapped_key, sealed) of those that exist."""
    rows = await tx.fetch(_SQL["sealed_people"], list(person_ids))
    return [(row["person_id"], bytes(row["wrapped_key"]), bytes(row["sealed"])) for row in rows]


async def record_read(
    tx: Tx, read_id: UUID, person_id: UUID, reader: UUID, role: str, fields: Sequence[str], purpose: str, at: datetime
) -> None:
    """Write down an unmasked read."""
    await tx.execute(_SQL["record_read"], read_id, person_id, reader, role, list(fields), purpose, at)


async def last_reads(tx: Tx, reader: UUID, since: datetime, limit: int) -> list[datetime]:
    """Lock a reader; then when they read since then, newest first."""
    await tx.execute(_SQL["lock_reader"], reader)
    return [row["read_at"] for row in await tx.fetch(_SQL["last_reads"], reader, since, limit)]


async def looks_at_volunteer(
    tx: Tx, volunteer_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> list[Look]:
    """A page of the looks of people at one volunteer, newest first."""
    at, read_id = before or (None, None)
    return [Look(**row) for row in await tx.fetch(_SQL["looks_at_volunteer"], volunteer_id, at, read_id, limit)]


async def looks(
    tx: Tx,
    reader: UUID | None,
    volunteer_id: UUID | None,
    since: datetime | None,
    until: datetime | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ReadersLook]:
    """A page of the looks of people, newest first."""
    at, read_id = before or (None, None)
    rows = await tx.fetch(_SQL["looks"], reader, volunteer_id, since, until, at, read_id, limit)
    return [ReadersLook(**row) for row in rows]
