"""Use cases of access: codes to phones, sessions and their renewal, staff."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.recruitment.access import domain, store
from services.recruitment.access.domain import Refresh, StaffRole
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity, clean_name, normalise_phone
from shared.auth.tokens import Caller, Role
from shared.clock import real_now
from shared.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthorized
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "Grant",
    "IssuedCode",
    "Member",
    "NewStaff",
    "PasswordAttempt",
    "add_staff",
    "attempt_password",
    "confirm_password",
    "issue_code",
    "log_in",
    "log_out",
    "open_person_session",
    "phone_of",
    "purge",
    "redeem_code",
    "refresh",
    "say_volunteer",
    "spend_attempt",
]


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code to be sent; its digits exist only here and on the phone."""

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


@dataclass(frozen=True, slots=True)
class PasswordAttempt:
    """A counted attempt: what to verify the password against; without a hash it cannot be right."""

    staff_id: UUID | None
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A member of staff to be."""

    username: str
    password_hash: str
    name: str
    role: StaffRole
    site_id: UUID | None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff as the centre sees them; ``volunteer_id`` is the volunteer that they are too."""

    staff_id: UUID
    username: str
    role: StaffRole
    site_id: UUID | None
    volunteer_id: UUID | None


def phone_of(text: str) -> str:
    """The normalised phone.

    Raises:
        Invalid: it is not a mobile number.
    """
    try:
        return normalise_phone(text)
    except ValueError as error:
        raise Invalid("phone-invalid", str(error)) from None


async def issue_code(tx: Tx, cipher: Cipher, phone: str) -> IssuedCode:
    """Make a code for a phone, whoever owns it: the answer never tells whether it is known.

    Raises:
        TooMany: the phone asked for too many codes, or too many wrong digits were sent for it.
    """
    now = real_now()
    lookup = cipher.phone_lookup(phone)
    recent = await store.recent_codes(tx, lookup, now - domain.CODE_WINDOW, now - timedelta(hours=1))
    if not domain.may_issue(recent):
        raise TooMany("too-many-codes", "too many codes were asked for with this phone: please try again in 15 minutes")
    code = f"{secrets.randbelow(1_000_000):06}"
    expires_at = now + domain.CODE_LIFETIME
    await store.add_code(tx, new_id(), lookup, _code_hash(cipher, lookup, code), now, expires_at)
    return IssuedCode(phone, code, int(domain.CODE_LIFETIME.total_seconds()))


async def spend_attempt(tx: Tx, cipher: Cipher, phone: str) -> None:
    """Count an attempt at the phone's open code; to be committed before `redeem_code` looks at the digits."""
    await store.spend_attempt(tx, cipher.phone_lookup(phone), real_now())


async def redeem_code(tx: Tx, cipher: Cipher, phone: str, code: str) -> None:
    """Take the code: it proves the phone, once.

    Raises:
        Unauthorized: it is wrong, spent or expired, or there were five attempts already. It is not said which.
    """
    lookup = cipher.phone_lookup(phone)
    hashed = _code_hash(cipher, lookup, code)
    if not await store.use_code(tx, lookup, hashed, real_now(), domain.ATTEMPTS_PER_CODE):
        raise Unauthorized(
            "code-wrong",
            "the code is wrong or no longer valid (it lives five minutes and allows five attempts): ask for a new one",
        )


async def open_person_session(tx: Tx, person_id: UUID) -> Grant:
    """A session of a volunteer or resident."""
    return await _open(tx, await _person_caller(tx, person_id), person_id, None, domain.SESSION_LIFETIME)


async def log_in(tx: Tx, cipher: Cipher, phone: str, code: str) -> Grant:
    """A session for who owns the phone.

    Raises:
        Unauthorized: the code is not good.
        NotFound: nobody is registered with the phone (told only to who proved to own it).
        Conflict: the person was imported and has not claimed the account.
    """
    await redeem_code(tx, cipher, phone, code)
    known = (await vault.find_by_phone(tx, cipher, [phone])).get(phone)
    if known is None:
        raise NotFound("not-registered", "nobody is registered with this phone yet: please register first")
    if known.volunteer_id is not None and not known.claimed:
        raise Conflict(
            "claim-first",
            "you are already on the registry's list: please claim your account, your hours are there",
        )
    return await open_person_session(tx, known.person_id)


async def attempt_password(tx: Tx, username: str) -> PasswordAttempt:
    """Count an attempt and say what to verify; to be committed before the password is verified.

    Raises:
        TooMany: ten attempts without success; the pause is a minute.
    """
    now = real_now()
    found = await store.staff_credentials(tx, username)
    if found is None:
        return PasswordAttempt(None, None)
    if (pause := domain.password_pause(found.attempts, found.attempted_at, now)) is not None:
        seconds = int(pause.total_seconds()) + 1
        raise TooMany(
            "too-many-attempts", f"too many wrong passwords: please wait {seconds} seconds", retry_after=seconds
        )
    await store.count_password_attempt(tx, found.staff_id, now, domain.PASSWORD_PAUSE)
    return PasswordAttempt(found.staff_id, found.password_hash)


