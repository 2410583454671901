"""Routes of sign-ups."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.signups import handlers
from services.recruitment.signups.domain import ReliabilityPolicy, Signup, SignupStatus, Source
from services.recruitment.signups.placing import SignupTerms
from services.recruitment.signups.posts.handlers import roster as assigned_posts
from services.recruitment.signups.store import OwnSignup, RosterRow
from services.recruitment.signups.waitlist.domain import EntryStatus, SkipReason
from services.recruitment.signups.waitlist.store import WaitingRow
from services.recruitment.vault.api import CipherDep
from services.recruitment.vault.cipher import Cipher
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.errors import Refusal
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["Anyone", "Runner", "SignupIn", "SignupOut", "Volunteer", "admission_of", "router", "signup_out"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["signups"])

Anyone = Annotated[Caller, allow(Role.VOLUNTEER, Role.LEADER, Role.STATION, Role.OPERATOR)]
Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]
Runner = Annotated[Caller, allow(Role.LEADER, Role.STATION, Role.OPERATOR)]


class SignupIn(Input):
    """Empty for oneself; staff and leaders name the volunteer. ``post_id`` is a post of the shift, null: any."""

    volunteer_id: UUID | None = None
    post_id: UUID | None = None


class SignupOut(Output):
    """A place in a shift."""

    signup_id: UUID
    shift_id: UUID
    volunteer_id: UUID
    status: SignupStatus
    source: Source
    placed_at: datetime
    cancelled_at: datetime | None
    late: bool


class LackOut(Output):
    """One thing that the caller lacks: the type that a refusal would have, its sentence, and what it names.

    ``missed`` and ``late`` are the unused places for which sign-ups are paused ``until`` then.
    """

    type: str
    detail: str
    years: int | None
    code: str | None
    missed: int | None
    late: int | None
    until: datetime | None


class EligibilityOut(Output):
    """Whether the caller may sign up for a shift, as far as the activity asks for something."""

    eligible: bool
    missing: list[LackOut]


class ReliabilityOut(Output):
    """Places of the last ``days`` that were not used; ``allowed`` of them have no effect, null: any number."""

    missed: int
    late: int
    days: int
    allowed: int | None
    paused_until: datetime | None


class OwnSignupOut(Output):
    """A sign-up with what, where and when; cancelled within ``withdraw_minutes`` before the start, it is late."""

    signup_id: UUID
    shift_id: UUID
    volunteer_id: UUID
    status: SignupStatus
    source: Source
    placed_at: datetime
    cancelled_at: datetime | None
    activity_id: UUID
    title: str
    place: str
    site_id: UUID
    site_name: str
    starts_at: datetime
    ends_at: datetime
    withdraw_minutes: int


class TeamSignupIn(Input):
    """The volunteers to sign up at once."""

    volunteer_ids: Annotated[list[UUID], Field(min_length=1, max_length=50)]


class TeamSignupRowOut(Output):
    """The outcome for one volunteer: the place, or the type and the sentence of the refusal."""

    volunteer_id: UUID
    signup: SignupOut | None
    type: str | None
    detail: str | None


class TeamSignupOut(Output):
    """The outcomes, in the order given."""

    items: list[TeamSignupRowOut]


class RosterRowOut(Output):
    """One volunteer of a shift by number and masked name, with post and each record of theirs there."""

    volunteer_id: UUID
    volunteer_number: str
    name: str
    signup_id: UUID | None
    source: str | None
    post: str | None
    record_id: UUID | None
    record_status: str | None
    provenance: str | None
    started_at: datetime | None
    ended_at: datetime | None
    minutes: int | None


class WaitingRowOut(Output):
    """One volunteer of a shift's waitlist by number; ``skipped`` is why a free place went to the next."""

    rank: int
    entry_id: UUID
    volunteer_id: UUID
    volunteer_number: str
    status: EntryStatus
    skipped: SkipReason | None
    joined_at: datetime
    offer_until: datetime | None


class RosterOut(Output):
    """All volunteers who have a place in a shift or attended it, and its waitlist in order."""

    items: list[RosterRowOut]
    waiting: list[WaitingRowOut]


@router.post("/shifts/{shift_id}/signups", status_code=201, response_model=SignupOut)
async def sign_up(
    request: Request, db: Db, cipher: CipherDep, caller: Anyone, shift_id: UUID, body: SignupIn
) -> Response:
    """Take a place in a shift."""

    async def work(tx: Tx) -> SignupOut:
        admission = admission_of(request, cipher)
        return signup_out(await handlers.place(tx, caller, shift_id, body.volunteer_id, admission, body.post_id))

    return await once(request, db, caller, work)


