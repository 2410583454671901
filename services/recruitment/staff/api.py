"""Routes of staff accounts: invitations, the list, activation, closing."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access import handlers as access
from services.recruitment.access.api import ChallengeOut, ChannelDep, PasswordsDep
from services.recruitment.access.handlers import IssuedCode
from services.recruitment.access.sessions import ClientDep, PolicyDep, Proving, SettingsDep, refuse_codes, spend_attempt
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.staff import handlers, invitations
from services.recruitment.staff.common import common_passwords
from services.recruitment.staff.domain import StaffRole, check_password
from services.recruitment.staff.invitations import NewInvitation, Shown
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.errors import Invalid
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.http.models import GIVEN_ONCE
from shared.postgres import Tx
from shared.typed import CodeText, PhoneText, UsernameText

__all__ = ["NewPasswordText", "StaffOut", "require_strong_password", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["staff"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]
Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
NewPasswordText = Annotated[str, Field(min_length=1, max_length=128)]


class InvitationIn(Input):
    """Whom to invite; station staff belong to a site, operators without one to the centre."""

    username: UsernameText
    name: Annotated[str, Field(max_length=100)]
    phone: PhoneText
    role: StaffRole
    site_id: UUID | None = None


class InvitationOut(Output):
    """An open invitation; name and phone are masked, ``link`` is for the invited person alone."""

    invitation_id: UUID
    username: str
    role: StaffRole
    site_id: UUID | None
    name: str
    phone: str | None
    invited_by: UUID
    expires_at: datetime
    link: Annotated[str | None, GIVEN_ONCE]


class OfferOut(Output):
    """An invitation as the holder of its link sees it."""

    username: str
    role: StaffRole
    site: str | None
    phone: str | None
    expires_at: datetime


class AcceptanceIn(Input):
    """The code that the phone on file got, and the holder's own password."""

    challenge_id: UUID
    code: CodeText
    password: NewPasswordText


class StaffVolunteerIn(Input):
    """Which volunteer the member of staff is too; null: none."""

    volunteer_id: UUID | None


class StaffOut(Output):
    """An account; ``volunteer_id`` is the volunteer that its holder is too, on whose records they do not decide."""

    staff_id: UUID
    username: str
    role: StaffRole
    state: str
    site_id: UUID | None
    volunteer_id: UUID | None


class ListedOut(StaffOut):
    """An account in the list; ``created_by`` and ``activated_by`` are usernames."""

    created_at: datetime
    created_by: str | None
    activated_by: str | None
    last_sign_in_at: datetime | None
    reset_at: datetime | None
    second_factor: bool


@router.post("/staff/invitations", status_code=201, response_model=InvitationOut)
async def invite(
    request: Request,
    body: InvitationIn,
    caller: Operator,
    db: Db,
    cipher: CipherDep,
    settings: SettingsDep,
    client: ClientDep,
) -> Response:
    """Invite a person to an account.

    They set their own password by a code to this phone, and wait until another operator activates
    the account.
    """
    phone = access.phone_of(body.phone)

    async def work(tx: Tx) -> InvitationOut:
        new = NewInvitation(body.username, body.name, phone, body.role, body.site_id)
        return _invitation(settings, await invitations.invite(tx, cipher, caller, client, new))

    return await once(request, db, caller, work)


@router.get("/staff/invitations")
async def open_invitations(caller: Operator, db: Db, cipher: CipherDep, settings: SettingsDep) -> Page[InvitationOut]:
    """Open invitations within the caller's bounds, newest first."""
    async with db.transaction() as tx:
        found = await invitations.list_open(tx, cipher, caller)
    return Page(items=[_invitation(settings, one) for one in found])


@router.delete("/staff/invitations/{invitation_id}", status_code=204)
async def withdraw_invitation(invitation_id: UUID, caller: Operator, db: Db, client: ClientDep) -> Response:
    """Withdraw an open invitation."""
    async with db.transaction() as tx:
        await invitations.withdraw(tx, caller, client, invitation_id)
    return Response(status_code=204)


@router.get("/staff/invitations/by-token/{token}", dependencies=[public()])
async def offer(token: str, db: Db, cipher: CipherDep) -> OfferOut:
    """Show the holder of the link the invitation."""
    async with db.transaction() as tx:
        shown = await invitations.show(tx, cipher, token)
    return OfferOut(
        username=shown.username, role=shown.role, site=shown.site, phone=shown.phone, expires_at=shown.expires_at
    )


