"""Rows of codes, staff and sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.recruitment.access.domain import RecentCodes, RefreshState
from shared.postgres import Tx, load_queries

__all__ = [
    "PersonProfile",
    "StaffCredentials",
    "StaffProfile",
    "StoredRefresh",
    "add_code",
    "add_session",
    "add_staff",
    "count_password_attempt",
    "forget_password_attempts",
    "person_profile",
    "purge",
    "recent_codes",
    "refresh_state",
    "revoke_session",
    "rotate_token",
    "say_volunteer",
    "spend_attempt",
    "staff_credentials",
    "staff_profile",
    "use_code",
    "volunteer_known",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class StaffCredentials:
    """What is needed to verify a password."""

    staff_id: UUID
    person_id: UUID
    password_hash: str
    attempts: int
    attempted_at: datetime | None


@dataclass(frozen=True, slots=True)
class StaffProfile:
    """A member of staff, their bounds (``site_ids`` none means all sites), and the volunteer that they are too."""

    staff_id: UUID
    person_id: UUID
    username: str
    role: str
    site_ids: frozenset[UUID] | None
    volunteer_id: UUID | None


@dataclass(frozen=True, slots=True)
class PersonProfile:
    """A person and the roles that their rows give them."""

    person_id: UUID
    resident_id: UUID
    volunteer_id: UUID | None
    volunteer_number: str | None
    claimed: bool
    team_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class StoredRefresh:
    """A refresh token's session and state."""

    session_id: UUID
    person_id: UUID
    staff_id: UUID | None
    state: RefreshState


async def recent_codes(tx: Tx, phone: bytes, window_from: datetime, hour_from: datetime) -> RecentCodes:
    """Lock the phone and count."""
    await tx.execute(_SQL["lock_phone"], phone)
    row = await tx.fetchrow(_SQL["recent_codes"], phone, window_from, hour_from)
    assert row is not None
    return RecentCodes(issued=row["issued"], attempts=row["attempts"])


async def add_code(
    tx: Tx, code_id: UUID, phone: bytes, code_hash: bytes, issued_at: datetime, expires_at: datetime
) -> None:
    """Store a new code's hash; earlier codes of the phone end."""
    await tx.execute(_SQL["supersede_codes"], phone)
    await tx.execute(_SQL["add_code"], code_id, phone, code_hash, issued_at, expires_at)


async def spend_attempt(tx: Tx, phone: bytes, now: datetime) -> int | None:
    """Count an attempt; the number of this one, or none when no code is open."""
    attempts: int | None = await tx.fetchval(_SQL["spend_attempt"], phone, now)
    return attempts


async def use_code(tx: Tx, phone: bytes, code_hash: bytes, now: datetime, most_attempts: int) -> bool:
    """Take the code; false when it is wrong, spent, expired, or was tried too often."""
    return await tx.fetchval(_SQL["use_code"], phone, code_hash, now, most_attempts) is not None


async def add_staff(
    tx: Tx,
    staff_id: UUID,
    username: str,
    person_id: UUID,
    password_hash: str,
    role: str,
    site_id: UUID | None,
    now: datetime,
) -> bool:
    """Insert a member of staff; false when the username is taken."""
    row = await tx.fetchval(_SQL["add_staff"], staff_id, username, person_id, password_hash, role, site_id, now)
    return row is not None


async def say_volunteer(
    tx: Tx, staff_id: UUID, volunteer_id: UUID | None, by: UUID, now: datetime
) -> tuple[str, str, UUID | None] | None:
    """Write down which volunteer a member of staff is; their username, role and site, none if there is nobody."""
    row = await tx.fetchrow(_SQL["say_volunteer"], staff_id, volunteer_id, by, now)
    return None if row is None else (row["username"], row["role"], row["site_id"])


async def volunteer_known(tx: Tx, volunteer_id: UUID) -> bool:
    return bool(await tx.fetchval(_SQL["volunteer_known"], volunteer_id))


async def staff_credentials(tx: Tx, username: str) -> StaffCredentials | None:
    """Lock and read a member of staff by name."""
    row = await tx.fetchrow(_SQL["staff_by_username"], username)
    return None if row is None else StaffCredentials(**row)


async def count_password_attempt(tx: Tx, staff_id: UUID, now: datetime, pause: timedelta) -> None:
    await tx.execute(_SQL["count_password_attempt"], staff_id, now, pause)


async def forget_password_attempts(tx: Tx, staff_id: UUID) -> None:
    await tx.execute(_SQL["forget_password_attempts"], staff_id)


async def staff_profile(tx: Tx, staff_id: UUID) -> StaffProfile | None:
    """The present role and bounds; none when the account was closed."""
    row = await tx.fetchrow(_SQL["staff_profile"], staff_id)
    if row is None:
        return None
    everywhere = row["site_kind"] in (None, "centre")
    sites = None if everywhere else frozenset(row["site_ids"])
    return StaffProfile(row["staff_id"], row["person_id"], row["username"], row["role"], sites, row["volunteer_id"])


async def person_profile(tx: Tx, person_id: UUID) -> PersonProfile | None:
    """The present roles of a person."""
    row = await tx.fetchrow(_SQL["person_profile"], person_id)
    if row is None:
        return None
    return PersonProfile(
        row["person_id"],
        row["resident_id"],
        row["volunteer_id"],
        row["volunteer_number"],
        row["claimed_at"] is not None,
        frozenset(row["team_ids"]),
    )


async def add_session(
    tx: Tx,
    session_id: UUID,
    person_id: UUID,
    staff_id: UUID | None,
    token_hash: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    await tx.execute(_SQL["add_session"], session_id, person_id, staff_id, now, expires_at, token_hash)


async def refresh_state(tx: Tx, token_hash: bytes) -> StoredRefresh | None:
    """Lock the token's session, then read both; none for a token that was never issued."""
    if await tx.fetchval(_SQL["lock_session_of_token"], token_hash) is None:
        return None
    row = await tx.fetchrow(_SQL["refresh_state"], token_hash)
    if row is None:
        return None
    state = RefreshState(row["used_at"], row["expires_at"], row["revoked_at"])
    return StoredRefresh(row["session_id"], row["person_id"], row["staff_id"], state)


async def rotate_token(tx: Tx, old_hash: bytes, new_hash: bytes, now: datetime) -> None:
    await tx.execute(_SQL["rotate_token"], old_hash, new_hash, now)


async def revoke_session(tx: Tx, session_id: UUID, now: datetime, why: str) -> None:
    await tx.execute(_SQL["revoke_session"], session_id, now, why)


async def purge(tx: Tx, codes_before: datetime, sessions_before: datetime) -> None:
    """Delete old codes and sessions that ended."""
    await tx.execute(_SQL["purge_codes"], codes_before)
    await tx.execute(_SQL["purge_sessions"], sessions_before)
