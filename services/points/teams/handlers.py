"""Use cases of teams: count what a batch of revisions changes, judge badges, and read where a team stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.points.badges.domain import BadgeProgress, Criteria
from services.points.badges.store import BadgeAward
from services.points.badges.verdicts import Gained, Holder, JudgingCause, Lost, judge
from services.points.records.domain import RecordRevision
from services.points.teams import documents, domain, events, store
from services.points.teams.documents import TeamCriteriaDocument
from services.points.teams.domain import Figures, TeamRecordChange, TeamStanding
from services.points.teams.store import NewTeamAward, TeamRevocation, TeamRow
from services.points.versions import handlers as versions
from services.points.versions.handlers import Current
from shared import outbox
from shared.clock import district_day, real_now
from shared.contracts import TeamBadgeAwarded, TeamBadgeRevoked
from shared.errors import TransientError
from shared.postgres import Database, Tx

__all__ = ["TeamBadges", "badges_of", "count", "criteria_in_force", "install", "judge_anew", "listed", "standings"]

JUDGED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class TeamBadges:
    """All awards of a team, its services, and how far it is towards each badge of the criteria in force."""

    criteria: Criteria
    figures: Figures
    year: int
    awards: list[BadgeAward]
    progress: list[BadgeProgress]


async def install(db: Database) -> Current[Criteria]:
    """Make sure that the shipped versions are in the table; returns the criteria in force.

    Raises:
        PermanentError: a version in the table says something else than the one shipped under its number.
    """
    async with db.transaction() as tx:
        await versions.install(tx, store.CRITERIA, documents.shipped())
    return Current(criteria_in_force)


async def criteria_in_force(tx: Tx) -> Criteria:
    """The newest version that has begun.

    Raises:
        PermanentError: none has.
    """
    return (await versions.in_force(tx, store.CRITERIA)).criteria()


async def listed(tx: Tx) -> list[TeamCriteriaDocument]:
    """Every version, for reading."""
    return await store.CRITERIA.every(tx)


async def count(tx: Tx, batch: Sequence[RecordRevision], criteria: Current[Criteria]) -> list[int]:
    """Count what a batch changes for teams, and judge them; returns the places of conflicting second contents.

    Doing it again changes nothing.

    Raises:
        TransientError: a record changed teams meanwhile; nothing was changed, and the batch may come again.
        asyncpg.UniqueViolationError: a concurrent transaction inserted the same record; as above.
    """
    heard = [domain.said(revision) for revision in batch]
    record_ids = {one.record_id for one in heard}
    seen = await store.services(tx, record_ids)
    team_ids = {one.team_id for one in (*heard, *seen.values()) if one.team_id is not None}
    await store.open_teams(tx, team_ids, await tx.now())
    await store.lock_teams(tx, team_ids)
    await store.lock_services(tx, record_ids)
    stored = await store.services(tx, record_ids)
    if {one.team_id for one in stored.values()} - team_ids - {None}:
        raise TransientError("a record changed teams while it was being counted")
    resolution = domain.resolve(heard, stored)
    if resolution.changes:
        await _apply(tx, batch, resolution.changes, criteria)
    return resolution.conflicts


async def _apply(
    tx: Tx, batch: Sequence[RecordRevision], changed: Sequence[TeamRecordChange], current: Current[Criteria]
) -> None:
    await store.write_services(tx, changed)
    increments = domain.increments(changed)
    if not increments:
        return
    await store.add_days(tx, increments)
    teams = await store.teams(tx, {team_id for team_id, _ in increments})
    criteria = await current.of(tx, max(team.criteria_version for team in teams.values()))
    # By other criteria first, and by the records then: the event names the reason.
    if late := {key: team for key, team in teams.items() if 0 < team.criteria_version < criteria.version}:
        await _Judge(tx, criteria, late, {}).run()
    for (team_id, day), counts in increments.items():
        domain.add(teams[team_id].figures, day, counts)
    await _Judge(tx, criteria, teams, _causes(batch, changed)).run()


def _causes(
    batch: Sequence[RecordRevision], changed: Sequence[TeamRecordChange]
) -> dict[tuple[UUID, int], RecordRevision]:
    """(team, +1 or -1) → the last revision of the batch that added a service, or took one away."""
    found: dict[tuple[UUID, int], RecordRevision] = {}
    for old, new, place in changed:
        for one, sign in ((old, -1), (new, 1)):
            if one is not None and one.counted_as is not None and one.team_id is not None:
                found[one.team_id, sign] = batch[place]
    return found


class _Judge:
    """The badges of one commit, by figures as they are now. The teams' rows are locked by the caller."""

    def __init__(
        self,
        tx: Tx,
        criteria: Criteria,
        teams: Mapping[UUID, TeamRow],
        causes: Mapping[tuple[UUID, int], RecordRevision],
    ) -> None:
        self.tx = tx
        self.criteria = criteria
        self.teams = teams
        self.causes = causes
        self.emitted_at = real_now()
        self.outbox: list[Any] = []

    async def run(self) -> None:
        """Award and revoke, write the teams, and append the events."""
        now = await self.tx.now()
        awards: list[NewTeamAward] = []
        revocations: list[TeamRevocation] = []
        gone: dict[tuple[UUID, str], Lost] = {}
        for team_id in sorted(self.teams):
            team = self.teams[team_id]
            team.version += 1
            verdict = judge(self.criteria, self._holder(team), *self._causes(team))
            team.badges = verdict.earned
            awards += [self._award(team, gained, now) for gained in verdict.gained]
            for lost in verdict.lost:
                gone[team_id, lost.badge] = lost
                revocations.append(TeamRevocation(team_id, lost.badge, lost.reason))
        await store.insert_awards(self.tx, awards, now)
        for closed in await store.revoke_awards(self.tx, revocations, now):
            self._revoked(closed, gone[closed.team_id, closed.badge], now)
        await store.write_teams(self.tx, [self.teams[key] for key in sorted(self.teams)], self.criteria.version, now)
        await outbox.append_raw(self.tx, self.outbox)

    def _holder(self, team: TeamRow) -> Holder:
        lifetime, states = domain.judged(self.criteria, team.figures)
        return Holder("team", team.team_id, team.badges, lifetime, states, measure="services")

    def _causes(self, team: TeamRow) -> tuple[JudgingCause, JudgingCause]:
        """The causes of what the team gains, and of what it loses."""
        found = [self.causes.get((team.team_id, sign)) for sign in (1, -1)]
        other = JudgingCause.criteria("team", self.criteria.version, team.version)
        gaining, losing = (other if revision is None else JudgingCause.of(revision) for revision in found)
        return gaining, losing

    def _award(self, team: TeamRow, gained: Gained, now: datetime) -> NewTeamAward:
        award_id, badge, name, reason, services, cause = gained
        version = self.criteria.version
        data = TeamBadgeAwarded(
            award_id=award_id,
            team_id=team.team_id,
            badge=badge,
            name=name,
            criteria_version=str(version),
            services=services,
            awarded_at=now,
        )
        self.outbox.append(events.awarded(data, self.emitted_at, cause.envelope))
        return NewTeamAward(award_id, team.team_id, badge, name, version, reason, cause.event_id, cause.correlation_id)

    def _revoked(self, closed: store.Revoked, lost: Lost, now: datetime) -> None:
        data = TeamBadgeRevoked(
            award_id=closed.award_id,
            team_id=closed.team_id,
            badge=closed.badge,
            name=closed.name,
            criteria_version=str(self.criteria.version),
            cause="criteria" if lost.cause.revision is None else "records",
            services=lost.value,
            revoked_at=now,
        )
        self.outbox.append(events.revoked(data, self.emitted_at, lost.cause.envelope))


