"""Cases, flags and thresholds between rows and domain."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.points.ingest import store as known_facts
from services.points.integrity.documents import ThresholdDocument
from services.points.integrity.domain import (
    Act,
    ActReach,
    Case,
    CaseOpening,
    CaseStatus,
    Chain,
    DayReach,
    Kind,
    SeenRevision,
)
from services.points.integrity.reviews.domain import About, Denied, RecorderHours
from services.points.integrity.terms.domain import seconds
from services.points.records.domain import RecordRevision
from services.points.versions.store import Versions
from shared.postgres import Tx, load_queries

__all__ = ["THRESHOLDS", "FlagRow", "Mark"]

_SQL = load_queries(__file__)
THRESHOLDS = Versions(ThresholdDocument, "threshold", _SQL)
FlagRow = tuple[UUID, UUID, UUID, str]
"""Record, volunteer, case, kind."""


class Mark(NamedTuple):
    """Records that changed in one transaction of the ingest; ``entered``: their acts are committed."""

    mark_id: int
    record_ids: list[UUID]
    entered: bool


async def claim(tx: Tx, *, entered: bool, limit: int, only: int | None = None) -> list[Mark]:
    """Lock marks that no other transaction holds and that are due, or ``only`` one."""
    return [Mark(*row) for row in await tx.fetch(_SQL["claim_marks"], entered, limit, only)]


async def entered(tx: Tx, mark_ids: Collection[int]) -> None:
    """Note that the acts of these marks are entered."""
    await tx.execute(_SQL["marks_entered"], list(mark_ids))


async def forget_marks(tx: Tx, mark_ids: Collection[int]) -> None:
    await tx.execute(_SQL["forget_marks"], list(mark_ids))


async def postpone(tx: Tx, mark_id: int) -> None:
    """Retry a mark that failed later."""
    await tx.execute(_SQL["postpone_mark"], mark_id)


async def revisions(tx: Tx, record_ids: Collection[UUID]) -> list[SeenRevision]:
    """Every revision of these records."""
    return [SeenRevision(*row) for row in await tx.fetch(_SQL["revisions"], list(record_ids))]


async def standing(tx: Tx, reach: Sequence[DayReach]) -> list[SeenRevision]:
    """The records within reach, as they stand."""
    if not reach:
        return []
    return [SeenRevision(*row) for row in await tx.fetch(_SQL["standing_records"], *_columns(reach))]


async def enter(tx: Tx, acts: Iterable[Act]) -> None:
    """Keep acts, each once."""
    rows = sorted(
        {(act.place, seconds(act.at), act.record_id, act.volunteer_id, act.site_id) for act in acts},
        key=lambda row: row[:4],
    )
    if rows:
        places, moments, *ids = _columns(rows)
        await tx.execute(_SQL["insert_acts"], places, [datetime.fromtimestamp(at, UTC) for at in moments], *ids)


async def acts(tx: Tx, reach: Sequence[ActReach]) -> list[Act]:
    """The acts within reach; each with its class in place of its record's provenance."""
    if not reach:
        return []
    rows = await tx.fetch(_SQL["acts_within"], *_columns(reach))
    return [Act.at_place(row[0], *tuple(row)[1:]) for row in rows]


async def forget_acts(tx: Tx, before: datetime) -> None:
    await tx.execute(_SQL["forget_acts"], before)


async def recorder_hours(tx: Tx, since: datetime, until: datetime) -> list[RecorderHours]:
    """The minutes that each recorder asserted in a time, by class of device."""
    return [RecorderHours(*row) for row in await tx.fetch(_SQL["recorder_hours"], since, until)]


async def records_asserted(tx: Tx, place: str, since: datetime, until: datetime) -> list[About]:
    """The confirmed records that were asserted at a place in a time."""
    return [About(*row) for row in await tx.fetch(_SQL["records_asserted"], place, since, until)]


