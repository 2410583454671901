"""Rows under the vault's keys."""

from collections.abc import Sequence
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
    return [
        People(cipher),
        TextTable(
            name="evidence",
            cipher=cipher,
            key=("record_id", "revision"),
            owner=lambda row: row["volunteer_id"],
            count=_SQL["evidence_by_key"],
            stale=_SQL["stale_evidence"],
            update=_SQL["rewrap_evidence"],
        ),
        TextTable(
            name="order_texts",
            cipher=cipher,
            key=("text_id",),
            owner=lambda row: row["owner_id"],
            count=_SQL["order_texts_by_key"],
            stale=_SQL["stale_order_texts"],
            update=_SQL["rewrap_order_texts"],
        ),
        TextTable(
            name="devices",
            cipher=cipher,
            key=("device_id",),
            owner=lambda row: row["device_id"],
            count=_SQL["devices_by_key"],
            stale=_SQL["stale_devices"],
            update=_SQL["rewrap_devices"],
        ),
        TextTable(
            name="second_factors",
            cipher=cipher,
            key=("staff_id",),
            owner=lambda row: row["staff_id"],
            count=_SQL["factors_by_key"],
            stale=_SQL["stale_factors"],
            update=_SQL["rewrap_factors"],
        ),
        TextTable(
            name="phone_changes",
            cipher=cipher,
            key=("change_id",),
            owner=lambda row: row["change_id"],
            count=_SQL["phone_changes_by_key"],
            stale=_SQL["stale_phone_changes"],
            update=_SQL["rewrap_phone_changes"],
        ),
        TextTable(
            name="shift_messages",
            cipher=cipher,
            key=("message_id",),
            owner=lambda row: row["message_id"],
            count=_SQL["messages_by_key"],
            stale=_SQL["stale_messages"],
            update=_SQL["rewrap_messages"],
        ),
    ]