async def judge_anew(db: Database) -> int:
    """Judge some of the teams whom the criteria in force have not judged yet; returns how many, 0 when all are."""
    async with db.transaction() as tx:
        criteria = await criteria_in_force(tx)
        ids = await store.judged_under_other_criteria(tx, criteria.version, JUDGED_AT_ONCE)
        if not ids:
            return 0
        await store.lock_teams(tx, ids)
        found = await store.teams(tx, ids)
        late = {key: team for key, team in found.items() if 0 < team.criteria_version < criteria.version}
        await _Judge(tx, criteria, late, {}).run()
        return len(ids)


async def badges_of(tx: Tx, team_id: UUID) -> TeamBadges:
    """Awards and progress of a team; one that no record has named yet has served nothing.

    Progress towards badges of a year is in the district's present year.
    """
    criteria = await criteria_in_force(tx)
    team = (await store.teams(tx, [team_id])).get(team_id)
    figures: Figures = {} if team is None else team.figures
    year = district_day(await tx.now()).year
    awards = await store.awards_of(tx, team_id)
    return TeamBadges(criteria, figures, year, awards, domain.progress(criteria, figures, year))


async def standings(
    tx: Tx, first: date, last: date, *, after: tuple[int, UUID] | None, limit: int
) -> list[tuple[TeamStanding, list[tuple[str, str]]]]:
    """Rank teams by their services in these days.

    Each with (code, name) of the highest badges that it holds: one of all
    time and one of each year.
    """
    criteria = await criteria_in_force(tx)
    found = await store.standings(tx, first, last, after=after, limit=limit)
    return [(one, domain.highest(criteria, one.badges)) for one in found]
