"""Preview of voiding an activity: the ingest itself applies the voids, and is rolled back."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.points.ingest.handlers import Policy, ingest
from services.points.ledger.buckets import VolunteerRow
from services.points.ledger.handlers import lock
from services.points.ledger.store import volunteers
from services.points.records import store as records
from services.points.records.domain import RecordRevision
from shared.errors import Conflict
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["MOST_RECORDS", "VoidedWorth", "applied", "preview_void", "voided"]

MOST_RECORDS = 10_000
"""Records of one activity whose voiding is previewed: a day of the whole district has some thousands."""
PORTION = 1000
"""Records that the ingest applies in one batch."""


@dataclass(frozen=True, slots=True)
class VoidedWorth:
    """Points that would be reversed, of which ``debt`` are spent already; badges and stars that would be revoked."""

    records: int
    people: int
    points: int
    debt: int
    badges: Mapping[str, int]
    digest: str


class _Undone(Exception):
    """Ends the savepoint of the preview."""


async def preview_void(tx: Tx, activity_id: UUID, policy: Policy) -> VoidedWorth:
    """Apply voids of all records of an activity, compare the accounts, and undo it.

    Raises:
        Conflict: ``too-many-records``.
    """
    owners = await records.volunteers_about(tx, activity_id, None)
    await lock(tx, owners, frozenset(owners))
    standing = [each for each in await records.records_about(tx, activity_id, None) if each.status != "void"]
    if len(standing) > MOST_RECORDS:
        raise Conflict("too-many-records", f"At most {MOST_RECORDS} records are previewed at once.")
    before, after = await applied(tx, owners, [voided(each) for each in standing], policy)
    return _difference(standing, before, after)


async def applied(
    tx: Tx, owners: Sequence[UUID], revisions: Sequence[RecordRevision], policy: Policy
) -> tuple[Mapping[UUID, VolunteerRow], Mapping[UUID, VolunteerRow]]:
    """The accounts of locked volunteers before and after the ingest of revisions, which is undone."""
    before = await volunteers(tx, owners)
    after = before
    try:
        async with tx.savepoint():
            for start in range(0, len(revisions), PORTION):
                portion = revisions[start : start + PORTION]
                await ingest(tx, portion, policy, known=frozenset(owners), savepoints=False)
            after = await volunteers(tx, owners)
            raise _Undone
    except _Undone:
        pass
    return before, after


def voided(revision: RecordRevision) -> RecordRevision:
    """The next revision of a record, which is void."""
    event_id = new_id()
    return revision._replace(
        revision=revision.revision + 1,
        status="void",
        content_hash=hashlib.sha256(event_id.bytes).digest()[:16],
        event_id=event_id,
        correlation_id=str(event_id),
    )


def _difference(
    standing: list[RecordRevision], before: Mapping[UUID, VolunteerRow], after: Mapping[UUID, VolunteerRow]
) -> VoidedWorth:
    points = debt = 0
    badges: dict[str, int] = {}
    for volunteer_id, row in before.items():
        then = after[volunteer_id]
        points += row.figures.earned - then.figures.earned
        debt += then.figures.debt - row.figures.debt
        for badge in set(row.badges) - set(then.badges):
            badges[badge] = badges.get(badge, 0) + 1
    named = sorted(f"{each.record_id} {each.revision}" for each in standing)
    said = "\n".join([*named, f"{points} {debt}", *(f"{badge} {count}" for badge, count in sorted(badges.items()))])
    return VoidedWorth(
        records=len(standing),
        people=len({each.volunteer_id for each in standing}),
        points=points,
        debt=debt,
        badges=dict(sorted(badges.items())),
        digest=hashlib.sha256(said.encode()).hexdigest(),
    )
