"""PostgreSQL: the pool, transactions, and named queries.

READ COMMITTED throughout: a writer locks in one statement and reads in a later one, so that what it reads is what the
lock protects (lock and read in one statement lost updates when tried).
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

import asyncpg
from asyncpg.protocol import protocol

from shared.errors import TransientError
from shared.postgres.queries import Queries, load_queries
from shared.postgres.waking import Waker
from shared.settings import Settings

__all__ = ["TRANSIENT", "Bounds", "Database", "Queries", "Tx", "flush", "load_queries"]

_SQL = load_queries(__file__)

IDLE_SECONDS = 60.0
"""Seconds after which an unused session returns its memory."""

TRANSIENT = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # asyncpg 0.32 raises these when the server dies while a connection is opened or returned to the pool.
    asyncpg.InternalClientError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # disk full, out of memory
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is being promoted
    OSError,  # refused, reset, timed out, or its name is not found
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a pool's statements, locks, idle transactions and callers may wait, in seconds.

    None leaves the server's setting for the role (``ops/database``), or waits without end for a connection.
    """

    acquire: float | None = None
    statement: float | None = None
    lock: float | None = None
    idle: float | None = None

    def server_settings(self) -> dict[str, str]:
        """The session's settings, in milliseconds."""
        named = {
            "statement_timeout": self.statement,
            "lock_timeout": self.lock,
            "idle_in_transaction_session_timeout": self.idle,
        }
        return {name: f"{seconds * 1000:.0f}" for name, seconds in named.items() if seconds is not None}

    @classmethod
    def of_requests(cls, settings: Settings) -> Self:
        """For a pool that answers requests: a caller is refused in time rather than kept waiting."""
        return cls(
            acquire=settings.database_acquire_seconds,
            statement=settings.database_statement_seconds,
            lock=settings.database_lock_seconds,
            idle=settings.database_idle_seconds,
        )

    @classmethod
    def of_reports(cls, settings: Settings) -> Self:
        """For a pool of reports and exports: their statements may take longer."""
        return replace(cls.of_requests(settings), statement=settings.report_statement_seconds)


