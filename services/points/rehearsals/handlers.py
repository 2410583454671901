"""Use cases of rehearsals: request, read and cancel one."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from uuid import UUID

from services.points.rehearsals import store
from services.points.rehearsals.domain import RehearsalResult
from services.points.rehearsals.store import Rehearsal
from services.points.rules import handlers as rules
from services.points.rules import store as rule_store
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Database, Tx

__all__ = ["budget", "cancel", "export", "export_budget", "find", "forget_old", "request", "results"]

KEPT = timedelta(days=90)
"""So long the differences of all volunteers are kept, in real time; those that an activation rests on, for good."""
EXPORT_ROWS = 5000
"""Lines of a download that are in memory at once."""
BudgetLine = tuple[UUID | None, date, int, int]


async def request(tx: Tx, caller: Caller, version: int, as_if_from: date | None = None) -> Rehearsal:
    """Queue the rehearsal of a draft; the worker starts it within a second.

    ``as_if_from``: replay as if the draft had been in force since this day. No activation may rest on that.

    Raises:
        Invalid: ``as-if-in-future``: the day has not come.
        NotFound: ``rule-unknown``.
        Conflict: ``rule-not-draft``, with its ``rule_status``; ``rehearsal-under-way``, with its ``rehearsal_id``; or
            ``rules-under-way``: other rules are just coming into force.
    """
    stored = await rules.find(tx, version)
    if stored.status != "draft":
        detail = f"Rule version {version} is {stored.status}; only a draft is rehearsed."
        raise Conflict("rule-not-draft", detail, rule_status=stored.status)
    if await rule_store.under_way(tx):
        detail = "Other rules are coming into force; rehearse once all volunteers are under them."
        raise Conflict("rules-under-way", detail)
    now = await tx.now()
    if as_if_from is not None and as_if_from > district_day(now):
        raise Invalid("as-if-in-future", "as_if_from must be a day that has come: there is no service after it yet.")
    effective_from = as_if_from or stored.document.effective_from
    made = Rehearsal(new_id(), version, "queued", caller.subject, now, effective_from, as_if_from=as_if_from)
    if not await store.insert(tx, made):
        present = await store.under_way(tx, version)
        detail = f"Rule version {version} is being rehearsed already: {present}."
        raise Conflict("rehearsal-under-way", detail, rehearsal_id=str(present))
    return made


async def find(tx: Tx, rehearsal_id: UUID) -> Rehearsal:
    """One rehearsal.

    Raises:
        NotFound: ``rehearsal-unknown``.
    """
    found = await store.find(tx, rehearsal_id)
    if found is None:
        raise NotFound("rehearsal-unknown", "There is no such rehearsal.")
    return found


async def cancel(tx: Tx, rehearsal_id: UUID) -> Rehearsal:
    """Give a rehearsal up; a replay under way ends at its next step.

    Raises:
        NotFound: ``rehearsal-unknown``.
        Conflict: ``rehearsal-ended``, with its ``rehearsal_status``.
    """
    if not await store.cancel(tx, rehearsal_id):
        found = await find(tx, rehearsal_id)
        raise Conflict("rehearsal-ended", f"The rehearsal is {found.status}.", rehearsal_status=found.status)
    return await find(tx, rehearsal_id)


async def results(
    tx: Tx, rehearsal_id: UUID, *, after: tuple[int, UUID] | None, limit: int, losers_first: bool
) -> list[RehearsalResult]:
    """A page of the volunteers' differences.

    Raises:
        NotFound: ``rehearsal-unknown``.
        Conflict: ``rehearsal-not-done``: there is no result (yet); ``rehearsal-forgotten``: not any more.
    """
    await _kept(tx, rehearsal_id)
    return await store.results(tx, rehearsal_id, after=after, limit=limit, losers_first=losers_first)


async def budget(
    tx: Tx, rehearsal_id: UUID, *, after: tuple[date, UUID | None] | None, limit: int
) -> Sequence[BudgetLine]:
    """A page of the budget, which is kept for good; raises as `results` otherwise."""
    await _done(tx, rehearsal_id)
    return await store.budget(tx, rehearsal_id, after=after, limit=limit)


async def export(db: Database, rehearsal_id: UUID) -> AsyncIterator[list[RehearsalResult]]:
    """Everybody's difference in portions, by volunteer; raises as `results`, before the first portion.

    What is done never changes, so the portions fit together although each is read in a transaction of its own: a slow
    reader holds no connection.
    """
    after: UUID | None = None
    while True:
        async with db.snapshot() as tx:
            await _kept(tx, rehearsal_id)
            found = await store.results_by_volunteer(tx, rehearsal_id, after=after, limit=EXPORT_ROWS)
        yield found
        if len(found) < EXPORT_ROWS:
            return
        after = found[-1].volunteer_id


async def export_budget(db: Database, rehearsal_id: UUID) -> AsyncIterator[Sequence[BudgetLine]]:
    """The budget in portions, as `export`."""
    after: tuple[date, UUID | None] | None = None
    while True:
        async with db.snapshot() as tx:
            found = await budget(tx, rehearsal_id, after=after, limit=EXPORT_ROWS)
        yield found
        if len(found) < EXPORT_ROWS:
            return
        after = (found[-1][1], found[-1][0])


async def forget_old(db: Database) -> int:
    """Delete the volunteers' differences of a rehearsal that ended `KEPT` ago and that no activation rests on.

    Returns
    1, or 0 when there is none. Totals and budget stay.
    """
    async with db.transaction() as tx:
        return int(await store.forget_old(tx, KEPT))


async def _kept(tx: Tx, rehearsal_id: UUID) -> None:
    found = await _done(tx, rehearsal_id)
    if found.forgotten_at is not None:
        detail = f"The volunteers' differences are kept for {KEPT.days} days; totals and budget are still there."
        raise Conflict("rehearsal-forgotten", detail, forgotten_at=found.forgotten_at.isoformat())


async def _done(tx: Tx, rehearsal_id: UUID) -> Rehearsal:
    found = await find(tx, rehearsal_id)
    if found.status != "done":
        detail = f"The rehearsal is {found.status}; it has a result once it is done."
        raise Conflict("rehearsal-not-done", detail, rehearsal_status=found.status)
    return found
