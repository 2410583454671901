"""Rows of codes and sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.access.domain import Client, RefreshState
from shared.postgres import Tx, load_queries

__all__ = [
    "PersonProfile",
    "StaffProfile",
    "StoredRefresh",
    "StoredSession",
    "add_code",
    "add_session",
    "browser_knows_phone",
    "end_own_sessions",
    "end_steps_of_staff",
    "is_live",
    "own_sessions",
    "person_profile",
    "purge",
    "refresh_state",
    "revoke_session",
    "revoke_sessions_of_staff",
    "rotate_token",
    "spend_attempt",
    "staff_profile",
    "token_used",
    "use_code",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class StaffProfile:
    """A member of staff, their bounds (``site_ids`` none means all sites), and where the account comes from."""

    staff_id: UUID
    person_id: UUID
    username: str
    role: str
    site_ids: frozenset[UUID] | None
    volunteer_id: UUID | None
    since: datetime | None
    made_by: UUID | None
    activated_by: UUID | None
    reset_by: UUID | None
    has_second_factor: bool


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


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as its holder sees it."""

    session_id: UUID
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime
    address: str | None
    agent: str | None


async def browser_knows_phone(tx: Tx, phones: Sequence[bytes], binding: bytes | None) -> bool:
    """Whether the browser was logged in with the phone, given by its hashes, before."""
    return binding is not None and bool(await tx.fetchval(_SQL["browser_knows_phone"], list(phones), binding))


async def add_code(
    tx: Tx, code_id: UUID, phone: bytes, code_hash: bytes, issued_at: datetime, expires_at: datetime, purpose: str
) -> None:
    """Store a new code's hash."""
    await tx.execute(_SQL["add_code"], code_id, phone, code_hash, issued_at, expires_at, purpose)


async def spend_attempt(tx: Tx, code_id: UUID, now: datetime, most_attempts: int) -> bool:
    """Count an attempt at an open code; false for an unknown one, and for one that was tried too often."""
    attempts = await tx.fetchval(_SQL["spend_attempt"], code_id, now)
    return attempts is not None and attempts <= most_attempts


async def use_code(
    tx: Tx, code_id: UUID, phone: bytes, code_hash: bytes, purpose: str, now: datetime, most_attempts: int
) -> bool:
    """Take the code; false when it is wrong, spent, expired, another phone's, or was tried too often."""
    taken = await tx.fetchval(_SQL["use_code"], code_id, phone, code_hash, purpose, now, most_attempts)
    return taken is not None


async def staff_profile(tx: Tx, staff_id: UUID) -> StaffProfile | None:
    """The present role and bounds; none when the account is not active."""
    row = await tx.fetchrow(_SQL["staff_profile"], staff_id)
    if row is None:
        return None
    everywhere = row["site_kind"] in (None, "centre")
    return StaffProfile(
        staff_id=row["staff_id"],
        person_id=row["person_id"],
        username=row["username"],
        role=row["role"],
        site_ids=None if everywhere else frozenset(row["site_ids"]),
        volunteer_id=row["volunteer_id"],
        since=None if row["origin"] == "bootstrap" else row["created_at"],
        made_by=row["created_by"],
        activated_by=row["activated_by"],
        reset_by=row["reset_by"],
        has_second_factor=row["has_second_factor"],
    )


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
    client: Client,
) -> None:
    await tx.execute(
        _SQL["add_session"],
        session_id,
        person_id,
        staff_id,
        now,
        expires_at,
        token_hash,
        client.binding,
        client.address,
        client.agent,
    )


async def refresh_state(tx: Tx, token_hash: bytes) -> StoredRefresh | None:
    """Lock the token's session, then read both; none for a token that was never issued."""
    if await tx.fetchval(_SQL["lock_session_of_token"], token_hash) is None:
        return None
    row = await tx.fetchrow(_SQL["refresh_state"], token_hash)
    if row is None:
        return None
    state = RefreshState(row["used_at"], row["expires_at"], row["revoked_at"], row["binding"])
    return StoredRefresh(row["session_id"], row["person_id"], row["staff_id"], state)


async def rotate_token(tx: Tx, old_hash: bytes, new_hash: bytes, now: datetime, address: str) -> None:
    await tx.execute(_SQL["rotate_token"], old_hash, new_hash, now, address)


async def token_used(tx: Tx, token_hash: bytes) -> bool | None:
    """Whether a token was spent; none for one that was never issued."""
    used: bool | None = await tx.fetchval(_SQL["token_used"], token_hash)
    return used


async def revoke_session(tx: Tx, session_id: UUID, now: datetime, why: str) -> bool:
    """End a session; false when it had ended before."""
    return await tx.fetchval(_SQL["revoke_session"], session_id, now, why) is not None


async def revoke_sessions_of_staff(tx: Tx, staff_id: UUID, now: datetime, why: str, spared: UUID | None) -> None:
    await tx.execute(_SQL["revoke_sessions_of_staff"], staff_id, now, why, spared)


async def is_live(tx: Tx, session_id: UUID) -> bool:
    return bool(await tx.fetchval(_SQL["is_live"], session_id))


async def end_steps_of_staff(tx: Tx, staff_id: UUID) -> None:
    await tx.execute(_SQL["end_steps_of_staff"], staff_id)


async def own_sessions(tx: Tx, session_id: UUID, now: datetime) -> list[StoredSession]:
    """The open sessions of the account that a session belongs to, newest first."""
    return [StoredSession(**row) for row in await tx.fetch(_SQL["own_sessions"], session_id, now)]


async def end_own_sessions(tx: Tx, session_id: UUID, ended: UUID | None, now: datetime) -> int:
    """End one session of the same account, or all others; returns how many."""
    return len(await tx.fetch(_SQL["end_own_sessions"], session_id, ended, now))


async def purge(tx: Tx, codes_before: datetime, sessions_before: datetime) -> None:
    """Delete old codes and sessions that ended."""
    await tx.execute(_SQL["purge_codes"], codes_before)
    await tx.execute(_SQL["purge_sessions"], sessions_before)
