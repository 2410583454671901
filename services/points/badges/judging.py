"""Judging: figures follow the records by increments, badges follow the figures, all in the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson

from services.points.badges import events
from services.points.badges import store as badge_store
from services.points.badges.domain import Criteria, States, changes
from services.points.badges.store import NewAward, Revocation
from services.points.ledger.buckets import VolunteerRow
from services.points.ledger.events import OutboxRow
from services.points.records.domain import RecordRevision
from services.points.rules.hours.domain import Lifetime
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["Judge", "JudgingCause"]


class JudgingCause(NamedTuple):
    """The cause of judging a volunteer anew: a revision, or (then ``revision`` is None) other criteria."""

    event_id: UUID
    correlation_id: str
    traceparent: str | None
    identity: tuple[object, ...]
    revision: RecordRevision | None

    @classmethod
    def of(cls, revision: RecordRevision) -> "JudgingCause":
        """A record's revision."""
        identity = (revision.record_id, revision.revision)
        return cls(revision.event_id, revision.correlation_id, revision.traceparent, identity, revision)

    @classmethod
    def criteria(cls, version: int, volunteer: VolunteerRow) -> "JudgingCause":
        """A version of the criteria that came into force."""
        event_id = derived_id("criteria", version)
        identity = ("criteria", version, volunteer.version)
        return cls(event_id, f"criteria-{version}", None, identity, None)

    @property
    def envelope(self) -> tuple[str, str, str | None]:
        return str(self.event_id), self.correlation_id, self.traceparent