class Tx:
    """One open transaction. Handlers get it, stores use it; it is not kept."""

    __slots__ = ("_now", "conn", "postponed", "wakes")

    def __init__(self, conn: Any) -> None:
        self.conn = conn
        self._now: datetime | None = None
        self.wakes: set[str] = set()
        """Channels of the schema that are notified after the commit."""
        self.postponed: list[tuple[UUID, str, str, str, bytes]] | None = None
        """Events that are written with the transaction's last statement; None where each is written at once."""

    async def now(self) -> datetime:
        """Business time, the same throughout the transaction."""
        if self._now is None:
            self._now = await self.conn.fetchval(_SQL["business_now"])
        assert self._now is not None
        return self._now

    def at(self, now: datetime) -> datetime:
        """Business time as another statement has read it, unless it is known already; the same throughout."""
        if self._now is None:
            self._now = now
        return self._now

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.conn.fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        row: asyncpg.Record | None = await self.conn.fetchrow(sql, *args)
        return row

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self.conn.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement; returns PostgreSQL's command tag."""
        tag: str = await self.conn.execute(sql, *args)
        return tag

    async def copy(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, instants: Sequence[str] = ()
    ) -> None:
        """Append rows to a table, in order, by binary COPY.

        For many rows it costs both sides about half of an insert from arrays: asyncpg inspects the type of every
        element of an array, and PostgreSQL takes arrays apart again.

        ``instants``: columns of type timestamptz whose values come as `stored_instant`. asyncpg takes longer for a
        datetime, and for an instant that many rows share it takes that for each.
        """
        if not instants:
            await self.conn.copy_records_to_table(table, columns=columns, records=rows)
            return
        names, known = _copy_statements(table, tuple(columns), frozenset(instants))
        # By names private to asyncpg 0.32, whose own method asks the table itself for the types to encode by.
        conn = getattr(self.conn, "_con", self.conn)
        prepared = await conn._prepare(known, use_cache=True)
        await conn._protocol.copy_in(names, None, None, rows, prepared._state, None)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what the block wrote when it raises, and go on with the transaction."""
        count = len(self.postponed or ())
        try:
            async with self.conn.transaction():
                yield
        except BaseException:
            if self.postponed is not None:
                del self.postponed[count:]
            raise


@lru_cache(maxsize=64)
def _copy_statements(table: str, columns: tuple[str, ...], instants: frozenset[str]) -> tuple[str, str]:
    """The COPY of these columns, and a query with their types, which are whole numbers where instants come as such."""
    known = [f"0::bigint as {name}" if name in instants else name for name in columns]
    copied = f"copy {table} ({', '.join(columns)}) from stdin (format binary)"
    return copied, f"select {', '.join(known)} from {table} limit 1"  # noqa: S608 - names of our own


def _arrays_are_lists() -> None:
    """Register with asyncpg the containers that pass as arrays: lists and tuples, and nothing else.

    It asks of every element whether it is itself a container by `isinstance` of two abstract classes, which takes half
    of the time of encoding (0.41 → 0.22 µs per element; a record of the ingest has some twenty). The names are private
    to asyncpg 0.32; a test says if they go.
    """
    for name in ("IterableABC", "SizedABC"):
        setattr(protocol, name, (list, tuple))


_arrays_are_lists()


async def flush(conn: Any) -> None:
    """Return when everything committed before, in any session, is on disk."""
    await conn.execute(_SQL["flush"])


async def _as_it_is(conn: Any) -> None:
    """Nothing: no session keeps more than its transaction. asyncpg itself would send four statements."""


class Database:
    """A pool of connections whose search path is one service's schema."""

    def __init__(self, pool: Any, dsn: str, schema: str, acquire_seconds: float | None = None) -> None:
        self.pool = pool
        self._acquire_seconds = acquire_seconds
        self.dsn = dsn
        self.schema = schema
        self._waker = Waker(pool, TRANSIENT)

    @classmethod
    async def connect(
        cls,
        settings: Settings,
        *,
        schema: str | None = None,
        size: int | None = None,
        generic_plans: bool = False,
        synchronous_commit: bool = True,
        bounds: Bounds | None = None,
    ) -> Self:
        """Open the pool, of `database_pool_size` unless ``size`` is given; the rest as in `open`.

        Raises:
            TransientError: the server cannot be reached.
        """
        return await cls.open(
            settings.database_url,
            schema or settings.service,
            size=size or settings.database_pool_size,
            generic_plans=generic_plans,
            synchronous_commit=synchronous_commit,
            bounds=bounds,
        )

    @classmethod
    async def open(
        cls,
        dsn: str,
        schema: str,
        *,
        size: int = 4,
        generic_plans: bool = False,
        synchronous_commit: bool = True,
        bounds: Bounds | None = None,
    ) -> Self:
        """Open a pool on ``dsn`` with ``schema`` as its search path.

        Args:
            same_plans: plan each statement once, whatever its arguments. For statements about arrays of keys, of which
                no plan is better for some arguments than for others: planning costs small batches a fifth of their
                processor time.
            flushes: whether a commit waits until the server's log is on disk. If not, a server that crashes may lose
                the last commits, a fraction of a second of them, each whole and none without those after it: for who
                does the same again then, and publishes nothing before a `flush`.
            bounds: how long things may wait; by default as long as the server's settings for the role say.

        Raises:
            TransientError: the server cannot be reached.
        """
        bounds = bounds or Bounds()
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                command_timeout=60,
                max_inactive_connection_lifetime=IDLE_SECONDS,
                reset=_as_it_is,
                server_settings={
                    "search_path": schema,
                    "timezone": "UTC",
                    "application_name": f"weiguang-{schema}",
                    "plan_cache_mode": "force_generic_plan" if generic_plans else "auto",
                    **({} if synchronous_commit else {"synchronous_commit": "off"}),
                    **bounds.server_settings(),
                },
            )
        except TRANSIENT as error:
            raise TransientError(f"PostgreSQL cannot be reached: {error}") from error
        return cls(pool, dsn, schema, bounds.acquire)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A READ COMMITTED transaction: committed when the block ends, rolled back when it raises.

        Raises:
            TransientError: the connection broke or a lock could not be had; nothing was changed unless the commit's
                answer itself was lost, which is why every use case is safe to repeat.
        """
        async with self._begin("read_committed", readonly=False) as tx:
            yield tx

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Tx]:
        """A read-only REPEATABLE READ transaction: every statement sees the same state."""
        async with self._begin("repeatable_read", readonly=True) as tx:
            yield tx

    @asynccontextmanager
    async def _begin(self, isolation: str, *, readonly: bool) -> AsyncIterator[Tx]:
        try:
            async with (
                self.pool.acquire(timeout=self._acquire_seconds) as conn,
                conn.transaction(isolation=isolation, readonly=readonly),
            ):
                tx = Tx(conn)
                yield tx
        except TRANSIENT as error:
            raise TransientError(f"PostgreSQL did not answer as expected: {error}") from error
        for channel in tx.wakes:
            self._waker.wake(channel)

    async def ready(self) -> None:
        """A cheap round trip.

        Raises:
            TransientError: the database does not answer.
        """
        async with self.transaction() as tx:
            await tx.now()

    async def close(self) -> None:
        await self._waker.close()
        await self.pool.close()
