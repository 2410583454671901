"""HTTP of badges: what a volunteer holds, what was taken away and why, and how far it is to the next."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from services.points.badges import handlers
from services.points.badges.domain import BadgeProgress
from services.points.badges.store import BadgeAward
from services.points.bounds.handlers import require_reader
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Output

__all__ = ["BadgeAwardOut", "award_view", "router"]

router = APIRouter(prefix="/api/points/v1", tags=["badges"])

Reader = Annotated[Caller, allow(Role.VOLUNTEER, Role.STATION, Role.OPERATOR)]


class BadgeAwardOut(Output):
    """An award to a volunteer or a team.

    ``reason`` holds the figure (a team's services), what it had to be, and the record [id, revision, status] that
    decided.
    """

    award_id: UUID
    badge: str
    name: str
    criteria_version: int
    awarded_at: datetime
    reason: dict[str, Any]
    revoked_at: datetime | None
    revoked_reason: dict[str, Any] | None


class BadgeProgressOut(Output):
    """How far it is to one badge; in minutes, or in records, themes, sites or weeks in a row, as ``measure`` says."""

    badge: str
    name: str
    star: int | None
    window: str
    measure: str
    sentence: str
    value: int
    at_least: int
    remaining: int
    held: bool


class BadgesOut(Output):
    """``next`` is the progress towards the nearest badge that is not held, by share of the way."""

    volunteer_id: UUID
    criteria_version: int
    held: list[BadgeAwardOut]
    revoked: list[BadgeAwardOut]
    progress: list[BadgeProgressOut]
    next: BadgeProgressOut | None


@router.get("/accounts/{volunteer_id}/badges")
async def read_badges(db: Db, caller: Reader, volunteer_id: UUID) -> BadgesOut:
    """Badges held and revoked, and the progress towards all: the volunteer's own, or for staff."""
    async with db.snapshot() as tx:
        await require_reader(tx, caller, volunteer_id)
        found = await handlers.badges_of(tx, volunteer_id)
    held = [award_view(award) for award in found.awards if award.revoked_at is None]
    names = {award.badge for award in held}
    progress = [_progress(one, one.badge in names) for one in found.progress]
    open_ = [one for one in progress if not one.held and one.remaining]
    return BadgesOut(
        volunteer_id=volunteer_id,
        criteria_version=found.criteria.version,
        held=held,
        revoked=[award_view(award) for award in found.awards if award.revoked_at is not None],
        progress=progress,
        next=max(open_, key=lambda one: one.value / one.at_least, default=None),
    )


def award_view(award: BadgeAward) -> BadgeAwardOut:
    """An award as it is answered."""
    return BadgeAwardOut(
        award_id=award.award_id,
        badge=award.badge,
        name=award.name,
        criteria_version=award.criteria_version,
        awarded_at=award.awarded_at,
        reason=award.reason,
        revoked_at=award.revoked_at,
        revoked_reason=award.revoked_reason,
    )


def _progress(one: BadgeProgress, held: bool) -> BadgeProgressOut:
    item = one.criterion
    return BadgeProgressOut(
        badge=one.badge,
        name=one.name,
        star=item.star,
        window=item.window,
        measure=item.measure,
        sentence=item.sentence(),
        value=one.value,
        at_least=item.at_least,
        remaining=one.remaining,
        held=held,
    )
