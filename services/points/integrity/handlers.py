"""Use cases of integrity: open cases about what the windows flag, read them, settle them.

A case's lock comes before those of its volunteers, for everybody: nothing joins a case while it is being settled.
Whatever an opened or cleared case does to points is posted in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from services.points.ingest import store as known_facts
from services.points.ingest.handlers import Policy, reconsider
from services.points.integrity import documents, store
from services.points.integrity.domain import (
    Case,
    CaseOpening,
    CaseStatus,
    Chain,
    Flag,
    SeenRevision,
    ThresholdsInForce,
    measure,
    still_so,
)
from services.points.integrity.store import FlagRow
from services.points.ledger.handlers import lock
from services.points.versions import handlers as versions
from shared import outbox
from shared.contracts import CaseOpened, CaseSettled
from shared.errors import Conflict, Forbidden, NotFound, TransientError
from shared.ids import derived_id
from shared.postgres import Database, Tx
from shared.telemetry import trace

if TYPE_CHECKING:  # tokens bring cryptography with them, which workers and agents do without
    from shared.auth.tokens import Caller

__all__ = [
    "RECORDS_SHOWN",
    "SOURCE",
    "CaseReading",
    "case_id_of",
    "find",
    "install",
    "locked_case",
    "look",
    "reconsider_flagged",
    "report",
    "settle",
]

SOURCE = "weiguang/points"
NONE: Final[Mapping[UUID, str]] = MappingProxyType({})
RECORDS_SHOWN = 500
"""Of a case with more records so many are read; its evidence has the number."""
PEOPLE_SHOWN = 10_000
WITHOUT_RECORDS: Final = ("shared-pickups", "idle-drives")
"""Kinds about people: what they ask about is no record."""


@dataclass(frozen=True, slots=True)
class CaseReading:
    """A case with its records as they stand now: their amount, and whether that would still open it.

    A sequel's amount includes those of the cases before it, which open it only if its own are part of that.
    """

    case: Case
    measured: int | None
    still_so: bool | None
    records: Sequence[Mapping[str, Any]]
    people: Sequence[Mapping[str, Any]] = ()


def case_id_of(flag: Flag) -> UUID:
    """Finding the same thing again gives the same case."""
    return derived_id("integrity", flag.kind, flag.subject_kind, flag.subject, flag.about)


async def install(db: Database) -> ThresholdsInForce:
    """Make sure that the shipped thresholds are in the table; returns all that are.

    Raises:
        PermanentError: a version in the table says something else than the one shipped under its number.
    """
    async with db.transaction() as tx:
        stored = await versions.install(tx, store.THRESHOLDS, documents.shipped())
    return ThresholdsInForce(document.thresholds() for document in stored)


async def report(tx: Tx, flags: Sequence[Flag], policy: Policy, correlations: Mapping[UUID, str] = NONE) -> int:
    """Open a case about each flag, or widen the open one that there is; returns how many were opened.

    A case carries the correlation of the last of its records that ``correlations`` knows.

    What a person has settled stays as it was decided upon: records that go beyond it open a sequel (see `Chain`), which
    names the case before it as ``after`` in its evidence. Found are the numbers of all records, the settled ones too.
    A finding without records opens one case, which people join while it is open, and no sequel.

    Raises:
        TransientError: a record changed hands meanwhile; nothing was written.
    """
    found = [(case_id_of(flag), flag) for flag in flags]
    chains = await _chains_alone(tx, {first for first, _ in found})
    known = await _known(tx, chains, {record_id for flag in flags for record_id, _ in flag.records})
    opened: dict[UUID, CaseOpening] = {}
    wider: dict[UUID, set[UUID]] = {}
    wanted: dict[tuple[UUID, UUID], FlagRow] = {}
    people: list[tuple[UUID, UUID, UUID | None]] = []
    for first, flag in found:
        further = tuple(one for one in flag.records if (one[0], first) not in known)
        chain = chains[first]
        if not flag.records and (chain.open or not chain.cases):
            people += [(first, *one) for one in flag.people]
        if not further and (flag.records or chain.cases):
            continue
        case_id = chain.open or _next_id(chain)
        if chain.open is None and case_id not in opened:
            opened[case_id] = _opening(chain, flag, further)
        elif flag.site_ids:
            wider.setdefault(case_id, set()).update(flag.site_ids)
        wanted |= {(record, case_id): (record, owner, case_id, flag.kind) for record, owner in further}
    if not wanted and not people:
        return 0
    rows = await _under_locks(tx, list(wanted.values()))
    now = await tx.now()
    opened = dict(sorted(opened.items()))
    causes = _causes(rows, correlations)
    await store.insert_cases(tx, opened, now, causes)
    await store.widen_cases(tx, wider)
    await store.insert_people(tx, people)
    await store.insert_flags(tx, rows)
    await outbox.append(
        tx, *(_opened(case_id, opening.flag, now, causes.get(case_id)) for case_id, opening in opened.items())
    )
    await reconsider_flagged(tx, rows, "opened", policy, causes)
    return len(opened)


def _causes(rows: Iterable[FlagRow], correlations: Mapping[UUID, str]) -> dict[UUID, str]:
    """Case → the correlation of its last record that has one; else the present trace's."""
    current = trace.current()
    found = {} if current is None else {row[2]: current.correlation_id for row in rows}
    return found | {row[2]: correlations[row[0]] for row in sorted(rows) if row[0] in correlations}


