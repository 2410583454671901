"""Judging: figures follow the records by increments, badges follow the figures, all in the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import orjson

from services.points.badges import events
from services.points.badges import store as badge_store
from services.points.badges.domain import Criteria, States
from services.points.badges.store import NewAward, Revocation
from services.points.badges.verdicts import Gained, Holder, JudgingCause, Lost, judge
from services.points.ledger.buckets import VolunteerRow
from services.points.ledger.events import OutboxRow
from services.points.records.domain import RecordRevision
from services.points.rules.hours.domain import Lifetime
from shared.postgres import Tx

__all__ = ["Judge"]


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
        gone: dict[tuple[UUID, str], Lost] = {}
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
            cause = (
                JudgingCause.criteria("volunteer", self.criteria.version, volunteer.version)
                if revision is None
                else JudgingCause.of(revision)
            )
            holder = Holder("volunteer", volunteer_id, volunteer.badges, volunteer.lifetime, volunteer.states)
            verdict = judge(self.criteria, holder, cause, cause)
            awards += [self._award(volunteer, gained) for gained in verdict.gained]
            for lost in verdict.lost:
                gone[volunteer_id, lost.badge] = lost
                revocations.append(Revocation(volunteer_id, lost.badge, lost.reason))
            volunteer.badges = verdict.earned
            volunteer.criteria_version = self.criteria.version
        await badge_store.insert_awards(self.tx, awards, self.now)
        closed = await badge_store.revoke_awards(self.tx, revocations, self.now)
        for key in sorted(closed):
            self._revoked(volunteers[key[0]], closed[key], gone[key])

    def _award(self, volunteer: VolunteerRow, gained: Gained) -> NewAward:
        volunteer.version += 1
        award_id, badge, name, reason, _, cause = gained
        data = {
            "award_id": str(award_id),
            "volunteer_id": str(volunteer.volunteer_id),
            "badge": badge,
            "name": name,
            "criteria_version": str(self.criteria.version),
            "awarded_at": self.now,
        }
        self.outbox.append(events.badge_awarded(data, self.emitted_at, cause.envelope))
        version = self.criteria.version
        return NewAward(
            award_id, volunteer.volunteer_id, badge, name, version, reason, cause.event_id, cause.correlation_id
        )

    def _revoked(self, volunteer: VolunteerRow, award_id: UUID, lost: Lost) -> None:
        volunteer.version += 1
        data = {
            "award_id": str(award_id),
            "volunteer_id": str(volunteer.volunteer_id),
            "badge": lost.badge,
            "name": lost.name,
            "criteria_version": str(self.criteria.version),
            "cause": "criteria" if lost.cause.revision is None else "records",
            "revoked_at": self.now,
        }
        self.outbox.append(events.badge_revoked(data, self.emitted_at, lost.cause.envelope))
