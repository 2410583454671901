"""Rehearsals and their results between rows and domain, and what a replay reads."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.points.rehearsals.domain import Budget, RehearsalResult, Summary
from services.points.rules.domain import Facts, Referral
from services.points.rules.valuation.domain import NOTHING_KNOWN, Known
from shared.postgres import TRANSIENT, Database, Tx, load_queries

_SQL = load_queries(__file__)
PREFETCH = 2000
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
"""Below and above every id."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A rehearsal as it stands; ``watermark`` is PostgreSQL's text of the snapshot that the replay read.

    ``as_if_from``: the draft is replayed as if it had been in force since this day; ``effective_from``: the first day
    whose service it may change.
    """

    rehearsal_id: UUID
    version: int
    status: str
    requested_by: UUID
    requested_at: datetime
    effective_from: date
    attempts: int = 0
    watermark: str | None = None
    volunteers_total: int | None = None
    volunteers_done: int = 0
    records_done: int = 0
    summary: Summary | None = None
    problem: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    forgotten_at: datetime | None = None
    as_if_from: date | None = None


class Attempt(NamedTuple):
    """One attempt at a rehearsal."""

    rehearsal_id: UUID
    version: int
    number: int
    as_if_from: date | None = None


class Picture(NamedTuple):
    """A snapshot: its name in results, and the statement that gives it to another transaction."""

    watermark: str
    statement: str


class Portion(NamedTuple):
    """Volunteers by id, both inclusive, and how many there are."""

    first: UUID
    last: UUID
    volunteers: int


async def insert(tx: Tx, made: Rehearsal) -> bool:
    """False if one of the version is under way."""
    args = (made.rehearsal_id, made.version, made.requested_by, made.requested_at, made.as_if_from)
    return await tx.fetchval(_SQL["insert_rehearsal"], *args) is not None


async def under_way(tx: Tx, version: int) -> UUID | None:
    found: UUID | None = await tx.fetchval(_SQL["under_way"], version)
    return found


async def find(tx: Tx, rehearsal_id: UUID) -> Rehearsal | None:
    row = await tx.fetchrow(_SQL["find_rehearsal"], rehearsal_id)
    return None if row is None else _rehearsal(row)


async def listed(tx: Tx, *, before: UUID | None, version: int | None, limit: int) -> list[Rehearsal]:
    """Newest first."""
    return [_rehearsal(row) for row in await tx.fetch(_SQL["list_rehearsals"], before, version, limit)]


def _rehearsal(row: Any) -> Rehearsal:
    values = dict(row)
    result = values.pop("result")
    return Rehearsal(**values, summary=None if result is None else _summary(result))


def _summary(text: str) -> Summary:
    values = orjson.loads(text)
    for name in ("largest_gain_of", "largest_loss_of"):
        values[name] = None if values[name] is None else UUID(values[name])
    return Summary(**values)


async def cancel(tx: Tx, rehearsal_id: UUID) -> bool:
    """False if it was not under way. What was written of it is gone."""
    if await tx.fetchval(_SQL["cancel"], rehearsal_id) is None:
        return False
    await tx.execute(_SQL["forget_results"], rehearsal_id)
    return True


async def forget_old(tx: Tx, age: timedelta) -> bool:
    """Forget the volunteers' differences of one rehearsal that ended so long ago; False if there is none."""
    found = await tx.fetchval(_SQL["forget_old"], age)
    if found is None:
        return False
    await tx.execute(_SQL["forget_results"], found)
    return True


async def next_waiting(tx: Tx) -> UUID | None:
    """The rehearsal that should be replayed now, unless another process does."""
    found: UUID | None = await tx.fetchval(_SQL["next_waiting"])
    if found is not None and not await tx.fetchval(_SQL["nobody_replays"]):
        return None
    return found