async def confirm_password(tx: Tx, attempt: PasswordAttempt, right: bool) -> Grant:
    """A session of a member of staff whose password was right.

    Raises:
        Unauthorized: it was not, or there is no such account. It is not said which.
    """
    if not right or attempt.staff_id is None:
        raise Unauthorized("password-wrong", "username or password is wrong")
    await store.forget_password_attempts(tx, attempt.staff_id)
    caller, person_id = await _staff_caller(tx, attempt.staff_id)
    return await _open(tx, caller, person_id, attempt.staff_id, domain.STAFF_SESSION_LIFETIME)


async def refresh(tx: Tx, token: str) -> Grant | Refresh:
    """Renew a session with roles and bounds as they are now. Anything but a grant is to be committed, then refused."""
    now = real_now()
    stored = await store.refresh_state(tx, _token_hash(token))
    if stored is None:
        return Refresh.REVOKED
    verdict = domain.judge_refresh(stored.state, now)
    if verdict is Refresh.REUSED:
        await store.revoke_session(tx, stored.session_id, now, "a spent refresh token was used again")
    if verdict is not Refresh.ROTATE:
        return verdict
    if stored.staff_id is not None:
        caller, _ = await _staff_caller(tx, stored.staff_id)
    else:
        caller = await _person_caller(tx, stored.person_id)
    renewed = secrets.token_urlsafe(32)
    await store.rotate_token(tx, _token_hash(token), _token_hash(renewed), now)
    return Grant(caller, renewed, stored.state.expires_at)


async def log_out(tx: Tx, token: str) -> None:
    """End the session of a refresh token; an unknown token is nobody's session."""
    stored = await store.refresh_state(tx, _token_hash(token))
    if stored is not None:
        await store.revoke_session(tx, stored.session_id, real_now(), "logged out")


async def add_staff(tx: Tx, cipher: Cipher, new: NewStaff) -> UUID:
    """Add a member of staff; the site is known to exist.

    Raises:
        Invalid: the username or name is malformed, or station staff have no site.
        Conflict: the username is taken.
    """
    try:
        username = domain.check_username(new.username)
        name = clean_name(new.name)
    except ValueError as error:
        raise Invalid("staff-invalid", str(error)) from None
    if new.role is StaffRole.STATION and new.site_id is None:
        raise Invalid("site-required", "station staff belong to a site: please give site_id")
    now = await tx.now()
    person = vault.NewPerson.of(Identity(name=name))
    await vault.keep(tx, cipher, [person], now)
    staff_id = new_id()
    added = await store.add_staff(
        tx, staff_id, username, person.person_id, new.password_hash, new.role, new.site_id, now
    )
    if not added:
        raise Conflict("username-taken", f"there is already an account named {username}")
    return staff_id


async def say_volunteer(tx: Tx, caller: Caller, staff_id: UUID, volunteer_id: UUID | None) -> Member:
    """Write down which volunteer a member of staff is too, or that they are none; their next token says so.

    It gives them nothing to do: it is what their own records and points are known by, on which they do not decide.

    Raises:
        Forbidden: ``centre-only``; ``second-person-needed``: nobody says it of themselves.
        NotFound: ``staff-unknown``, ``volunteer-unknown``.
    """
    if caller.site_ids is not None:
        raise Forbidden("centre-only", "only the centre says which volunteer a member of staff is")
    if staff_id == caller.subject:
        raise Forbidden("second-person-needed", "another operator than you says which volunteer you are")
    if volunteer_id is not None and not await store.volunteer_known(tx, volunteer_id):
        raise NotFound("volunteer-unknown", f"there is no volunteer {volunteer_id}")
    found = await store.say_volunteer(tx, staff_id, volunteer_id, caller.subject, await tx.now())
    if found is None:
        raise NotFound("staff-unknown", f"there is no member of staff {staff_id}")
    username, role, site_id = found
    return Member(staff_id, username, StaffRole(role), site_id, volunteer_id)


async def purge(tx: Tx) -> None:
    """Delete codes a day old and sessions that ended a week ago."""
    now = real_now()
    await store.purge(tx, now - timedelta(days=1), now - timedelta(days=7))


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


async def _staff_caller(tx: Tx, staff_id: UUID) -> tuple[Caller, UUID]:
    profile = await store.staff_profile(tx, staff_id)
    if profile is None:
        raise Forbidden("account-closed", "this account was closed")
    caller = Caller(
        subject=profile.staff_id,
        roles=frozenset({Role(profile.role)}),
        volunteer_id=profile.volunteer_id,
        site_ids=profile.site_ids,
        name=profile.username,
    )
    return caller, profile.person_id


async def _open(tx: Tx, caller: Caller, person_id: UUID, staff_id: UUID | None, lifetime: timedelta) -> Grant:
    token, now = secrets.token_urlsafe(32), real_now()
    await store.add_session(tx, new_id(), person_id, staff_id, _token_hash(token), now, now + lifetime)
    return Grant(caller, token, now + lifetime)


def _code_hash(cipher: Cipher, phone_lookup: bytes, code: str) -> bytes:
    return cipher.keyed_hash("code", phone_lookup, code)


def _token_hash(token: str) -> bytes:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
