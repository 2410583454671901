"""A large ledger by bulk SQL, row for row as the service would have written it.

Volunteers fall into 730 classes; whoever is of one class served on the same ten days. What that is worth, how it is
explained and which badges it earns comes from the service's own rules and criteria, once per class; PostgreSQL does the
rest. Indexes are dropped before and made again after, and must be the same.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from dev.bench.history import BEGIN, DAYS, THEMES
from services.points.badges.documents import shipped as shipped_criteria
from services.points.badges.domain import Criteria, Served
from services.points.policy import policy_of
from services.points.rules.documents import shipped as shipped_rules
from services.points.rules.domain import Facts, First, Rulebook, first_service
from services.points.rules.hours.domain import Lifetime
from services.points.rules.worth.domain import evaluate
from shared.clock import DISTRICT_ZONE
from shared.errors import PermanentError
from shared.postgres import Database, load_queries

__all__ = ["CLASSES", "RECORDS_EACH", "TRANSFERS_EACH", "Schedule", "fill", "schedules", "volunteer_id"]

SQL = load_queries(__file__)
RECORDS_EACH: Final = 10
TRANSFERS_EACH: Final = RECORDS_EACH + 1
"""The last one is the bonus for the first service."""
CLASSES: Final = DAYS
MINUTES: Final = 60
TABLES: Final = ("records", "buckets", "lots", "transfers", "volunteers", "badge_awards")
_HALVES: Final = ((0, DAYS // 2 - 1), (DAYS // 2, DAYS - 1))
"""Days by number that are staged side by side, each into a partition of its own, so that all stay in order."""
_PLACE: Final = UUID(int=0)
_STEP: Final = 37
"""Neighbours by number are none in time. It has no factor in common with 730, so that each number has a class."""


def volunteer_id(number: int) -> UUID:
    """The same id as PostgreSQL makes of the number."""
    return UUID(hashlib.md5(f"scale-volunteer-{number}".encode(), usedforsecurity=False).hexdigest())


class Schedule:
    """One class: its days, and the rows that come from them."""

    def __init__(self, number: int, book: Rulebook, criteria: Criteria) -> None:
        self.number = number
        self.days: list[tuple[Any, ...]] = []
        self.points = 0
        served: list[Served] = []
        numbers = [(number + k * (DAYS // RECORDS_EACH)) % DAYS for k in range(RECORDS_EACH)]
        earliest = min(numbers)
        for k, day_number in enumerate(numbers):
            day = BEGIN.date() + timedelta(days=day_number)
            theme = THEMES[k % len(THEMES)]
            at = datetime.combine(day, time(8), DISTRICT_ZONE).astimezone(UTC)
            facts = Facts(_PLACE, 1, day, "confirmed", "scanned", at, MINUTES, MINUTES, "visit", theme, None)
            rule, period = book.bucket(day, None)
            award = evaluate(rule, [facts])
            if rule.version != 1 or len(award.points) != 1 or award.first is None:
                raise PermanentError("the ledger is filled under version 1 of the rule, by records that earn something")
            ((expires_on, points),) = award.points.items()
            head, tail = orjson.dumps(award.explanation()).decode().split(str(_PLACE))
            self.points += points
            self.days.append(
                (
                    number,
                    k,
                    day_number,
                    day,
                    theme,
                    period.bucket,
                    expires_on,
                    points,
                    head,
                    tail,
                    day_number == earliest,
                )
            )
            served.append(Served(day, "scanned", MINUTES, theme, None))
        self.served = served
        self.row = self._row(book, criteria, BEGIN.date() + timedelta(days=earliest))

    def _row(self, book: Rulebook, criteria: Criteria, first_day: Any) -> tuple[Any, ...]:
        first = First(BEGIN, _PLACE, first_day)
        bonus = first_service(book.at(first_day), first)
        told = {"first": {"record_id": str(_PLACE), "day": first_day.isoformat()}}
        head, tail = orjson.dumps(told).decode().split(str(_PLACE))
        states = criteria.tally(self.served)
        lifetime = Lifetime(credit_minutes=MINUTES * RECORDS_EACH, credit_records=RECORDS_EACH)
        return (
            self.number,
            self.number * pow(_STEP, -1, DAYS) % DAYS,
            self.points + sum(bonus.values()),
            sum(bonus.values()),
            next(iter(bonus), None),
            head,
            tail,
            MINUTES,
            list(criteria.earned(lifetime, states)),
            criteria.version,
            orjson.dumps(states).decode(),
        )


def schedules() -> list[Schedule]:
    """Every class under the rules and criteria that the service ships.

    Raises:
        PermanentError: the shipped rules are no longer those that the fill is made for.
    """
    book = Rulebook(document.rule() for document in shipped_rules())
    criteria = shipped_criteria()[-1].criteria()
    return [Schedule(number, book, criteria) for number in range(CLASSES)]


async def fill(superuser_dsn: str, app_dsn: str, volunteers: int, say: Callable[[str], None]) -> None:
    """Fill an empty, migrated database.

    Raises:
        PermanentError: the indexes are not the same afterwards.
    """
    database = await Database.open(app_dsn, "points", size=1)
    try:
        await policy_of(database)  # the rules and criteria that the rows refer to
    finally:
        await database.close()
    async with AsyncExitStack() as stack:
        conns: list[Any] = []
        for _ in range(2):
            conn: Any = await asyncpg.connect(superuser_dsn)
            stack.push_async_callback(conn.close)
            await conn.execute(SQL["statement_as_loader"])
            conns.append(conn)
        first = conns[0]
        await _stage(conns, volunteers)
        say("records are staged; filling the tables")
        before = await first.fetch(SQL["indexes"], list(TABLES))
        for row in before:
            await first.execute(
                await first.fetchval(
                    SQL["statement_drop_index"], row["table_name"], row["index_name"], row["constraint_name"]
                )
            )
        await _side_by_side(conns, [_filling(table) for table in TABLES])
        say("making the indexes")
        await _side_by_side(conns, [_indexing(list(before), table) for table in TABLES])
        if [tuple(row) for row in await first.fetch(SQL["indexes"], list(TABLES))] != [tuple(row) for row in before]:
            raise PermanentError("the indexes of the filled ledger are not those that the migrations made")
        await first.execute(SQL["statement_clear"])
        await _side_by_side(conns, [_vacuuming(table) for table in TABLES])


async def _stage(conns: list[Any], volunteers: int) -> None:
    conn = conns[0]
    await conn.execute(SQL["statement_schedule"])
    every = schedules()
    days = [day for schedule in every for day in schedule.days]
    await conn.copy_records_to_table("scale_schedule", schema_name="points", records=days)
    await conn.copy_records_to_table("scale_class", schema_name="points", records=[one.row for one in every])
    await conn.execute(SQL["statement_staging"])
    await _side_by_side(conns, [_staging(volunteers, *days) for days in _HALVES])


Job = Callable[[Any], Any]


def _staging(volunteers: int, first: int, last: int) -> Job:
    async def work(conn: Any) -> None:
        await conn.execute(SQL["stage"], volunteers, first, last, timeout=3600)

    return work


def _vacuuming(table: str) -> Job:
    async def work(conn: Any) -> None:
        await conn.execute(await conn.fetchval(SQL["statement_vacuum"], table), timeout=3600)

    return work


def _filling(table: str) -> Job:
    async def work(conn: Any) -> None:
        async with conn.transaction():
            await conn.execute(await conn.fetchval(SQL["statement_empty"], table))
            await conn.execute(SQL[f"fill_{table}"], timeout=3600)

    return work


def _indexing(rows: list[Any], table: str) -> Job:
    async def work(conn: Any) -> None:
        for row in rows:
            if row["table_name"] != table:
                continue
            statement = row["index_definition"]
            if row["constraint_name"] is not None:
                statement = await conn.fetchval(
                    SQL["statement_make_constraint"], table, row["constraint_name"], row["constraint_definition"]
                )
            await conn.execute(statement, timeout=3600)

    return work


async def _side_by_side(conns: list[Any], jobs: list[Job]) -> None:
    """As many jobs at once as there are connections."""
    waiting = iter(jobs)

    async def worker(conn: Any) -> None:
        for job in waiting:
            await job(conn)

    async with asyncio.TaskGroup() as group:
        for conn in conns:
            group.create_task(worker(conn))
