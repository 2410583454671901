"""Preview of ending a shift or an activity: what its records are worth now, and what the waiting ones may bring."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.points.ingest.handlers import Policy
from services.points.ledger.buckets import VolunteerRow
from services.points.ledger.handlers import lock
from services.points.previews.voiding import MOST_RECORDS, applied, voided
from services.points.records import store as records
from services.points.records.domain import RecordRevision
from shared.auth.tokens import Caller, Role
from shared.errors import Conflict, Forbidden
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["EndedWorth", "preview_ending"]


@dataclass(frozen=True, slots=True)
class EndedWorth:
    """``points`` that the records brought and keep; ``expected`` that the waiting ones bring once they are confirmed.

    ``badges``: by code, those that confirming may award. ``digest`` names the records and what they brought, not the
    expectation, which grows with each minute of an open record.
    """

    records: int
    waiting: int
    points: int
    expected: int
    badges: Mapping[str, int]
    digest: str


async def preview_ending(
    tx: Tx, caller: Caller, activity_id: UUID, shift_id: UUID | None, until: datetime, policy: Policy
) -> EndedWorth:
    """Work out the worth of an activity's or a shift's records were they confirmed at an instant, and undo it.

    Raises:
        Forbidden: ``site-out-of-bounds``: the records are of other sites and teams than the caller's.
        Conflict: ``too-many-records``.
    """
    owners = await records.volunteers_about(tx, activity_id, None)
    await lock(tx, owners, frozenset(owners))
    standing = [
        each
        for each in await records.records_about(tx, activity_id, None)
        if each.status != "void" and shift_id in (None, each.shift_id)
    ]
    _require_run(caller, standing)
    if len(standing) > MOST_RECORDS:
        raise Conflict("too-many-records", f"At most {MOST_RECORDS} records are previewed at once.")
    waiting = [each for each in standing if each.status == "provisional"]
    before, without = await applied(tx, owners, [voided(each) for each in standing], policy)
    _before, confirmed = await applied(tx, owners, [_confirmed(each, until) for each in waiting], policy)
    points, expected = _earned(before) - _earned(without), _earned(confirmed) - _earned(before)
    named = sorted(f"{each.record_id} {each.revision}" for each in standing)
    return EndedWorth(
        records=len(standing),
        waiting=len(waiting),
        points=points,
        expected=expected,
        badges=_awarded(before, confirmed),
        digest=hashlib.sha256("\n".join([*named, str(points)]).encode()).hexdigest(),
    )


def _require_run(caller: Caller, standing: list[RecordRevision]) -> None:
    """Require that there are records, all of the caller's sites or of teams that the caller leads; the centre's any."""
    staff = caller.has(Role.STATION, Role.OPERATOR)
    if staff and caller.site_ids is None:
        return
    if standing and staff and {each.site_id for each in standing} <= (caller.site_ids or frozenset()):
        return
    if standing and caller.has(Role.LEADER) and {each.team_id for each in standing} <= caller.team_ids:
        return
    raise Forbidden("site-out-of-bounds", "Points has no records here of your sites or teams.")


def _confirmed(revision: RecordRevision, until: datetime) -> RecordRevision:
    event_id = new_id()
    ended_at, minutes = revision.ended_at, revision.minutes
    if ended_at is None:
        ended_at = max(revision.started_at, until)
        minutes = min(revision.planned_minutes, (ended_at - revision.started_at) // timedelta(minutes=1))
    return revision._replace(
        revision=revision.revision + 1,
        status="confirmed",
        ended_at=ended_at,
        minutes=minutes,
        content_hash=hashlib.sha256(event_id.bytes).digest()[:16],
        event_id=event_id,
        correlation_id=str(event_id),
    )


def _earned(rows: Mapping[UUID, VolunteerRow]) -> int:
    return sum(row.figures.earned for row in rows.values())


def _awarded(before: Mapping[UUID, VolunteerRow], after: Mapping[UUID, VolunteerRow]) -> dict[str, int]:
    badges: dict[str, int] = {}
    for volunteer_id, row in before.items():
        for badge in set(after[volunteer_id].badges) - set(row.badges):
            badges[badge] = badges.get(badge, 0) + 1
    return dict(sorted(badges.items()))