@asynccontextmanager
async def alone(db: Database) -> AsyncIterator[bool]:
    """Hold the right to replay alone while this lasts; False if another process has it."""
    async with db.pool.acquire() as conn:
        mine = bool(await conn.fetchval(_SQL["replay_alone"]))
        try:
            yield mine
        finally:
            if mine:
                # a session that broke has lost the right, and the pool has taken its connection back
                with suppress(*TRANSIENT):
                    await conn.execute(_SQL["replay_no_more"])


async def begin(tx: Tx, rehearsal_id: UUID, attempts: int) -> Attempt | None:
    """A new attempt, from the start; None if the rehearsal is not waiting for one, or failed as it had so many."""
    row = await tx.fetchrow(_SQL["begin_attempt"], rehearsal_id, attempts)
    given_up = None if row is not None else await tx.fetchval(_SQL["give_up"], rehearsal_id, attempts)
    if row is not None or given_up is not None:
        await tx.execute(_SQL["forget_results"], rehearsal_id)
    return None if row is None else Attempt(rehearsal_id, row["version"], row["attempts"], row["as_if_from"])


async def note_beginning(tx: Tx, attempt: Attempt, watermark: str, volunteers: int) -> bool:
    args = (attempt.rehearsal_id, attempt.number, watermark, volunteers)
    return await tx.fetchval(_SQL["note_beginning"], *args) is not None


async def note_progress(tx: Tx, attempt: Attempt, volunteers: int, records: int) -> bool:
    """False if the attempt is no longer wanted."""
    args = (attempt.rehearsal_id, attempt.number, volunteers, records)
    return await tx.fetchval(_SQL["note_progress"], *args) is not None


async def finish(tx: Tx, attempt: Attempt, summary: Summary, budget: Budget) -> bool:
    """False if the attempt is no longer wanted."""
    result = orjson.dumps(asdict(summary), default=str).decode()
    args = (attempt.rehearsal_id, attempt.number, result, summary.records)
    if await tx.fetchval(_SQL["finish"], *args) is None:
        return False
    rows = [(*key, *worth) for key, worth in budget.items()]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], []]
    await tx.execute(_SQL["insert_budget"], attempt.rehearsal_id, *columns)
    return True


async def fail(tx: Tx, attempt: Attempt, problem: str) -> None:
    """It cannot be done; what was written of it is gone."""
    if await tx.fetchval(_SQL["fail"], attempt.rehearsal_id, attempt.number, problem) is not None:
        await tx.execute(_SQL["forget_results"], attempt.rehearsal_id)


async def release(tx: Tx, attempt: Attempt) -> None:
    await tx.execute(_SQL["give_back"], attempt.rehearsal_id, attempt.number)


async def note_trouble(tx: Tx, attempt: Attempt, trouble: str) -> None:
    await tx.execute(_SQL["note_trouble"], attempt.rehearsal_id, attempt.number, trouble)


async def write_results(tx: Tx, rehearsal_id: UUID, attempt: int, results: Iterable[RehearsalResult]) -> bool:
    """False, and nothing is written, if the attempt is no longer wanted."""
    if await tx.fetchval(_SQL["may_write"], rehearsal_id, attempt) is None:
        return False
    await tx.conn.copy_records_to_table(
        "rehearsal_results",
        records=[(rehearsal_id, *result) for result in results],
        columns=("rehearsal_id", "volunteer_id", "records", "before", "after"),
    )
    return True


async def picture(tx: Tx) -> Picture:
    """The snapshot of the transaction, to be shared while it lasts; `wait_for_work` is part of it."""
    await tx.execute(_SQL["wait_for_work"])
    row = await tx.fetchrow(_SQL["share_snapshot"])
    assert row is not None
    return Picture(row["watermark"], row["statement"])


async def adopt_snapshot(tx: Tx, statement: str) -> None:
    """See what a `Picture` shows; before anything else in the transaction."""
    await tx.execute(statement)
    await tx.execute(_SQL["wait_for_work"])


