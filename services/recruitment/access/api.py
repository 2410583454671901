"""Routes of access: codes, tokens by code, renewal, logout and one's sessions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access import handlers
from services.recruitment.access.channels import CodeChannel
from services.recruitment.access.domain import PhoneProof, Refresh
from services.recruitment.access.handlers import IssuedCode
from services.recruitment.access.passwords import Passwords
from services.recruitment.access.sessions import (
    CallerOut,
    ClientDep,
    PolicyDep,
    SessionOut,
    SettingsDep,
    caller_out,
    forgive,
    refuse_codes,
    session_out,
    spend_attempt,
)
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.errors import Unauthorized
from shared.http.app import Db, Input, Output
from shared.http.cursors import Page
from shared.typed import CodeText, PhoneText

__all__ = ["ChallengeOut", "ChannelDep", "PasswordsDep", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["access"])


async def _channel(request: Request) -> CodeChannel:
    channel: CodeChannel = request.app.state.channel
    return channel


async def _passwords(request: Request) -> Passwords:
    passwords: Passwords = request.app.state.passwords
    return passwords


ChannelDep = Annotated[CodeChannel, Depends(_channel)]
PasswordsDep = Annotated[Passwords, Depends(_passwords)]
SignedIn = Annotated[
    Caller,
    allow(Role.VOLUNTEER, Role.RESIDENT, Role.LEADER, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR),
]


class CodeIn(Input):
    """Whom to send a code to."""

    phone: PhoneText


class ChallengeOut(Output):
    """The code is on its way and lives so many seconds; it is good only beside the ``challenge_id``."""

    challenge_id: UUID
    expires_in: int


class TokenIn(Input):
    """A phone, the challenge that its code was asked for with, and the code that it got."""

    phone: PhoneText
    challenge_id: UUID
    code: CodeText


class RefreshIn(Input):
    """The refresh token of a session."""

    refresh_token: Annotated[str, Field(min_length=20, max_length=200)]


class OpenSessionOut(Output):
    """One of the caller's open sessions; ``agent`` is the browser in two words."""

    session_id: UUID
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime
    address: str | None
    agent: str | None
    current: bool


@router.post("/auth/codes", status_code=202, dependencies=[public()])
async def send_code(
    body: CodeIn, db: Db, cipher: CipherDep, channel: ChannelDep, policy: PolicyDep, client: ClientDep
) -> ChallengeOut:
    """Send a one-time code; the answer is the same for known and unknown phones."""
    phone = handlers.phone_of(body.phone)
    async with db.transaction() as tx:
        issued = await handlers.issue_code(tx, cipher, policy, client, phone)
    if not isinstance(issued, IssuedCode):
        raise refuse_codes(issued)
    await channel.send(issued.phone, issued.code)
    return ChallengeOut(challenge_id=issued.challenge_id, expires_in=issued.expires_in)


@router.post("/auth/tokens", dependencies=[public()])
async def sign_in_by_code(
    body: TokenIn, db: Db, cipher: CipherDep, settings: SettingsDep, policy: PolicyDep, client: ClientDep
) -> SessionOut:
    """A session for the owner of a phone."""
    proof = PhoneProof(handlers.phone_of(body.phone), body.challenge_id, body.code)
    await spend_attempt(db, cipher, policy, client, proof.challenge_id)
    async with db.transaction() as tx:
        grant = await handlers.log_in(tx, cipher, client, proof)
    await forgive(db, cipher, policy, client)
    return session_out(settings, grant)


@router.post("/auth/refresh", dependencies=[public()])
async def refresh(
    body: RefreshIn, db: Db, cipher: CipherDep, settings: SettingsDep, policy: PolicyDep, client: ClientDep
) -> SessionOut:
    """The next pair of tokens, with roles and bounds as they are now."""
    async with db.transaction() as tx:
        outcome = await handlers.refresh(tx, cipher, policy, client, body.refresh_token)
    if outcome.grant is not None:
        return session_out(settings, outcome.grant)
    if outcome.verdict in (Refresh.REUSED, Refresh.STOLEN):
        raise Unauthorized(
            "refresh-token-reused",
            "this token was used before or belongs to another browser, so the session was ended: please sign in again",
        )
    raise Unauthorized("refresh-token-invalid", "the session has ended: please sign in again")


@router.post("/auth/logout", status_code=204, dependencies=[public()])
async def log_out(body: RefreshIn, db: Db, client: ClientDep) -> Response:
    """End a session; its access token still lives out its minutes."""
    async with db.transaction() as tx:
        await handlers.log_out(tx, body.refresh_token, client)
    return Response(status_code=204)


@router.get("/auth/me")
async def me(
    caller: Annotated[
        Caller,
        allow(
            Role.VOLUNTEER,
            Role.RESIDENT,
            Role.LEADER,
            Role.STATION,
            Role.OPERATOR,
            Role.ENGINEER,
            Role.AUDITOR,
            Role.SERVICE,
            Role.ENROLLING,
        ),
    ],
) -> CallerOut:
    """The caller that this token speaks for."""
    return caller_out(caller)


@router.get("/auth/sessions")
async def sessions(caller: SignedIn, db: Db) -> Page[OpenSessionOut]:
    """The caller's open sessions, newest first."""
    async with db.transaction() as tx:
        found = await handlers.list_sessions(tx, caller)
    items = [
        OpenSessionOut(
            session_id=one.session_id,
            created_at=one.created_at,
            last_used_at=one.last_used_at,
            expires_at=one.expires_at,
            address=one.address,
            agent=one.agent,
            current=one.session_id == caller.session_id,
        )
        for one in found
    ]
    return Page(items=items)


@router.delete("/auth/sessions", status_code=204)
async def end_other_sessions(caller: SignedIn, db: Db, client: ClientDep) -> Response:
    """End all sessions of the caller but the present one."""
    async with db.transaction() as tx:
        await handlers.end_sessions(tx, caller, client, None)
    return Response(status_code=204)


@router.delete("/auth/sessions/{session_id}", status_code=204)
async def end_session(session_id: UUID, caller: SignedIn, db: Db, client: ClientDep) -> Response:
    """End one session of the caller."""
    async with db.transaction() as tx:
        await handlers.end_sessions(tx, caller, client, session_id)
    return Response(status_code=204)
