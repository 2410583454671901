"""Routes of staff who sign in: password, second factor, change and reset of the password."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access import handlers as access
from services.recruitment.access.api import ChallengeOut, ChannelDep, PasswordsDep
from services.recruitment.access.channels import CodeChannel
from services.recruitment.access.domain import Client, SignInPolicy
from services.recruitment.access.handlers import IssuedCode, code_wrong
from services.recruitment.access.passwords import Passwords
from services.recruitment.access.sessions import (
    ClientDep,
    PolicyDep,
    SessionOut,
    SettingsDep,
    forgive,
    refuse_codes,
    session_out,
    spend_attempt,
)
from services.recruitment.factors import handlers as factors
from services.recruitment.limits.handlers import Reached, too_many
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent, SecurityResult
from services.recruitment.staff import passwords as use
from services.recruitment.staff.api import NewPasswordText, require_strong_password
from services.recruitment.staff.passwords import PasswordAttempt, SecondFactorPending
from services.recruitment.vault.api import CipherDep
from services.recruitment.vault.cipher import Cipher
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.errors import Forbidden, Refusal, TooMany
from shared.http.app import Db, Input, Output
from shared.postgres import Database
from shared.typed import CodeText, FactorText, UsernameText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["staff sign-in"])

Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR, Role.ENROLLING)]
PasswordText = Annotated[str, Field(min_length=1, max_length=128)]


class PasswordIn(Input):
    """The credentials of a member of staff."""

    username: UsernameText
    password: PasswordText


class SignInOut(Output):
    """A session, or the challenge that a code of the second factor answers."""

    session: SessionOut | None
    challenge_id: UUID | None = None
    expires_in: int | None = None


class SecondStepIn(Input):
    """The code of the second factor, or one of the recovery codes."""

    challenge_id: UUID
    code: FactorText


class ChangeIn(Input):
    """The present password and the new one."""

    password: PasswordText
    new_password: NewPasswordText


class ResetIn(Input):
    """Whose password to reset."""

    username: UsernameText


class CompleteResetIn(Input):
    """The code that the phone on file got, and the holder's new password."""

    username: UsernameText
    challenge_id: UUID
    code: CodeText
    password: NewPasswordText


class FactorOut(Output):
    """Whether a second factor is set, and how many recovery codes are left."""

    set: bool
    recovery_codes_left: int


class EnrolmentOut(Output):
    """A new secret for the holder's app: as text, and as the address that a QR code holds."""

    secret: str
    uri: str


class FirstCodeIn(Input):
    """The first code that the holder's app shows."""

    code: CodeText


class RecoveryOut(Output):
    """Codes for a lost phone, each good once; they are shown this once."""

    recovery_codes: list[str]


class RemovalIn(Input):
    """The password, and a code of the second factor or a recovery code."""

    password: PasswordText
    code: FactorText


@router.post("/auth/sessions", dependencies=[public()])
async def sign_in_by_password(
    body: PasswordIn,
    db: Db,
    cipher: CipherDep,
    passwords: PasswordsDep,
    settings: SettingsDep,
    policy: PolicyDep,
    client: ClientDep,
) -> SignInOut:
    """A session for a member of staff; with a second factor, the challenge that its code answers."""
    async with db.transaction() as tx:
        tried = await use.attempt(tx, cipher, policy, client, body.username)
    tried = _within(tried)
    right = await passwords.verify(tried.password_hash, body.password)
    try:
        async with db.transaction() as tx:
            outcome = await use.confirm(tx, cipher, policy, client, tried, right)
    except Refusal as refusal:
        await _refused(db, Kind.SIGN_IN, client, tried.staff_id, refusal)
        raise
    if isinstance(outcome, SecondFactorPending):
        return SignInOut(session=None, challenge_id=outcome.challenge_id, expires_in=outcome.expires_in)
    return SignInOut(session=session_out(settings, outcome))


@router.post("/auth/sessions/second-step", dependencies=[public()])
async def second_step(
    body: SecondStepIn, db: Db, cipher: CipherDep, settings: SettingsDep, policy: PolicyDep, client: ClientDep
) -> SignInOut:
    """The session, for a code of the second factor."""
    async with db.transaction() as tx:
        over = await use.spend_step(tx, cipher, policy, client, body.challenge_id)
    if over is not None:
        raise _too_many_codes(over)
    try:
        async with db.transaction() as tx:
            grant = await use.finish(tx, cipher, policy, client, body.challenge_id, body.code)
    except Refusal as refusal:
        await _refused(db, Kind.SIGN_IN, client, None, refusal)
        raise
    return SignInOut(session=session_out(settings, grant))