@router.post("/staff/invitations/by-token/{token}/codes", status_code=202, dependencies=[public()])
async def send_invitation_code(
    token: str, db: Db, cipher: CipherDep, channel: ChannelDep, policy: PolicyDep, client: ClientDep
) -> ChallengeOut:
    """Send a code to the phone on file; it changes nothing but the limits, so it takes no Idempotency-Key."""
    async with db.transaction() as tx:
        issued = await invitations.send_code(tx, cipher, policy, client, token)
    if not isinstance(issued, IssuedCode):
        raise refuse_codes(issued)
    await channel.send(issued.phone, issued.code)
    return ChallengeOut(challenge_id=issued.challenge_id, expires_in=issued.expires_in)


@router.post(
    "/staff/invitations/by-token/{token}/acceptance",
    status_code=201,
    response_model=StaffOut,
    dependencies=[public()],
)
async def accept_invitation(
    token: str,
    request: Request,
    body: AcceptanceIn,
    db: Db,
    cipher: CipherDep,
    passwords: PasswordsDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Set one's own password; afterwards sign in with it."""
    await spend_attempt(db, cipher, policy, client, body.challenge_id)
    async with db.transaction() as tx:
        words = await invitations.words_for(tx, cipher, token)
    require_strong_password(body.password, words)
    password_hash = await passwords.hash(body.password)
    proving = Proving(db, cipher, policy, client)

    async def work(tx: Tx) -> StaffOut:
        member = await invitations.accept(tx, cipher, client, token, body.challenge_id, body.code, password_hash)
        return StaffOut(**asdict(member))

    answer = await once(request, db, None, proving.noting(work))
    await proving.forgive()
    return answer


@router.get("/staff")
async def list_staff(
    caller: Operator, db: Db, closed: bool = False, cursor: str | None = None, limit: Limit = 50
) -> Page[ListedOut]:
    """Accounts within the caller's bounds, by username; closed ones with ``closed=true``."""
    after = None if cursor is None else decode(cursor, [str])[0]
    async with db.transaction() as tx:
        found = await handlers.list_accounts(tx, caller, after, closed, limit + 1)
    return page_of(found, limit, lambda one: ListedOut(**asdict(one)), lambda one: (one.username,))


@router.post("/staff/{staff_id}/activation", status_code=200, response_model=StaffOut)
async def activate(staff_id: UUID, request: Request, caller: Operator, db: Db, client: ClientDep) -> Response:
    """Activate a pending account within the caller's bounds, as another operator than who invited it."""

    async def work(tx: Tx) -> StaffOut:
        return StaffOut(**asdict(await handlers.activate(tx, caller, client, staff_id)))

    return await once(request, db, caller, work, status=200)


@router.post("/staff/{staff_id}/deactivation", status_code=200, response_model=StaffOut)
async def deactivate(staff_id: UUID, request: Request, caller: Operator, db: Db, client: ClientDep) -> Response:
    """Close an account for good and end its sessions; another role or site needs a new invitation."""

    async def work(tx: Tx) -> StaffOut:
        return StaffOut(**asdict(await handlers.deactivate(tx, caller, client, staff_id)))

    return await once(request, db, caller, work, status=200)


@router.post("/staff/{staff_id}/password-reset", status_code=200, response_model=StaffOut)
async def start_reset(staff_id: UUID, request: Request, caller: Operator, db: Db, client: ClientDep) -> Response:
    """End the password and the sessions of an account: its holder sets a new one by a code to their phone."""

    async def work(tx: Tx) -> StaffOut:
        return StaffOut(**asdict(await handlers.start_reset(tx, caller, client, staff_id)))

    return await once(request, db, caller, work, status=200)


@router.put("/staff/{staff_id}/volunteer")
async def say_volunteer(staff_id: UUID, body: StaffVolunteerIn, caller: Centre, db: Db) -> StaffOut:
    """Say which volunteer a member of staff is too; holds from their next token on, within a quarter of an hour."""
    async with db.transaction() as tx:
        member = await handlers.say_volunteer(tx, caller, staff_id, body.volunteer_id)
    return StaffOut(**asdict(member))


def require_strong_password(password: str, words: list[str]) -> None:
    """Refuse a weak password.

    Raises:
        Invalid: with what is wrong about it.
    """
    try:
        check_password(password, words, common_passwords())
    except ValueError as error:
        raise Invalid("password-weak", str(error)) from None


def _invitation(settings: RecruitmentSettings, shown: Shown) -> InvitationOut:
    return InvitationOut(
        invitation_id=shown.invitation_id,
        username=shown.username,
        role=shown.role,
        site_id=shown.site_id,
        name=shown.name,
        phone=shown.phone,
        invited_by=shown.invited_by,
        expires_at=shown.expires_at,
        link=f"{settings.public_url.rstrip('/')}/invitation/{shown.token}",
    )