@router.post("/shifts/{shift_id}/team-signups", status_code=201, response_model=TeamSignupOut)
async def sign_up_team(
    request: Request, db: Db, cipher: CipherDep, caller: Runner, shift_id: UUID, body: TeamSignupIn
) -> Response:
    """Sign several volunteers up; each gets a place or the reason why not."""

    async def work(tx: Tx) -> TeamSignupOut:
        admission = admission_of(request, cipher)
        found = await handlers.place_team(tx, caller, shift_id, body.volunteer_ids, admission)
        return TeamSignupOut(items=[_team_row(who, outcome) for who, outcome in found])

    return await once(request, db, caller, work)


@router.post("/signups/{signup_id}/cancel", response_model=SignupOut)
async def cancel(request: Request, db: Db, caller: Anyone, signup_id: UUID) -> Response:
    """Release the place."""

    async def work(tx: Tx) -> SignupOut:
        return signup_out(await handlers.cancel(tx, caller, signup_id))

    return await once(request, db, caller, work, status=200)


@router.get("/signups")
async def list_own(
    db: Db,
    caller: Volunteer,
    status: Literal["active", "cancelled"] | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[OwnSignupOut]:
    """The caller's own sign-ups, newest first."""
    before = None if cursor is None else decode(cursor, (UUID,))[0]
    async with db.transaction() as tx:
        found = await handlers.own(tx, caller.require_volunteer(), status=status, before=before, limit=limit + 1)
    return page_of(found, limit, _own, lambda each: (each.signup_id,))


@router.get("/shifts/{shift_id}/eligibility")
async def read_eligibility(
    request: Request, db: Db, cipher: CipherDep, caller: Volunteer, shift_id: UUID
) -> EligibilityOut:
    """The obstacles to a sign-up of the caller: missing qualifications, or a pause for unused places."""
    async with db.transaction() as tx:
        found = await handlers.lacks(tx, admission_of(request, cipher), caller, shift_id)
    return EligibilityOut(eligible=not found, missing=[_lack(each) for each in found])


@router.get("/signups/reliability")
async def read_reliability(request: Request, db: Db, caller: Volunteer) -> ReliabilityOut:
    """The places that the caller did not use of late, and whether own sign-ups are paused."""
    policy = _policy(request)
    async with db.transaction() as tx:
        seen, until = await handlers.reliability(tx, caller.require_volunteer(), policy)
    return ReliabilityOut(
        missed=seen.missed, late=seen.late, days=policy.window.days, allowed=policy.allowed, paused_until=until
    )


@router.get("/shifts/{shift_id}/roster")
async def read_roster(db: Db, cipher: CipherDep, caller: Runner, shift_id: UUID) -> RosterOut:
    """The roster of a shift: expected and present volunteers, for those who run it."""
    async with db.transaction() as tx:
        items, waiting = await handlers.roster(tx, cipher, caller, shift_id)
        posts = await assigned_posts(tx, shift_id)
    return RosterOut(
        items=[_row(row, name, posts.get(row.volunteer_id)) for row, name in items],
        waiting=[_waiting(row) for row in waiting],
    )


def admission_of(request: Request, cipher: Cipher) -> SignupTerms:
    """The policy that the process is configured with, and the vault."""
    return SignupTerms(_policy(request), cipher)


def _team_row(volunteer_id: UUID, outcome: Signup | Refusal) -> TeamSignupRowOut:
    if isinstance(outcome, Signup):
        return TeamSignupRowOut(volunteer_id=volunteer_id, signup=signup_out(outcome), type=None, detail=None)
    return TeamSignupRowOut(volunteer_id=volunteer_id, signup=None, type=outcome.type, detail=outcome.detail)


def _lack(refused: DomainRefusal) -> LackOut:
    names = ("years", "code", "missed", "late", "until")
    return LackOut.model_validate(
        {"type": refused.slug, "detail": refused.detail, **{name: refused.extra.get(name) for name in names}}
    )


def _policy(request: Request) -> ReliabilityPolicy:
    settings = request.app.state.settings
    window, pause = timedelta(days=settings.unused_places_days), timedelta(days=settings.unused_places_pause_days)
    return ReliabilityPolicy(settings.unused_places_allowed, window, pause)


def signup_out(signup: Signup) -> SignupOut:
    """A sign-up as answered."""
    return SignupOut(**{name: getattr(signup, name) for name in SignupOut.model_fields})


def _own(signup: OwnSignup) -> OwnSignupOut:
    return OwnSignupOut(**{name: getattr(signup, name) for name in OwnSignupOut.model_fields})


def _row(row: RosterRow, name: str, post: str | None) -> RosterRowOut:
    members = {member: getattr(row, member) for member in RosterRowOut.model_fields if member not in ("name", "post")}
    return RosterRowOut(**members, name=name, post=post)


def _waiting(row: WaitingRow) -> WaitingRowOut:
    return WaitingRowOut(**{name: getattr(row, name) for name in WaitingRowOut.model_fields})
