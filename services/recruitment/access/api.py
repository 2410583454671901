"""Routes of access: codes, tokens, sessions of staff, and staff themselves."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access import handlers
from services.recruitment.access.channels import CodeChannel
from services.recruitment.access.domain import Refresh, StaffRole, check_password_form
from services.recruitment.access.handlers import Grant, NewStaff
from services.recruitment.access.passwords import Passwords
from services.recruitment.access.sessions import CallerOut, SessionOut, caller_out, session_out
from services.recruitment.organisation.handlers import require_site_exists
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.errors import Forbidden, Invalid, Unauthorized
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import CodeText, PhoneText, UsernameText

__all__ = ["CodeText", "PhoneText", "SettingsDep", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["access"])


async def _settings(request: Request) -> RecruitmentSettings:
    settings: RecruitmentSettings = request.app.state.settings
    return settings


async def _channel(request: Request) -> CodeChannel:
    channel: CodeChannel = request.app.state.channel
    return channel


async def _passwords(request: Request) -> Passwords:
    passwords: Passwords = request.app.state.passwords
    return passwords


SettingsDep = Annotated[RecruitmentSettings, Depends(_settings)]
ChannelDep = Annotated[CodeChannel, Depends(_channel)]
PasswordsDep = Annotated[Passwords, Depends(_passwords)]
Operator = Annotated[Caller, allow(Role.OPERATOR)]


class CodeIn(Input):
    """Whom to send a code to."""

    phone: PhoneText


class CodeOut(Output):
    """The code is on its way; it lives this many seconds."""

    expires_in: int


class TokenIn(Input):
    """A phone and the code that it got."""

    phone: PhoneText
    code: CodeText


class PasswordIn(Input):
    """What staff sign in with."""

    username: UsernameText
    password: Annotated[str, Field(min_length=1, max_length=128)]


class RefreshIn(Input):
    """The refresh token of a session."""

    refresh_token: Annotated[str, Field(min_length=20, max_length=200)]


class StaffIn(Input):
    """A member of staff; station staff belong to a site, operators without one to the centre."""

    username: UsernameText
    password: Annotated[str, Field(max_length=128)]
    name: Annotated[str, Field(max_length=100)]
    role: StaffRole
    site_id: UUID | None = None
    volunteer_id: Annotated[UUID | None, Field(description="the volunteer that they are too; by the centre only")] = (
        None
    )


class StaffVolunteerIn(Input):
    """Which volunteer the member of staff is too; null: none."""

    volunteer_id: UUID | None


class StaffOut(Output):
    """An account of the staff; ``volunteer_id`` is the volunteer that they are too, on whose records and points they do
    not decide.
    """

    staff_id: UUID
    username: str
    role: StaffRole
    site_id: UUID | None
    volunteer_id: UUID | None


@router.post("/auth/codes", status_code=202, dependencies=[public()])
async def send_code(body: CodeIn, database: Db, cipher: CipherDep, channel: ChannelDep) -> CodeOut:
    """Send a one-time code; the answer is the same for a phone that nobody knows."""
    phone = handlers.phone_of(body.phone)
    async with database.transaction() as tx:
        issued = await handlers.issue_code(tx, cipher, phone)
    await channel.send(issued.phone, issued.code)
    return CodeOut(expires_in=issued.expires_in)


@router.post("/auth/tokens", dependencies=[public()])
async def sign_in_by_code(body: TokenIn, database: Db, cipher: CipherDep, settings: SettingsDep) -> SessionOut:
    """A session for the owner of a phone."""
    phone = handlers.phone_of(body.phone)
    async with database.transaction() as tx:
        await handlers.spend_attempt(tx, cipher, phone)
    async with database.transaction() as tx:
        grant = await handlers.log_in(tx, cipher, phone, body.code)
    return session_out(settings, grant)


@router.post("/auth/sessions", dependencies=[public()])
async def sign_in_by_password(
    body: PasswordIn, database: Db, passwords: PasswordsDep, settings: SettingsDep
) -> SessionOut:
    """A session for a member of staff."""
    async with database.transaction() as tx:
        attempt = await handlers.attempt_password(tx, body.username)
    right = await passwords.verify(attempt.password_hash, body.password)
    async with database.transaction() as tx:
        grant = await handlers.confirm_password(tx, attempt, right)
    return session_out(settings, grant)


@router.post("/auth/refresh", dependencies=[public()])
async def refresh(body: RefreshIn, database: Db, settings: SettingsDep) -> SessionOut:
    """The next pair of tokens, with roles and bounds as they are now."""
    async with database.transaction() as tx:
        outcome = await handlers.refresh(tx, body.refresh_token)
    if isinstance(outcome, Grant):
        return session_out(settings, outcome)
    if outcome is Refresh.REUSED:
        raise Unauthorized(
            "refresh-token-reused", "this token was used before, so the session was ended: please sign in again"
        )
    raise Unauthorized("refresh-token-invalid", "the session has ended: please sign in again")


@router.post("/auth/logout", status_code=204, dependencies=[public()])
async def log_out(body: RefreshIn, database: Db) -> Response:
    """End a session; its access token still lives out its minutes."""
    async with database.transaction() as tx:
        await handlers.log_out(tx, body.refresh_token)
    return Response(status_code=204)


@router.get("/auth/me")
async def me(
    caller: Annotated[
        Caller,
        allow(Role.VOLUNTEER, Role.RESIDENT, Role.LEADER, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.SERVICE),
    ],
) -> CallerOut:
    """Who this token speaks for."""
    return caller_out(caller)


@router.post("/staff", status_code=201, response_model=StaffOut)
async def add_staff(
    request: Request, body: StaffIn, caller: Operator, database: Db, cipher: CipherDep, passwords: PasswordsDep
) -> Response:
    """Add a member of staff within one's own bounds; engineers and unbounded operators by the centre only."""
    try:
        check_password_form(body.password, body.username)
    except ValueError as error:
        raise Invalid("password-weak", str(error)) from None
    password_hash = await passwords.hash(body.password)

    async def work(tx: Tx) -> StaffOut:
        if body.site_id is not None:
            await require_site_exists(tx, caller, body.site_id)
        if caller.site_ids is not None and (body.site_id is None or body.role is StaffRole.ENGINEER):
            raise Forbidden("site-out-of-bounds", "only the centre adds staff who are bound to no site, and engineers")
        new = NewStaff(body.username, password_hash, body.name, body.role, body.site_id)
        staff_id = await handlers.add_staff(tx, cipher, new)
        if body.volunteer_id is not None:
            await handlers.say_volunteer(tx, caller, staff_id, body.volunteer_id)
        return StaffOut(
            staff_id=staff_id,
            username=body.username,
            role=body.role,
            site_id=body.site_id,
            volunteer_id=body.volunteer_id,
        )

    return await once(request, database, caller, work)


@router.put("/staff/{staff_id}/volunteer")
async def say_volunteer(
    staff_id: UUID, body: StaffVolunteerIn, caller: Annotated[Caller, allow(Role.OPERATOR, centre=True)], database: Db
) -> StaffOut:
    """Say which volunteer a member of staff is too; holds from their next token on, within a quarter of an hour."""
    async with database.transaction() as tx:
        member = await handlers.say_volunteer(tx, caller, staff_id, body.volunteer_id)
    return StaffOut(**asdict(member))
