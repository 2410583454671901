"""Judges the figures of a volunteer or a team against criteria: the badges gained and lost, each with its reason."""

from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import orjson

from services.points.badges.domain import Criteria, States, changes
from services.points.records.domain import RecordRevision
from services.points.rules.hours.domain import Lifetime
from shared.ids import derived_id

__all__ = ["BadgeVerdict", "Gained", "Holder", "JudgingCause", "Lost", "judge"]

HolderKind = Literal["volunteer", "team"]
_PREFIX: Final[dict[HolderKind, str]] = {"volunteer": "", "team": "team-"}


class JudgingCause(NamedTuple):
    """The cause of judging anew: a revision, or (then ``revision`` is None) other criteria."""

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
    def criteria(cls, kind: HolderKind, version: int, account_version: int) -> "JudgingCause":
        """A version of the criteria that came into force; ``account_version`` is that of the holder's row."""
        name = f"{_PREFIX[kind]}criteria"
        identity = ("criteria", version, account_version)
        return cls(derived_id(name, version), f"{name}-{version}", None, identity, None)

    @property
    def envelope(self) -> tuple[str, str, str | None]:
        return str(self.event_id), self.correlation_id, self.traceparent


class Holder(NamedTuple):
    """A volunteer or a team with the badges held until now and the figures to judge by.

    ``measure``: the name of every figure in reasons, where it is not the criterion's own.
    """

    kind: HolderKind
    holder_id: UUID
    badges: tuple[str, ...]
    lifetime: Lifetime
    states: States | None
    measure: str | None = None


class Gained(NamedTuple):
    """A badge to award; ``reason`` is JSON, ``value`` the figure that earned it."""

    award_id: UUID
    badge: str
    name: str
    reason: str
    value: int
    cause: JudgingCause


class Lost(NamedTuple):
    """A badge to revoke; ``reason`` is JSON, ``value`` the figure as it is now, 0 where no criterion is left."""

    badge: str
    name: str
    reason: str
    value: int
    cause: JudgingCause


class BadgeVerdict(NamedTuple):
    """The badges that the figures earn, sorted, and what changes by that."""

    earned: tuple[str, ...]
    gained: list[Gained]
    lost: list[Lost]


def judge(criteria: Criteria, holder: Holder, gaining: JudgingCause, losing: JudgingCause) -> BadgeVerdict:
    """Judge a holder by the figures as they are; the causes are those of what is gained and of what is lost."""
    earned = criteria.earned(holder.lifetime, holder.states)
    gained, lost = changes(holder.badges, earned)
    prefix = f"{_PREFIX[holder.kind]}badge"
    awards = []
    for badge in gained:
        name, value, reason = _reason(criteria, holder, badge, gaining)
        award_id = derived_id(prefix, holder.holder_id, badge, *gaining.identity)
        awards.append(Gained(award_id, badge, name, reason, value, gaining))
    revocations = []
    for badge in lost:
        name, value, reason = _reason(criteria, holder, badge, losing)
        revocations.append(Lost(badge, name, reason, value, losing))
    return BadgeVerdict(earned, awards, revocations)


def _reason(criteria: Criteria, holder: Holder, badge: str, cause: JudgingCause) -> tuple[str, int, str]:
    """The badge's name, the figure, and this against the threshold with the revision that brought it there."""
    said: dict[str, Any] = {"criterion": None}
    name, value = badge, 0
    if (found := criteria.find(badge)) is not None:
        criterion, instance = found
        name = criterion.title(instance)
        if holder.states is not None:
            value = criteria.value(criterion, holder.lifetime, holder.states, instance)
            said = {"measure": holder.measure or criterion.measure, "value": value, "at_least": criterion.at_least}
    if cause.revision is not None:
        said["record"] = [str(cause.revision.record_id), cause.revision.revision, cause.revision.status]
    return name, value, orjson.dumps(said).decode()
