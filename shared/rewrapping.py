"""Moves what lies under earlier keys to the current one, in small transactions.

A batch is read, wrapped anew and written in one transaction, so that an interruption at any moment loses nothing and a
second run continues where rows still lie under an earlier key. Readers open both all the while.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol
from uuid import UUID

import asyncpg
import structlog

from shared.errors import PermanentError, WeiguangError
from shared.postgres import Database, Tx, load_queries
from shared.sealing import TextCipher

__all__ = [
    "BATCH",
    "KeyedTable",
    "RewrapBatch",
    "RewrapProgress",
    "TextTable",
    "end_with_json",
    "key_counts",
    "rewrap",
    "run_command",
]

BATCH = 500
"""So many rows are wrapped anew in one transaction."""
_SQL = load_queries(__file__)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RewrapBatch:
    """The outcome of one batch; ``last`` is the key of its last row, None when no row was left."""

    rewrapped: int
    failed: int
    last: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class RewrapProgress:
    """Rows wrapped anew, and rows that could not be opened, which stay as they are."""

    rewrapped: int = 0
    failed: int = 0


class KeyedTable(Protocol):
    """A table whose rows lie under keys of a ring."""

    @property
    def name(self) -> str: ...

    async def counts(self, tx: Tx) -> dict[str, int]:
        """Rows by the id of their key."""

    async def rewrap(self, tx: Tx, after: tuple[Any, ...] | None, limit: int) -> RewrapBatch:
        """Wrap up to ``limit`` rows beyond the key ``after`` anew; rows under the current key are passed over."""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of texts sealed by a `TextCipher`, each under a wrapped key in its row.

    ``key`` names the columns of the primary key with their types, an uuid first; ``owner`` derives from a row what its
    text is bound to, by the key's columns and those of ``reads``; ``of`` is the table whose name is another. All names
    are the code's own.
    """

    name: str
    cipher: TextCipher
    key: Mapping[str, str]
    owner: Callable[[asyncpg.Record], UUID]
    reads: Sequence[str] = ()
    wrapped: str = "wrapped_key"
    of: str = ""

    async def counts(self, tx: Tx) -> dict[str, int]:
        """Rows by the id of their key."""
        return {row["key_id"]: row["rows"] for row in await tx.fetch(self._statement("rows_by_key"))}

    async def rewrap(self, tx: Tx, after: tuple[Any, ...] | None, limit: int) -> RewrapBatch:
        """Wrap up to ``limit`` rows beyond the key ``after`` anew."""
        places = after or [None] * len(self.key)
        rows = await tx.fetch(self._statement("stale_rows"), self.cipher.wrapping.mark, limit, *places)
        done: list[tuple[Any, ...]] = []
        for row in rows:
            place = tuple(row[column] for column in self.key)
            try:
                done.append((*place, self.cipher.rewrap_text(self.owner(row), row["wrapped_key"])))
            except PermanentError as error:
                _log.error("keys.unreadable", table=self.name, row=[str(part) for part in place], reason=str(error))
        if done:
            await tx.execute(self._statement("rewrap_rows"), *(list(column) for column in zip(*done, strict=True)))
        last = tuple(rows[-1][column] for column in self.key) if rows else None
        return RewrapBatch(len(done), len(rows) - len(done), last)

    def _statement(self, name: str) -> str:
        types = list(self.key.values())
        return _SQL[name].format(
            table=self.of or self.name,
            wrapped=self.wrapped,
            key=", ".join(self.key),
            columns=", ".join([*self.key, *self.reads]),
            place=", ".join(f"${number}::{type_}" for number, type_ in enumerate(types, 3)),
            arrays=", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types, 1)),
            wrapped_keys=f"${len(types) + 1}",
            same=" and ".join(f"kept.{column} = fresh.{column}" for column in self.key),
        )


async def key_counts(db: Database, tables: Sequence[KeyedTable]) -> dict[str, dict[str, int]]:
    """Table → id of a key → rows under it."""
    async with db.transaction() as tx:
        return {table.name: await table.counts(tx) for table in tables}


async def rewrap(db: Database, tables: Sequence[KeyedTable], *, limit: int = BATCH) -> Mapping[str, RewrapProgress]:
    """Move every row of the tables to the current key; logs the progress after each batch.

    Raises:
        TransientError: the database is away; what was committed stays, and a second run continues.
    """
    result: dict[str, RewrapProgress] = {}
    for table in tables:
        rewrapped = failed = 0
        after: tuple[Any, ...] | None = None
        while True:
            async with db.transaction() as tx:
                batch = await table.rewrap(tx, after, limit)
            if batch.last is None:
                break
            after, rewrapped, failed = batch.last, rewrapped + batch.rewrapped, failed + batch.failed
            _log.info("keys.rewrapping", table=table.name, rewrapped=rewrapped, failed=failed)
        result[table.name] = RewrapProgress(rewrapped, failed)
    return result


async def run_command(what: str, db: Database, tables: Sequence[KeyedTable]) -> dict[str, Any]:
    """``status``: rows by key; ``rewrap``: the same after every row was moved, and the rows that could not be.

    Raises:
        TransientError: the database is away.
    """
    failed = 0
    if what == "rewrap":
        failed = sum(table.failed for table in (await rewrap(db, tables)).values())
    return {"tables": await key_counts(db, tables), "failed": failed}


def end_with_json(work: Callable[[], Awaitable[dict[str, Any]]]) -> NoReturn:
    """Print the result of ``work`` as JSON and exit the process; code 1 when rows failed or it could not be done."""
    try:
        result = asyncio.run(_awaited(work))
    except WeiguangError as error:
        raise SystemExit(f"keys: {error}") from None
    sys.stdout.write(json.dumps(result) + "\n")
    raise SystemExit(1 if result["failed"] else 0)


async def _awaited(work: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    return await work()