@router.post("/auth/password", status_code=204)
async def change_password(
    body: ChangeIn,
    caller: Staff,
    db: Db,
    cipher: CipherDep,
    passwords: PasswordsDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Change one's own password; all other sessions end. Its bodies are secrets, so it takes no Idempotency-Key."""
    async with db.transaction() as tx:
        require_strong_password(body.new_password, await use.words_for(tx, caller.name))
    verified = await _verify_own(db, cipher, passwords, policy, client, caller, body.password)
    password_hash = await passwords.hash(body.new_password)
    async with db.transaction() as tx:
        await use.change(tx, caller, client, verified, password_hash)
    return Response(status_code=204)


@router.post("/auth/password-resets", status_code=202, dependencies=[public()])
async def ask_reset(
    body: ResetIn,
    tasks: BackgroundTasks,
    db: Db,
    cipher: CipherDep,
    channel: ChannelDep,
    policy: PolicyDep,
    client: ClientDep,
) -> ChallengeOut:
    """Send a code to the phone on file; the answer is the same for names without an account or a phone."""
    async with db.transaction() as tx:
        issued, known = await use.ask_reset(tx, cipher, policy, client, body.username)
    if not isinstance(issued, IssuedCode):
        raise refuse_codes(issued)
    if known:
        # After the answer, so that its time does not reveal whether anything was sent.
        tasks.add_task(_send, channel, issued)
    return ChallengeOut(challenge_id=issued.challenge_id, expires_in=issued.expires_in)


@router.post("/auth/password-resets/completion", status_code=204, dependencies=[public()])
async def complete_reset(
    body: CompleteResetIn,
    db: Db,
    cipher: CipherDep,
    passwords: PasswordsDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Set a new password by the code; all sessions end. The code is good once, so it takes no Idempotency-Key."""
    is_open = await spend_attempt(db, cipher, policy, client, body.challenge_id)
    async with db.transaction() as tx:
        words = await use.words_for(tx, body.username)
    require_strong_password(body.password, words)
    # Hashing is dear: strangers without a challenge cannot make the service do it.
    password_hash = await passwords.hash(body.password) if is_open else None
    try:
        if password_hash is None:
            raise code_wrong()
        async with db.transaction() as tx:
            await use.complete_reset(tx, cipher, client, body.username, body.challenge_id, body.code, password_hash)
    except Refusal as refusal:
        await _refused(db, Kind.PASSWORD_RESET, client, None, refusal)
        raise
    await forgive(db, cipher, policy, client)
    return Response(status_code=204)


@router.get("/auth/second-factor")
async def second_factor(caller: Staff, db: Db) -> FactorOut:
    """Whether the caller has a second factor."""
    async with db.transaction() as tx:
        is_set, left = await factors.state_of(tx, caller.subject)
    return FactorOut(set=is_set, recovery_codes_left=left)


@router.post("/auth/second-factor")
async def enrol(caller: Staff, db: Db, cipher: CipherDep) -> EnrolmentOut:
    """A new secret, to be confirmed by a first code. Its answer must not be stored, so it takes no Idempotency-Key."""
    async with db.transaction() as tx:
        await access.require_live(tx, caller)
        made = await factors.enrol(tx, cipher, caller)
    return EnrolmentOut(secret=made.secret, uri=made.uri)


@router.post("/auth/second-factor/confirmation")
async def confirm_factor(body: FirstCodeIn, caller: Staff, db: Db, cipher: CipherDep, client: ClientDep) -> RecoveryOut:
    """Confirm the second factor; it is asked for from the next sign-in on. Refresh the session for its full roles."""
    async with db.transaction() as tx:
        await access.require_live(tx, caller)
        codes = await factors.confirm(tx, cipher, caller, client, body.code)
    return RecoveryOut(recovery_codes=codes)


@router.post("/auth/second-factor/removal", status_code=204)
async def remove_factor(
    body: RemovalIn,
    caller: Staff,
    db: Db,
    cipher: CipherDep,
    passwords: PasswordsDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Remove one's own second factor, by the password and a code."""
    await _verify_own(db, cipher, passwords, policy, client, caller, body.password)
    async with db.transaction() as tx:
        over = await factors.spend_try(tx, cipher, caller.subject)
    if over is not None:
        raise _too_many_codes(over)
    async with db.transaction() as tx:
        await factors.remove(tx, cipher, caller, client, body.code)
    return Response(status_code=204)


async def _verify_own(
    db: Database,
    cipher: Cipher,
    passwords: Passwords,
    policy: SignInPolicy,
    client: Client,
    caller: Caller,
    password: str,
) -> PasswordAttempt:
    """Require the caller's present password, under the limits of signing in; returns what was verified.

    Raises:
        Forbidden: it is wrong; the session itself is good.
    """
    async with db.transaction() as tx:
        tried = await use.attempt_own(tx, cipher, policy, client, caller)
    tried = _within(tried)
    right = await passwords.verify(tried.password_hash, password)
    try:
        async with db.transaction() as tx:
            await use.succeed(tx, cipher, client, tried, right and tried.staff_id == caller.subject)
    except Refusal as refusal:
        await _refused(db, Kind.PASSWORD_CHANGED, client, caller.subject, refusal)
        raise Forbidden("own-password-wrong", "your present password is wrong") from None
    return tried


def _within(tried: PasswordAttempt | Reached) -> PasswordAttempt:
    """Map the limits to refusals.

    Raises:
    TooMany: a limit was reached, or a pause is not over.
    """
    if isinstance(tried, Reached):
        raise _too_many_passwords(tried)
    return tried


def _too_many_codes(over: Reached) -> TooMany:
    where = "came from this address" if over.kind == "tries-address" else "were given for this account"
    return too_many(over, "too-many-attempts", f"too many wrong codes {where}")


def _too_many_passwords(over: Reached) -> TooMany:
    what = {
        "passwords-address": "too many wrong passwords came from this address",
        "passwords-account": "too many wrong passwords were given for this account",
        "passwords-all": "too many wrong passwords are being tried in the district at the moment",
    }.get(over.kind, "too many wrong passwords")
    return too_many(over, "too-many-attempts", what)


async def _refused(db: Database, kind: Kind, client: Client, subject: UUID | None, refusal: Refusal) -> None:
    event = SecurityEvent(
        kind, SecurityResult.REFUSED, subject=subject, address=client.address, detail={"code": refusal.type}
    )
    await security.record_apart(db, event)


async def _send(channel: CodeChannel, issued: IssuedCode) -> None:
    await channel.send(issued.phone, issued.code)