async def portions(tx: Tx, records: int) -> list[Portion]:
    """All volunteers, in portions of about so many records; a volunteer is in one portion whole."""
    starts = await tx.fetch(_SQL["portions"], records)
    total = int(await tx.fetchval(_SQL["volunteers_counted"]))
    firsts = [FIRST_ID, *(row["volunteer_id"] for row in starts[1:])]
    lasts = [*(UUID(int=first.int - 1) for first in firsts[1:]), LAST_ID]
    counts = [*(row["volunteers_before"] for row in starts), total] if starts else [0, total]
    sizes = [following - before for before, following in pairwise(counts)]
    return [Portion(*portion) for portion in zip(firsts, lasts, sizes, strict=True)]


async def facts(tx: Tx, first: UUID, last: UUID, *, complaints: bool) -> AsyncIterator[list[Any]]:
    """Rows of (volunteer, site, then the members of Facts), by volunteer and day, in portions."""
    cursor = await tx.conn.cursor(_SQL["facts"], first, last, complaints)
    while rows := await cursor.fetch(PREFETCH):
        yield rows


def facts_of(row: Any, known: Known) -> Facts:
    """The facts in a row of `facts`, and what is `known` beside it: the only place where a replay makes them."""
    found = Facts(*row[2:])
    return found if known is NOTHING_KNOWN else known.about(found)


async def known(tx: Tx, first: UUID, last: UUID) -> Known:
    """The cases that stand about the volunteers' records; complaints are in the rows of `facts`."""
    rows = await tx.fetch(_SQL["flags"], first, last)
    flags = {row["record_id"]: frozenset(row["kinds"]) for row in rows}
    return Known(flags=flags) if flags else NOTHING_KNOWN


async def referrals(tx: Tx, first: UUID, last: UUID) -> dict[UUID, list[Referral]]:
    """Load referrals by the volunteer who earned the bonus."""
    found: dict[UUID, list[Referral]] = {}
    for row in await tx.fetch(_SQL["referrals"], first, last):
        found.setdefault(row["volunteer_id"], []).append(Referral(row["referred_id"], row["day"]))
    return found


async def posted(tx: Tx, first: UUID, last: UUID) -> dict[UUID, int]:
    """Load the points that the ledger gave volunteers under rules."""
    return {row[0]: row[1] for row in await tx.fetch(_SQL["posted"], first, last)}


async def stands(tx: Tx, volunteer_id: UUID) -> Mapping[str, int]:
    """The version of each bucket of a volunteer."""
    return {row["bucket"]: row["rule_version"] for row in await tx.fetch(_SQL["stands"], volunteer_id)}


async def results(
    tx: Tx, rehearsal_id: UUID, *, after: tuple[int, UUID] | None, limit: int, losers_first: bool
) -> list[RehearsalResult]:
    """A page of the results, by difference."""
    name = "results_by_difference" if losers_first else "results_by_difference_down"
    difference, volunteer_id = after or ((-(2**63), FIRST_ID) if losers_first else (2**63 - 1, LAST_ID))
    return [RehearsalResult(*row) for row in await tx.fetch(_SQL[name], rehearsal_id, difference, volunteer_id, limit)]


async def results_by_volunteer(tx: Tx, rehearsal_id: UUID, *, after: UUID | None, limit: int) -> list[RehearsalResult]:
    """A portion of the results, by volunteer."""
    return [
        RehearsalResult(*row)
        for row in await tx.fetch(_SQL["results_by_volunteer"], rehearsal_id, after or FIRST_ID, limit)
    ]


async def budget(
    tx: Tx, rehearsal_id: UUID, *, after: tuple[date, UUID | None] | None, limit: int
) -> Sequence[tuple[UUID | None, date, int, int]]:
    """A portion of the budget: site, month, before, after; by month, records without a site last."""
    month, site_id = after or (None, None)
    rows = await tx.fetch(_SQL["budget"], rehearsal_id, month, LAST_ID if site_id is None else site_id, limit)
    return [(row[0], row[1], row[2], row[3]) for row in rows]
