"""Use cases of access: codes to phones, sessions, their renewal and their end."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from services.recruitment.access import domain, store
from services.recruitment.access.domain import Client, PhoneProof, Purpose, Refresh, SignInPolicy
from services.recruitment.access.store import StoredSession
from services.recruitment.limits import handlers as limits
from services.recruitment.limits.handlers import Reached, Use
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent, SecurityResult
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import normalise_phone
from shared.auth.tokens import Caller, Role
from shared.clock import real_now
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "Grant",
    "IssuedCode",
    "PhoneProof",
    "Refreshed",
    "code_wrong",
    "count_try",
    "end_sessions",
    "end_staff_sessions",
    "forgive",
    "issue_code",
    "list_sessions",
    "log_in",
    "log_out",
    "note_limit",
    "open_person_session",
    "open_staff_session",
    "phone_of",
    "purge",
    "redeem_code",
    "refresh",
    "require_live",
    "spend_attempt",
    "take_back_try",
]

_LONGEST_CHAIN = 8
"""Successors of a spent token that are followed within the grace."""


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code to be sent; its digits exist only here and on the phone."""

    challenge_id: UUID
    phone: str
    code: str
    expires_in: int

    def __repr__(self) -> str:
        return "IssuedCode(…)"


@dataclass(frozen=True, slots=True)
class Grant:
    """A session: who the caller is now, and the token that renews it."""

    caller: Caller
    refresh_token: str
    expires_at: datetime


def phone_of(text: str) -> str:
    """The normalised phone.

    Raises:
        Invalid: it is not a mobile number.
    """
    try:
        return normalise_phone(text)
    except ValueError as error:
        raise Invalid("phone-invalid", str(error)) from None


async def issue_code(
    tx: Tx,
    cipher: Cipher,
    policy: SignInPolicy,
    client: Client,
    phone: str,
    purpose: Purpose = Purpose.LOGIN,
    *,
    own: bool = False,
) -> IssuedCode | Reached:
    """Make a code for a phone and the browser that asks, the same for known and unknown phones.

    Args:
        own: whether the owner of the phone is known to use this browser or address, beyond logins by the phone.

    To be committed whatever it returns: a limit that was reached is to be refused afterwards.
    """
    await limits.unflushed(tx)
    lookup = cipher.phone_lookup(phone)
    known = own or await store.browser_knows_phone(tx, cipher.phone_lookups(phone), client.binding)
    # Strangers share one count for each purpose, so that none says which phone is a username's; the owner's own browser
    # has another, which strangers cannot use up.
    place = (client.binding or client.address.encode()) if known else b""
    key = cipher.keyed_hash("limit", lookup, place, purpose)
    uses = [
        Use("codes-address", _address_key(cipher, client), policy.codes_per_address),
        Use("codes-phone", key, policy.codes_per_phone),
        Use("codes-phone-day", key, policy.codes_per_phone_and_day),
    ]
    if not known:
        uses.append(Use("codes-all", b"", policy.codes_in_all))
    detail = {"phone": lookup.hex()[:32], "purpose": str(purpose)}
    if (over := await limits.count(tx, uses)) is not None:
        await note_limit(tx, over, client, detail)
        return over
    code, challenge_id, now = f"{secrets.randbelow(1_000_000):06}", uuid4(), real_now()
    hashed = _code_hash(cipher, lookup, code, purpose)
    await store.add_code(tx, challenge_id, lookup, hashed, now, now + domain.CODE_LIFETIME, purpose)
    await security.record(tx, SecurityEvent(Kind.CODE_ASKED, address=client.address, detail=detail))
    return IssuedCode(challenge_id, phone, code, int(domain.CODE_LIFETIME.total_seconds()))


async def note_limit(tx: Tx, over: Reached, client: Client, detail: dict[str, str]) -> None:
    """Record a limit once per window; one of the whole district is an alert."""
    if not over.first:
        return
    kind = Kind.ALERT if over.kind.endswith("-all") else Kind.LIMIT_REACHED
    found = {**detail, "limit": over.kind}
    await security.record(tx, SecurityEvent(kind, SecurityResult.REFUSED, address=client.address, detail=found))


async def count_try(tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client) -> Reached | None:
    """Count a try at a code by its address; to be committed before the code is checked."""
    use = Use("tries-address", _address_key(cipher, client), policy.tries_per_address)
    if (over := await limits.count(tx, [use])) is not None:
        await note_limit(tx, over, client, {})
    return over


async def take_back_try(tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client) -> None:
    """Uncount a try that is about to turn out right; the caller rolls back if it does not."""
    await limits.take_back(tx, [Use("tries-address", _address_key(cipher, client), policy.tries_per_address)])


async def spend_attempt(
    tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, challenge_id: UUID
) -> Reached | bool:
    """Count an attempt at a challenge, to be committed before `redeem_code` checks the digits; whether it is open."""
    await limits.unflushed(tx)
    if (over := await count_try(tx, cipher, policy, client)) is not None:
        return over
    return await store.spend_attempt(tx, challenge_id, real_now(), domain.ATTEMPTS_PER_CODE)


