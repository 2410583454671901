"""Rows under the vault's keys."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from services.recruitment.vault.cipher import Cipher
from shared.errors import PermanentError
from shared.postgres import Tx, load_queries
from shared.rewrapping import KeyedTable, RewrapBatch, TextTable

__all__ = ["People", "tables"]

_SQL = load_queries(__file__)
_log = structlog.get_logger(__name__)
RewrappedPerson = tuple[UUID, bytes, bytes | None, bytes | None, bytes]
"""(person, wrapped key, hashes of phone, ID number and name) under the current keys."""


class People:
    """The people of the vault: their wrapped keys, and the hashes that they are found by."""

    name = "people"

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    async def counts(self, tx: Tx) -> dict[str, int]:
        """Rows by ``<vault key>/<lookup key>``."""
        rows = await tx.fetch(_SQL["people_by_key"])
        return {f"{row['vault_key']}/{row['lookup_key']}": row["rows"] for row in rows}

    async def rewrap(self, tx: Tx, after: tuple[Any, ...] | None, limit: int) -> RewrapBatch:
        """Wrap up to ``limit`` people beyond the id ``after`` anew, and hash phones, ID numbers and names anew."""
        cipher = self._cipher
        place = None if after is None else after[0]
        rows = await tx.fetch(_SQL["stale_people"], cipher.wrapping.mark, cipher.lookup_key, limit, place)
        done = [moved for row in rows if (moved := self._moved(row)) is not None]
        written = await self._write(tx, done)
        return RewrapBatch(written, len(rows) - written, (rows[-1]["person_id"],) if rows else None)

    def _moved(self, row: asyncpg.Record) -> RewrappedPerson | None:
        person_id = row["person_id"]
        try:
            identity = self._cipher.open(person_id, row["wrapped_key"], row["sealed"])
            wrapped = self._cipher.rewrap_person(person_id, row["wrapped_key"])
        except PermanentError as error:
            _log.error("keys.unreadable", table=self.name, row=str(person_id), reason=str(error))
            return None
        return person_id, wrapped, *self._cipher.lookups_of(identity)

    async def _write(self, tx: Tx, done: Sequence[RewrappedPerson]) -> int:
        """Write the rows at once; one by one if two of them turn out to be the same phone or ID number."""
        if not done:
            return 0
        try:
            async with tx.savepoint():
                await self._update(tx, done)
            return len(done)
        except asyncpg.UniqueViolationError:
            if len(done) == 1:
                _log.error("keys.duplicate_person", row=str(done[0][0]))
                return 0
        return sum([await self._write(tx, [one]) for one in done])

    async def _update(self, tx: Tx, done: Sequence[RewrappedPerson]) -> None:
        ids, wrapped, phones, numbers, names = (list(column) for column in zip(*done, strict=True))
        await tx.execute(_SQL["rewrap_people"], ids, wrapped, phones, numbers, self._cipher.lookup_key, names)


def tables(cipher: Cipher) -> list[KeyedTable]:
    """Everything in recruitment's schema that lies under the vault's keys."""

    def bound_to(name: str, owner: str, key: Mapping[str, str] | None = None, **more: Any) -> TextTable:
        """A table whose texts are bound to a column; that is its key when ``key`` names no other."""
        reads = () if key is None else (owner,)
        return TextTable(name, cipher, key or {owner: "uuid"}, lambda row: row[owner], reads, **more)

    return [
        People(cipher),
        bound_to("attendance_evidence", "volunteer_id", {"record_id": "uuid", "revision": "integer"}),
        bound_to("order_texts", "owner_id", {"text_id": "uuid"}),
        bound_to("devices", "device_id", wrapped="secret_key"),
        bound_to("staff_second_factors", "staff_id"),
        bound_to("phone_changes", "change_id"),
        bound_to("shift_messages", "message_id"),
        bound_to("rectifications", "volunteer_id", {"rectification_id": "uuid"}),
        bound_to(
            "rectification_answers",
            "volunteer_id",
            {"rectification_id": "uuid"},
            wrapped="answer_key",
            of="rectifications",
        ),
    ]