async def _chains_alone(tx: Tx, firsts: Collection[UUID]) -> dict[UUID, Chain]:
    """The chains, locked: no other transaction opens, widens or settles one of theirs.

    The lock of a first case is its chain's; a sequel that is open has one of its own, which its settlement takes.
    """
    await store.lock_cases(tx, firsts)
    chains = await store.chains(tx, firsts)
    sequels = [case_id for chain in chains.values() if (case_id := chain.open) is not None and case_id != chain.first]
    if not sequels:
        return chains
    await store.lock_cases(tx, sequels)
    return await store.chains(tx, firsts)


async def _known(tx: Tx, chains: Mapping[UUID, Chain], record_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Which records a chain is about already, as (record, first case)."""
    first_of = {case_id: chain.first for chain in chains.values() for case_id, _ in chain.cases}
    known = await store.flags_known(tx, first_of.keys(), record_ids)
    return {(record_id, first_of[case_id]) for record_id, case_id in known}


def _next_id(chain: Chain) -> UUID:
    """Of the case that would be opened now; doing it again gives the same."""
    settled = len(chain.cases)
    return derived_id("integrity-sequel", chain.first, settled) if settled else chain.first


def _opening(chain: Chain, flag: Flag, further: tuple[tuple[UUID, UUID], ...]) -> CaseOpening:
    if not chain.cases:
        return CaseOpening(flag, None, 0)
    evidence = {**flag.evidence, "after": str(chain.cases[-1][0])}
    return CaseOpening(replace(flag, records=further, evidence=evidence), chain.first, len(chain.cases))


async def _under_locks(tx: Tx, rows: Sequence[FlagRow]) -> list[FlagRow]:
    """The rows with whose the records are as points has them, everybody concerned locked."""
    _, owners = await _lock_owners(tx, [row[0] for row in rows], {row[1] for row in rows})
    return [(row[0], owners.get(row[0], row[1]), row[2], row[3]) for row in rows]


async def _lock_owners(
    tx: Tx, record_ids: Collection[UUID], also: Collection[UUID]
) -> tuple[set[UUID], dict[UUID, UUID]]:
    """Lock these volunteers and whose the records are; returns all that are locked, and whose each record is then.

    Raises:
        TransientError: a record changed hands between the reading and the lock.
    """
    volunteer_ids = set(also) | set((await store.owners(tx, record_ids)).values())
    await lock(tx, volunteer_ids)
    owners = await store.owners(tx, record_ids)
    if not volunteer_ids.issuperset(owners.values()):
        raise TransientError("a flagged record changed hands meanwhile")
    return volunteer_ids, owners


async def reconsider_flagged(
    tx: Tx, rows: Sequence[FlagRow], what: str, policy: Policy, causes: Mapping[UUID, str] = NONE
) -> None:
    """Work out anew the buckets of records whose flags changed; what that changes is their rules' business."""
    held = {row[0]: row[2] for row in rows}
    if not held:
        return
    current = trace.current()
    parent = None if current is None else trace.traceparent()
    changed = []
    for revision in await store.records(tx, held.keys()):
        case_id = held[revision.record_id]
        event_id = derived_id("case", case_id, what)
        correlation = causes.get(case_id) or (str(event_id) if current is None else current.correlation_id)
        changed.append(revision._replace(event_id=event_id, correlation_id=correlation, traceparent=parent))
    await reconsider(tx, changed, policy)


def _opened(case_id: UUID, flag: Flag, now: datetime, correlation_id: str | None) -> Any:
    evidence = flag.evidence
    data = CaseOpened(
        case_id=case_id,
        kind=flag.kind,
        subject_kind=flag.subject_kind,
        subject=flag.subject,
        record_ids=tuple(record_id for record_id, _ in flag.records),
        site_ids=flag.site_ids,
        day=evidence["day"],
        measured=evidence["measured"],
        limit=evidence["limit"],
        unit=evidence["unit"],
        thresholds_version=str(flag.thresholds_version),
        opened_at=now,
    )
    event_id = derived_id("case", case_id, "opened")
    return outbox.event(data, source=SOURCE, aggregate_version=1, id=event_id, correlation_id=correlation_id)


async def find(tx: Tx, caller: Caller, case_id: UUID) -> Case:
    """One case, of the caller's sites.

    Raises:
        NotFound: ``case-unknown``; also when it touches none of the caller's sites.
    """
    found = await store.find(tx, case_id)
    if found is None or not (caller.site_ids is None or caller.site_ids.intersection(found.site_ids)):
        raise NotFound("case-unknown", "There is no such case.")
    return found


async def look(tx: Tx, caller: Caller, case_id: UUID) -> CaseReading:
    """One case with its records.

    Raises:
        NotFound: as `find`.
    """
    case = await find(tx, caller, case_id)
    if case.kind in WITHOUT_RECORDS:
        people = await store.people_of_case(tx, case_id, PEOPLE_SHOWN)
        measured = len({row["volunteer_id"] for row in people if row["counts"]})
        return CaseReading(case, measured, measured >= int(case.evidence["limit"]), (), people)
    rows = await store.records_of_case(tx, case_id, RECORDS_SHOWN)
    before: list[dict[str, Any]] = []
    if case.first_case_id is not None:
        before = await store.records_before(tx, case.first_case_id, case.sequel, RECORDS_SHOWN)
    if case.records + len(before) > RECORDS_SHOWN or any(row["revision"] is None for row in (*before, *rows)):
        return CaseReading(case, None, None, rows)
    day, own = date.fromisoformat(case.evidence["day"]), {row["record_id"]: _seen(row) for row in rows}
    measured = measure(case.kind, day, {row["record_id"]: _seen(row) for row in before} | own)
    holds = still_so(case.kind, measured, int(case.evidence["limit"]))
    return CaseReading(case, measured, holds and (not before or measure(case.kind, day, own) > 0), rows)


def _seen(row: Mapping[str, Any]) -> SeenRevision:
    names = set(SeenRevision._fields) - {"emitted_at"}
    return SeenRevision(**{name: row[name] for name in names}, emitted_at=datetime.fromtimestamp(0, UTC))


async def settle(tx: Tx, caller: Caller, case_id: UUID, status: CaseStatus, reason: str, policy: Policy) -> Case:
    """Clear a case, which releases what it held, or confirm it; once.

    Raises:
        NotFound: ``case-unknown``.
        Forbidden: ``own-case``: it is about the caller, or about what they recorded, at any revision;
            ``case-at-other-sites``: it touches sites that are not the caller's.
        Conflict: ``case-settled`` already, with ``case_status``.
        TransientError: a record changed hands meanwhile; nothing was written.
    """
    case, records, volunteer_ids = await locked_case(tx, caller, case_id)
    rows = [(row["record_id"], row["volunteer_id"], case_id, case.kind) for row in records]
    now = await tx.now()
    if not await store.settle(tx, case_id, status, caller.subject, now, reason):
        raise Conflict("case-settled", f"The case was {case.status} before.", case_status=case.status.value)
    settled = CaseSettled(
        case_id=case_id,
        kind=case.kind,
        subject_kind=case.subject_kind,
        subject=case.subject,
        outcome=status.value,
        settled_at=now,
        settled_by=caller.subject,
        record_ids=tuple(sorted(row[0] for row in rows)),
    )
    await outbox.append(
        tx, outbox.event(settled, source=SOURCE, aggregate_version=2, id=derived_id("case", case_id, "settled"))
    )
    if status is CaseStatus.CLEARED:
        await known_facts.count_flags(tx, volunteer_ids)
        await reconsider_flagged(tx, rows, "cleared", policy)
    found = await store.find(tx, case_id)
    assert found is not None
    return found


async def locked_case(
    tx: Tx, caller: Caller, case_id: UUID
) -> tuple[Case, Collection[Mapping[str, Any]], Collection[UUID]]:
    """A case that the caller may decide on, with its records, it and its volunteers locked; returns these too.

    Raises:
        NotFound: as `find`.
        Forbidden: as `settle`.
        TransientError: a record changed hands meanwhile.
    """
    await store.lock_cases(tx, [case_id])
    case = await find(tx, caller, case_id)
    flagged = [row["record_id"] for row in await _flags(tx, case)]
    volunteer_ids, _ = await _lock_owners(tx, flagged, await store.volunteers_of_case(tx, case_id))
    records = await _flags(tx, case)
    await _may_settle(tx, caller, case, records, volunteer_ids)
    return case, records, volunteer_ids


async def _may_settle(
    tx: Tx, caller: Caller, case: Case, records: Collection[Mapping[str, Any]], volunteer_ids: Collection[UUID]
) -> None:
    persons = {caller.subject} if caller.volunteer_id is None else {caller.subject, caller.volunteer_id}
    about = {*map(str, volunteer_ids), *case.subject.split("|")}
    concerned = await store.recorded_by(tx, case.case_id, persons) or await store.concerns(tx, case.case_id, persons)
    if concerned or not about.isdisjoint(map(str, persons)):
        raise Forbidden("own-case", "Operators cannot settle a case about themselves or about what they recorded.")
    seen = {row["site_id"] for row in records if row["revision"] is not None}
    if not caller.may_sites(seen.union(case.site_ids)):
        detail = "This case touches sites that you are not responsible for: the centre settles it."
        raise Forbidden("case-at-other-sites", detail)


async def _flags(tx: Tx, case: Case) -> Collection[Mapping[str, Any]]:
    return await store.records_of_case(tx, case.case_id, case.records)