def code_wrong() -> Unauthorized:
    """The one refusal of codes: it is not said what is wrong about this one."""
    return Unauthorized(
        "code-wrong",
        "the code is wrong or no longer valid (it lives five minutes and allows five attempts): ask for a new one",
    )


async def redeem_code(tx: Tx, cipher: Cipher, proof: PhoneProof) -> None:
    """Take the code: it proves the phone, once. The caller commits, and then calls `forgive`.

    Raises:
        Unauthorized: it is wrong, spent or expired, another browser's, or there were five attempts already. It is not
            said which.
    """
    lookup = cipher.phone_lookup(proof.phone)
    hashed = _code_hash(cipher, lookup, proof.code, proof.purpose)
    most, now = domain.ATTEMPTS_PER_CODE, real_now()
    if not await store.use_code(tx, proof.challenge_id, lookup, hashed, proof.purpose, now, most):
        raise code_wrong()


async def forgive(tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client) -> None:
    """Uncount a code and its try, which proved a phone and count against no address.

    In a transaction of its own: everybody behind one address shares these counters, and none waits for another's
    registration. A crash in between leaves them counted.
    """
    await limits.unflushed(tx)
    await limits.take_back(tx, [Use("codes-address", _address_key(cipher, client), policy.codes_per_address)])
    await take_back_try(tx, cipher, policy, client)


async def open_person_session(tx: Tx, person_id: UUID, client: Client) -> Grant:
    """A session of a volunteer or resident."""
    return await _open(tx, await _person_caller(tx, person_id), person_id, None, client)


async def open_staff_session(tx: Tx, staff_id: UUID, client: Client, policy: SignInPolicy) -> Grant:
    """A session of a member of staff; without the second factor that they need, it can only set one.

    Raises:
        Forbidden: the account is not active.
    """
    return await _open(tx, *await _staff_caller(tx, staff_id, policy), staff_id, client)


async def log_in(tx: Tx, cipher: Cipher, client: Client, proof: PhoneProof) -> Grant:
    """A session for who owns the phone.

    Raises:
        Unauthorized: the code is not good.
        NotFound: no account has the phone (answered only once the phone is proved).
        Conflict: the person was imported and has not claimed the account.
    """
    await redeem_code(tx, cipher, proof)
    known = (await vault.find_by_phone(tx, cipher, [proof.phone])).get(proof.phone)
    if known is None:
        raise NotFound("not-registered", "this phone is not registered yet: please register first")
    if known.volunteer_id is not None and not known.claimed:
        raise Conflict(
            "claim-first",
            "you are already on the registry's list: please claim your account, your hours are there",
        )
    return await open_person_session(tx, known.person_id, client)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The outcome of a refresh: a grant, or the verdict that is to be refused once it is committed."""

    verdict: Refresh
    grant: Grant | None = None


async def refresh(tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, token: str) -> Refreshed:
    """Renew a session with roles and bounds as they are now. To be committed whatever it returns.

    The successor is derived from the token by the service's key, so that every gateway gets the same one within the
    grace, and no token is stored.
    """
    now, hashed = real_now(), _token_hash(token)
    stored = await store.refresh_state(tx, hashed)
    if stored is None:
        return Refreshed(Refresh.REVOKED)
    verdict = domain.judge_refresh(stored.state, now, client.binding, policy.refresh_grace)
    if verdict in (Refresh.REUSED, Refresh.STOLEN):
        await store.revoke_session(tx, stored.session_id, now, "a spent or foreign refresh token was used")
        event = SecurityEvent(
            Kind.REFRESH_REUSED,
            SecurityResult.REFUSED,
            subject=stored.staff_id,
            address=client.address,
            detail={"session": str(stored.session_id), "verdict": str(verdict)},
        )
        await security.record(tx, event)
    if verdict not in (Refresh.ROTATE, Refresh.REPEAT):
        return Refreshed(verdict)
    if stored.staff_id is not None:
        caller, _ = await _staff_caller(tx, stored.staff_id, policy)
    else:
        caller = await _person_caller(tx, stored.person_id)
    renewed = _successor(cipher, token)
    if verdict is Refresh.ROTATE:
        await store.rotate_token(tx, hashed, _token_hash(renewed), now, client.address)
    else:
        renewed = await _newest(tx, cipher, renewed)
    return Refreshed(verdict, Grant(replace(caller, session_id=stored.session_id), renewed, stored.state.expires_at))


async def _newest(tx: Tx, cipher: Cipher, token: str) -> str:
    for _ in range(_LONGEST_CHAIN):
        if not await store.token_used(tx, _token_hash(token)):
            break
        token = _successor(cipher, token)
    return token


async def log_out(tx: Tx, token: str, client: Client) -> None:
    """End the session of a refresh token; an unknown token has no session."""
    stored = await store.refresh_state(tx, _token_hash(token))
    if stored is not None and await store.revoke_session(tx, stored.session_id, real_now(), "logged out"):
        detail = {"session": str(stored.session_id), "why": "logout"}
        await security.record(
            tx, SecurityEvent(Kind.SESSION_ENDED, subject=stored.staff_id, address=client.address, detail=detail)
        )


async def require_live(tx: Tx, caller: Caller) -> None:
    """Require that the caller's session was not ended: acts on accounts do not wait until its access token runs out.

    Raises:
        Unauthorized: it was.
    """
    if caller.session_id is not None and not await store.is_live(tx, caller.session_id):
        raise Unauthorized("refresh-token-invalid", "the session has ended: please sign in again")


async def list_sessions(tx: Tx, caller: Caller) -> list[StoredSession]:
    """The caller's open sessions, newest first; none for a token without a session."""
    return [] if caller.session_id is None else await store.own_sessions(tx, caller.session_id, real_now())