async def one_time_referrals(tx: Tx, served_until: date) -> dict[UUID, list[About]]:
    """Referrer → the one record of each person who served once, not after a day."""
    found: dict[UUID, list[About]] = {}
    for referrer_id, *about in await tx.fetch(_SQL["one_time_referrals"], served_until):
        found.setdefault(referrer_id, []).append(About(*about))
    return found


async def keep_denials(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    """Keep denials: record, revision, volunteer, recorder, site, day."""
    await tx.execute(_SQL["insert_denials"], *_columns(rows))


async def lock_recorders(tx: Tx, accounts: Collection[UUID]) -> None:
    """Wait until no other transaction counts denials or approvals of these accounts."""
    await tx.execute(_SQL["recorders_alone"], sorted(map(str, accounts)))


async def denials(tx: Tx, months: Collection[tuple[UUID, date, date]]) -> list[Denied]:
    """All denials of recorders in their months, after other transactions that count theirs have ended."""
    await lock_recorders(tx, {recorder for recorder, _, _ in months})
    rows = await tx.fetch(_SQL["denials_within"], *_columns(sorted(months)))
    return [Denied(row[0], row[1], About(*tuple(row)[2:])) for row in rows]


async def correlations(tx: Tx, record_ids: Collection[UUID]) -> dict[UUID, str]:
    """Record → the correlation of the revision that stands."""
    return {row[0]: row[1] for row in await tx.fetch(_SQL["correlations"], list(record_ids))}


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def lock_cases(tx: Tx, case_ids: Iterable[UUID]) -> None:
    """Lock cases, sorted, whether they exist or not. Before any volunteer."""
    await tx.execute(_SQL["cases_alone"], [str(case_id) for case_id in sorted(case_ids)])


async def chains(tx: Tx, case_ids: Collection[UUID]) -> dict[UUID, Chain]:
    """These cases, whether they exist or not, each with the sequels that there are."""
    found: dict[UUID, list[tuple[UUID, CaseStatus]]] = {case_id: [] for case_id in case_ids}
    for first, case_id, status in await tx.fetch(_SQL["chains"], list(case_ids)):
        found[first].append((case_id, CaseStatus(status)))
    return {case_id: Chain(case_id, tuple(cases)) for case_id, cases in found.items()}


async def flags_known(tx: Tx, case_ids: Collection[UUID], record_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """(record, case) that are on record, of these."""
    if not case_ids:
        return set()
    rows = await tx.fetch(_SQL["flags_known"], list(case_ids), list(record_ids))
    return {(row[0], row[1]) for row in rows}


async def owners(tx: Tx, record_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Whose the records are, where points has seen them."""
    return {row[0]: row[1] for row in await tx.fetch(_SQL["owners"], list(record_ids))}


async def insert_cases(
    tx: Tx, opened: Mapping[UUID, CaseOpening], at: datetime, correlations: Mapping[UUID, str]
) -> None:
    """Open cases; one without a correlation is its own."""
    rows = [
        (
            case_id,
            first,
            sequel,
            flag.kind,
            flag.subject_kind,
            flag.subject,
            _joined(flag.site_ids),
            orjson.dumps(dict(flag.evidence)).decode(),
            flag.thresholds_version,
            correlations.get(case_id),
        )
        for case_id, (flag, first, sequel) in opened.items()
    ]
    if rows:
        await tx.execute(_SQL["insert_cases"], *_columns(rows), at)


async def widen_cases(tx: Tx, sites: Mapping[UUID, Collection[UUID]]) -> None:
    """Cases touch these sites too."""
    if sites:
        await tx.execute(_SQL["widen_cases"], list(sites), [_joined(found) for found in sites.values()])


def _joined(site_ids: Iterable[UUID]) -> str:
    return " ".join(map(str, site_ids))


async def insert_flags(tx: Tx, rows: Sequence[FlagRow]) -> None:
    """Keep flags, and count them for their volunteers, who are locked."""
    if not rows:
        return
    await tx.execute(_SQL["insert_flags"], *map(list, zip(*rows, strict=True)))
    await known_facts.count_flags(tx, {volunteer_id for _, volunteer_id, _, _ in rows})


async def insert_people(tx: Tx, rows: Sequence[tuple[UUID, UUID, UUID | None]]) -> None:
    """Keep whom cases without records are about: case, volunteer, redemption."""
    if rows:
        await tx.execute(_SQL["insert_people"], *_columns(rows))


async def people_of_case(tx: Tx, case_id: UUID, limit: int) -> list[dict[str, Any]]:
    """Load whom a case without records is about, and whether each ``counts`` still."""
    return [dict(row) for row in await tx.fetch(_SQL["people_of_case"], case_id, limit)]


async def concerns(tx: Tx, case_id: UUID, persons: Collection[UUID]) -> bool:
    """Whether one of these is among the people whom a case without records is about."""
    return bool(await tx.fetchval(_SQL["concerns"], case_id, list(persons)))


async def volunteers_of_case(tx: Tx, case_id: UUID) -> list[UUID]:
    return [row[0] for row in await tx.fetch(_SQL["volunteers_of_case"], case_id)]


async def recorded_by(tx: Tx, case_id: UUID, persons: Collection[UUID]) -> bool:
    """Whether one of these recorded a record of the case, at any revision that points has seen."""
    return bool(await tx.fetchval(_SQL["recorded_by"], case_id, list(persons)))


async def settle(tx: Tx, case_id: UUID, status: CaseStatus, by: UUID, at: datetime, reason: str) -> bool:
    """False if it was settled before. A cleared case's flags stand no more."""
    if await tx.fetchval(_SQL["settle_case"], case_id, status.value, by, at, reason) is None:
        return False
    if status is CaseStatus.CLEARED:
        await tx.execute(_SQL["lower_flags"], case_id)
    return True


async def records(tx: Tx, record_ids: Collection[UUID]) -> list[RecordRevision]:
    """The records that points has seen, in the order of their ids."""
    return [RecordRevision(*row) for row in await tx.fetch(_SQL["records_of_ids"], list(record_ids))]


async def find(tx: Tx, case_id: UUID) -> Case | None:
    row = await tx.fetchrow(_SQL["find_case"], case_id)
    return None if row is None else _case(row)


async def listed(
    tx: Tx,
    *,
    kind: Kind | None,
    status: CaseStatus | None,
    before: tuple[datetime, UUID] | None,
    site_ids: Collection[UUID] | None,
    limit: int,
    undecided: bool = False,
) -> list[Case]:
    """A page of cases, newest first, or of those with flags to decide about; ``site_ids`` None is everywhere."""
    rows = await tx.fetch(
        _SQL["list_cases"],
        kind,
        None if status is None else status.value,
        *(before or (None, None)),
        None if site_ids is None else sorted(site_ids),
        limit,
        undecided,
    )
    return [_case(row) for row in rows]


async def records_of_case(tx: Tx, case_id: UUID, limit: int) -> list[dict[str, Any]]:
    """Load the records of a case, each as it stands now."""
    return [dict(row) for row in await tx.fetch(_SQL["records_of_case"], case_id, limit)]


async def records_before(tx: Tx, first_case_id: UUID, sequel: int, limit: int) -> list[dict[str, Any]]:
    """Load the records of the settled cases before a sequel, each as it stands now."""
    return [dict(row) for row in await tx.fetch(_SQL["records_before"], first_case_id, sequel, limit)]


async def totals(tx: Tx, site_ids: Collection[UUID] | None) -> dict[str, dict[str, int]]:
    """Kind → status → how many touch these sites; None is everywhere."""
    found: dict[str, dict[str, int]] = {}
    for row in await tx.fetch(_SQL["totals"], None if site_ids is None else sorted(site_ids)):
        found.setdefault(row["kind"], {})[row["status"]] = row["cases"]
    return found


def _case(row: Any) -> Case:
    values = dict(row)
    evidence = values["evidence"]
    values["evidence"] = json.loads(evidence) if isinstance(evidence, str) else evidence
    return Case(**{**values, "site_ids": tuple(values["site_ids"]), "status": CaseStatus(values["status"])})
