"""Use cases of passwords: sign in, change, reset by a code to the phone on file. Only the holder sets one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.recruitment.access import handlers as access
from services.recruitment.access.domain import PASSWORD_DELAY, Client, PhoneProof, Purpose, SignInPolicy
from services.recruitment.access.handlers import Grant, IssuedCode
from services.recruitment.factors import handlers as factors
from services.recruitment.limits import handlers as limits
from services.recruitment.limits.handlers import Reached, Use
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent
from services.recruitment.staff import store
from services.recruitment.staff.domain import AccountState
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller
from shared.clock import real_now
from shared.errors import Forbidden, Unauthorized
from shared.postgres import Tx

__all__ = [
    "PasswordAttempt",
    "SecondFactorPending",
    "ask_reset",
    "attempt",
    "attempt_own",
    "change",
    "complete_reset",
    "confirm",
    "finish",
    "set_on_the_machine",
    "spend_step",
    "succeed",
    "words_for",
]

KNOWN_FOR = timedelta(days=30)
"""How long a browser or address where an account signed in counts as its own."""


@dataclass(frozen=True, slots=True)
class PasswordAttempt:
    """A counted attempt: what to verify the password against; without a hash it cannot be right."""

    username: str
    staff_id: UUID | None
    password_hash: str | None
    uses: Sequence[Use]
    pending: bool = False


@dataclass(frozen=True, slots=True)
class SecondFactorPending:
    """The password was right; a code of the second factor is awaited for so many seconds."""

    challenge_id: UUID
    expires_in: int


async def attempt(
    tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, username: str
) -> PasswordAttempt | Reached:
    """Count an attempt and say what to verify, the same for known and unknown names; to be committed whatever it is.

    A pause follows failures of one name from one address. Limits of the account and of the district spare browsers and
    addresses that the account was used at, so that strangers cannot lock its holder out.
    """
    found = await store.credentials(tx, username)
    own = await store.known_place(tx, username, client.binding, client.address, real_now() - KNOWN_FOR)
    account = cipher.keyed_hash("limit", "account", username)
    here = Use("passwords-address", cipher.keyed_hash("limit", "address", client.address), policy.passwords_per_address)
    # The address first: one that is at its limit makes no counters for the names that it invents.
    over = await limits.count(tx, [here])
    if over is None:
        pair = cipher.keyed_hash("limit", "pair", username, client.address)
        if (paused := await limits.pause(tx, "passwords-pair", pair, PASSWORD_DELAY)) is not None:
            await limits.take_back(tx, [here])
            return paused
    wider = [
        Use("passwords-account", account, policy.passwords_per_account),
        Use("passwords-all", b"", policy.passwords_in_all),
    ]
    uses = [here] if own else [here, *wider]
    over = over or await limits.count(tx, uses[1:])
    if over is not None:
        await access.note_limit(tx, over, client, {"account": account.hex()[:32]})
        return over
    if found is None:
        return PasswordAttempt(username, None, None, uses)
    return PasswordAttempt(username, found.staff_id, found.password_hash, uses, found.state is AccountState.PENDING)


async def confirm(
    tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, tried: PasswordAttempt, right: bool
) -> Grant | SecondFactorPending:
    """A session of a member of staff whose password was right, or the step to their second factor.

    Raises:
        Unauthorized: it was not, or there is no such account. It is not said which.
        Forbidden: the account waits for its activation (answered only after the right password).
    """
    await succeed(tx, cipher, client, tried, right)
    assert tried.staff_id is not None
    if tried.pending:
        raise Forbidden(
            "account-pending",
            "your account is complete and waits for another operator than who invited you to activate it",
        )
    if await factors.is_set(tx, tried.staff_id):
        step_id, expires_in = await factors.begin_step(tx, tried.staff_id, client.binding)
        return SecondFactorPending(step_id, expires_in)
    return await _signed_in(tx, policy, client, tried.staff_id)


async def succeed(tx: Tx, cipher: Cipher, client: Client, tried: PasswordAttempt, right: bool) -> None:
    """Require a right password, and end the count of failures.

    Raises:
        Unauthorized: it was wrong.
    """
    if not right:
        raise _password_wrong()
    await _require_unchanged(tx, tried)
    # In the order in which `attempt` counts: two sign-ins of one account never wait in a circle.
    await limits.take_back(tx, tried.uses[:1])
    await limits.forget(tx, "passwords-pair", cipher.keyed_hash("limit", "pair", tried.username, client.address))
    await limits.take_back(tx, tried.uses[1:])


async def spend_step(tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, step_id: UUID) -> Reached | None:
    """Count a try at a second step by its address and its account; to be committed before `finish`."""
    if (over := await access.count_try(tx, cipher, policy, client)) is not None:
        return over
    return await factors.spend_step(tx, cipher, step_id)


async def finish(tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, step_id: UUID, code: str) -> Grant:
    """A session of who gave the code of their second factor after the password.

    Raises:
        Unauthorized: the code is wrong or used, or the step has ended or is another browser's. It is not said which.
    """
    await access.take_back_try(tx, cipher, policy, client)
    staff_id = await factors.take_step(tx, cipher, step_id, client.binding, code)
    return await _signed_in(tx, policy, client, staff_id)


async def attempt_own(
    tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, caller: Caller
) -> PasswordAttempt | Reached:
    """As `attempt`, for who is signed in and confirms an act with their password."""
    return await attempt(tx, cipher, policy, client, caller.name)


async def change(tx: Tx, caller: Caller, client: Client, verified: PasswordAttempt, password_hash: str) -> None:
    """Set the caller's new password, whose present one was verified, and end all their other sessions.

    Raises:
        Unauthorized: the present one has ended meanwhile.
    """
    await _require_unchanged(tx, verified)
    await store.set_password(tx, caller.subject, password_hash, real_now())
    await access.end_staff_sessions(tx, caller.subject, "the password was changed", caller.session_id)
    await security.record(tx, SecurityEvent(Kind.PASSWORD_CHANGED, subject=caller.subject, address=client.address))


async def ask_reset(
    tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, username: str
) -> tuple[IssuedCode | Reached, bool]:
    """Make a code for the phone on file, and whether there is one to send it to; to be committed whatever it is.

    For unknown names, and accounts without a phone, a code is made but not sent: the answers are the same.
    """
    found = await store.credentials(tx, username)
    phone = None
    if found is not None:
        phone = (await vault.identities(tx, cipher, [found.person_id]))[found.person_id].phone
    own = await store.known_place(tx, username, client.binding, client.address, real_now() - KNOWN_FOR)
    aim = phone or _nobodys(username)
    issued = await access.issue_code(tx, cipher, policy, client, aim, Purpose.RESET, own=own)
    if isinstance(issued, IssuedCode) and found is not None and phone is not None:
        event = SecurityEvent(Kind.PASSWORD_RESET_ASKED, subject=found.staff_id, address=client.address)
        await security.record(tx, event)
    return issued, phone is not None


async def complete_reset(
    tx: Tx,
    cipher: Cipher,
    client: Client,
    username: str,
    challenge_id: UUID,
    code: str,
    password_hash: str,
) -> None:
    """Set a new password by the code, and end all sessions. The second factor stays.

    Raises:
        Unauthorized: the code is not good, or there is no such account. It is not said which.
    """
    found = await store.credentials(tx, username)
    phone = None
    if found is not None:
        phone = (await vault.identities(tx, cipher, [found.person_id]))[found.person_id].phone
    proof = PhoneProof(phone or _nobodys(username), challenge_id, code, Purpose.RESET)
    await access.redeem_code(tx, cipher, proof)
    if found is None or not await store.set_password(tx, found.staff_id, password_hash, real_now()):
        raise access.code_wrong()
    await access.end_staff_sessions(tx, found.staff_id, "the password was reset")
    await security.record(tx, SecurityEvent(Kind.PASSWORD_RESET, subject=found.staff_id, address=client.address))


async def set_on_the_machine(tx: Tx, username: str, password_hash: str) -> bool:
    """Set a password from the command line and end the account's sessions; false when there is no open account."""
    found = await store.credentials(tx, username)
    if found is None:
        return False
    await store.set_password(tx, found.staff_id, password_hash, real_now())
    await access.end_staff_sessions(tx, found.staff_id, "the password was set on the machine")
    await security.record(tx, SecurityEvent(Kind.PASSWORD_RESET, subject=found.staff_id, detail={"by": "machine"}))
    return True


async def words_for(tx: Tx, username: str) -> list[str]:
    """Words that a password must not hold, the same form for unknown names."""
    found = await store.credentials(tx, username)
    return [username] if found is None else await store.words_of(tx, found.staff_id)


async def _signed_in(tx: Tx, policy: SignInPolicy, client: Client, staff_id: UUID) -> Grant:
    grant = await access.open_staff_session(tx, staff_id, client, policy)
    await store.signed_in(tx, staff_id, real_now())
    return grant


async def _require_unchanged(tx: Tx, verified: PasswordAttempt) -> None:
    """Require that the password that was verified is the account's still."""
    if verified.staff_id is None or verified.password_hash is None:
        raise _password_wrong()
    if await store.password_locked(tx, verified.staff_id) != verified.password_hash:
        raise _password_wrong()


def _password_wrong() -> Unauthorized:
    return Unauthorized("password-wrong", "username or password is wrong")


def _nobodys(username: str) -> str:
    """The stand-in for the phone of an unknown name: no number."""
    return f"nobody:{username}"