class Judge:
    """The badges of one commit.

    `count` what changes, `judge` when the lifetime figures stand; and before anything
    changes, `catch_up` with volunteers judged by earlier criteria.

    The volunteers' rows are locked by the caller. ``outbox`` collects the events to publish.
    """

    def __init__(self, tx: Tx, criteria: Criteria, now: datetime, emitted_at: datetime) -> None:
        self.tx = tx
        self.criteria = criteria
        self.now = now
        self.emitted_at = emitted_at
        self.outbox: list[OutboxRow] = []
        self._before: dict[UUID, Lifetime] = {}
        self._to_judge: set[UUID] = set()
        self._crossed: set[UUID] = set()

    async def catch_up(self, volunteers: Mapping[UUID, VolunteerRow]) -> list[UUID]:
        """Judge those who were judged by earlier criteria; returns who that was, sorted.

        Their figures are counted anew from the stored records, so these must be as the volunteers' rows know them.
        """
        version = self.criteria.version
        late = sorted(
            key
            for key, one in volunteers.items()
            if one.criteria_version < version and (one.criteria_version or any(one.lifetime))
        )
        if late:
            await self._count_anew([volunteers[volunteer_id] for volunteer_id in late])
            await self.judge(dict.fromkeys(late), volunteers)
        return late

    def count(
        self, volunteers: Mapping[UUID, VolunteerRow], applied: Collection[tuple[RecordRevision, RecordRevision | None]]
    ) -> None:
        """Bring the figures of volunteers who gain or lose a confirmed record up to date."""
        opened: dict[UUID, States] = {}

        def count(revision: RecordRevision, sign: Literal[1, -1]) -> None:
            volunteer_id = revision.volunteer_id
            states = opened.get(volunteer_id)
            if states is None:
                states = opened[volunteer_id] = self._open(volunteers[volunteer_id])
            if count_one(states, revision, sign):
                self._crossed.add(volunteer_id)

        count_one = self.criteria.count
        for new, old in applied:
            if old is not None and old.status == "confirmed":
                count(old, -1)
            if new.status == "confirmed":
                count(new, 1)
        for volunteer_id in opened:
            self._keep(volunteers[volunteer_id])

    def _open(self, volunteer: VolunteerRow) -> States:
        """Read the figures; volunteers never judged have none."""
        self._before[volunteer.volunteer_id] = volunteer.lifetime
        if volunteer.criteria_version == 0:
            self._to_judge.add(volunteer.volunteer_id)
        kept = volunteer.badge_figures
        states: States = self.criteria.blank() if kept is None else orjson.loads(kept)
        volunteer.states = states
        return states

    async def _count_anew(self, volunteers: Sequence[VolunteerRow]) -> None:
        served = await badge_store.services(self.tx, [volunteer.volunteer_id for volunteer in volunteers])
        for volunteer in volunteers:
            self._before[volunteer.volunteer_id] = volunteer.lifetime
            self._to_judge.add(volunteer.volunteer_id)
            volunteer.states = self.criteria.tally(served.get(volunteer.volunteer_id, ()))
            self._keep(volunteer)

    def _keep(self, volunteer: VolunteerRow) -> None:
        volunteer.badge_figures = orjson.dumps(volunteer.states).decode()

    async def judge(
        self, revisions: Mapping[UUID, RecordRevision | None], volunteers: Mapping[UUID, VolunteerRow]
    ) -> None:
        """Award and revoke by the figures as they are now; only where a figure passed a threshold is there a change.

        ``revisions``: whom to judge and because of what; None says because of the criteria.
        """
        causes: dict[UUID, JudgingCause] = {}
        awards: list[NewAward] = []
        revocations: list[Revocation] = []
        for volunteer_id, revision in revisions.items():
            volunteer = volunteers[volunteer_id]
            if not (
                volunteer_id in self._to_judge
                or volunteer_id in self._crossed
                or self.criteria.crossed(self._before[volunteer_id], volunteer.lifetime)
            ):
                continue
            earned = self.criteria.earned(volunteer.lifetime, volunteer.states)
            gained, lost = changes(volunteer.badges, earned)
            cause = self._cause(volunteer, revision)
            causes[volunteer_id] = cause
            awards += [self._award(volunteer, badge, cause) for badge in gained]
            revocations += [Revocation(volunteer_id, badge, self._reason(volunteer, badge, cause)) for badge in lost]
            volunteer.badges = earned
            volunteer.criteria_version = self.criteria.version
        await badge_store.insert_awards(self.tx, awards, self.now)
        closed = await badge_store.revoke_awards(self.tx, revocations, self.now)
        for volunteer_id, badge in sorted(closed):
            award_id = closed[volunteer_id, badge]
            self._revoked(volunteers[volunteer_id], badge, award_id, causes[volunteer_id])

    def _cause(self, volunteer: VolunteerRow, revision: RecordRevision | None) -> JudgingCause:
        return (
            JudgingCause.criteria(self.criteria.version, volunteer) if revision is None else JudgingCause.of(revision)
        )

    def _award(self, volunteer: VolunteerRow, badge: str, cause: JudgingCause) -> NewAward:
        found = self.criteria.find(badge)
        assert found is not None
        criterion, instance = found
        award_id = derived_id("badge", volunteer.volunteer_id, badge, *cause.identity)
        name = criterion.title(instance)
        volunteer.version += 1
        data = {
            "award_id": str(award_id),
            "volunteer_id": str(volunteer.volunteer_id),
            "badge": badge,
            "name": name,
            "criteria_version": str(self.criteria.version),
            "awarded_at": self.now,
        }
        self.outbox.append(events.badge_awarded(data, self.emitted_at, cause.envelope))
        return NewAward(
            award_id,
            volunteer.volunteer_id,
            badge,
            name,
            self.criteria.version,
            self._reason(volunteer, badge, cause),
            cause.event_id,
            cause.correlation_id,
        )

    def _revoked(self, volunteer: VolunteerRow, badge: str, award_id: UUID, cause: JudgingCause) -> None:
        found = self.criteria.find(badge)
        volunteer.version += 1
        data = {
            "award_id": str(award_id),
            "volunteer_id": str(volunteer.volunteer_id),
            "badge": badge,
            "name": badge if found is None else found[0].title(found[1]),
            "criteria_version": str(self.criteria.version),
            "cause": "criteria" if cause.revision is None else "records",
            "revoked_at": self.now,
        }
        self.outbox.append(events.badge_revoked(data, self.emitted_at, cause.envelope))

    def _reason(self, volunteer: VolunteerRow, badge: str, cause: JudgingCause) -> str:
        """The figure against the threshold, and the record's revision that brought it there."""
        value: dict[str, Any] = {"criterion": None}
        if (found := self.criteria.find(badge)) is not None and volunteer.states is not None:
            criterion, instance = found
            value = {
                "measure": criterion.measure,
                "value": self.criteria.value(criterion, volunteer.lifetime, volunteer.states, instance),
                "at_least": criterion.at_least,
            }
        if cause.revision is not None:
            value["record"] = [str(cause.revision.record_id), cause.revision.revision, cause.revision.status]
        return orjson.dumps(value).decode()