async def end_sessions(tx: Tx, caller: Caller, client: Client, session_id: UUID | None) -> int:
    """End one of the caller's sessions, or all but the present one; returns how many.

    Raises:
        NotFound: there is no such open session of the caller.
    """
    ended = 0
    if caller.session_id is not None:
        ended = await store.end_own_sessions(tx, caller.session_id, session_id, real_now())
    if session_id is not None and not ended:
        raise NotFound("session-unknown", "there is no such open session of yours")
    if ended:
        detail: dict[str, str | int] = {"ended": ended, "why": "holder"}
        event = SecurityEvent(Kind.SESSION_ENDED, subject=caller.subject, address=client.address, detail=detail)
        await security.record(tx, event)
    return ended


async def end_staff_sessions(tx: Tx, staff_id: UUID, why: str, spared: UUID | None = None) -> None:
    """End all sessions of a member of staff, but the one spared, and sign-ins that wait for a second factor."""
    await store.end_steps_of_staff(tx, staff_id)
    await store.revoke_sessions_of_staff(tx, staff_id, real_now(), why, spared)


async def purge(tx: Tx) -> None:
    """Delete codes a day old, sessions that ended a week ago, and counters out of their windows."""
    now = real_now()
    await store.purge(tx, now - timedelta(days=1), now - timedelta(days=7))
    await limits.purge(tx)


async def _person_caller(tx: Tx, person_id: UUID) -> Caller:
    profile = await store.person_profile(tx, person_id)
    if profile is None:
        raise Unauthorized("account-closed", "this account no longer exists")
    roles = {Role.RESIDENT}
    if profile.volunteer_id is not None and profile.claimed:
        roles.add(Role.VOLUNTEER)
        if profile.team_ids:
            roles.add(Role.LEADER)
    serves = Role.VOLUNTEER in roles
    return Caller(
        subject=profile.volunteer_id if serves and profile.volunteer_id else profile.resident_id,
        roles=frozenset(roles),
        volunteer_id=profile.volunteer_id if serves else None,
        resident_id=profile.resident_id,
        team_ids=profile.team_ids if serves else frozenset(),
        name=(profile.volunteer_number or "") if serves else "",
    )


async def _staff_caller(tx: Tx, staff_id: UUID, policy: SignInPolicy) -> tuple[Caller, UUID]:
    profile = await store.staff_profile(tx, staff_id)
    if profile is None:
        raise Forbidden("account-closed", "this account is not active")
    needs_factor = policy.second_factor_required and profile.role != "station" and not profile.has_second_factor
    caller = Caller(
        subject=profile.staff_id,
        roles=frozenset({Role.ENROLLING if needs_factor else Role(profile.role)}),
        volunteer_id=profile.volunteer_id,
        site_ids=profile.site_ids,
        name=profile.username,
        since=profile.since,
        made_by=profile.made_by,
        activated_by=profile.activated_by,
        reset_by=profile.reset_by,
    )
    return caller, profile.person_id


async def _open(tx: Tx, caller: Caller, person_id: UUID, staff_id: UUID | None, client: Client) -> Grant:
    token, now, session_id = secrets.token_urlsafe(32), real_now(), new_id()
    expires_at = now + (domain.SESSION_LIFETIME if staff_id is None else domain.STAFF_SESSION_LIFETIME)
    await store.add_session(tx, session_id, person_id, staff_id, _token_hash(token), now, expires_at, client)
    event = SecurityEvent(Kind.SIGN_IN, subject=caller.subject, address=client.address)
    await security.record(tx, event)
    return Grant(replace(caller, session_id=session_id), token, expires_at)


def _address_key(cipher: Cipher, client: Client) -> bytes:
    return cipher.keyed_hash("limit", "address", client.address)


def _code_hash(cipher: Cipher, phone_lookup: bytes, code: str, purpose: Purpose) -> bytes:
    return cipher.keyed_hash("code", phone_lookup, code, purpose)


def _successor(cipher: Cipher, token: str) -> str:
    return base64.urlsafe_b64encode(cipher.keyed_hash("refresh", token)).rstrip(b"=").decode()


def _token_hash(token: str) -> bytes:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
