"""Rows of staff accounts and invitations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.staff.domain import AccountState, StaffAccount, StaffRole
from shared.postgres import Tx, load_queries

__all__ = [
    "Credentials",
    "Invitation",
    "Listed",
    "NewAccount",
    "accept_invitation",
    "account",
    "accounts",
    "activate",
    "add_invitation",
    "add_staff",
    "credentials",
    "deactivate",
    "expire_invitations",
    "invitation_locked",
    "invitation_of",
    "known_place",
    "lock_accounts",
    "name_taken",
    "open_invitations",
    "other_unbounded",
    "password_locked",
    "person_is_staff",
    "say_volunteer",
    "set_password",
    "signed_in",
    "site_name",
    "start_reset",
    "volunteer_known",
    "volunteer_of_person",
    "withdraw_invitation",
    "withdraw_invitations_of",
    "words_of",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A row of staff to be inserted."""

    staff_id: UUID
    username: str
    person_id: UUID
    password_hash: str
    role: StaffRole
    site_id: UUID | None
    created_at: datetime
    state: AccountState
    origin: str
    created_by: UUID | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The stored values that verify a password."""

    staff_id: UUID
    person_id: UUID
    username: str
    password_hash: str
    state: AccountState
    role: StaffRole


@dataclass(frozen=True, slots=True)
class Listed:
    """An account in the list; ``created_by`` and ``activated_by`` are usernames."""

    staff_id: UUID
    username: str
    role: str
    state: str
    site_id: UUID | None
    volunteer_id: UUID | None
    created_at: datetime
    last_sign_in_at: datetime | None
    created_by: str | None
    activated_by: str | None
    reset_at: datetime | None
    second_factor: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation; name and phone are the person's in the vault."""

    invitation_id: UUID
    username: str
    person_id: UUID
    role: StaffRole
    site_id: UUID | None
    invited_by: UUID
    invited_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    withdrawn_at: datetime | None


async def add_staff(tx: Tx, new: NewAccount) -> bool:
    """Insert an account; false when the username is taken or the person has an open account."""
    row = await tx.fetchval(
        _SQL["add_staff"],
        new.staff_id,
        new.username,
        new.person_id,
        new.password_hash,
        new.role,
        new.site_id,
        new.created_at,
        new.state,
        new.origin,
        new.created_by,
    )
    return row is not None


async def lock_accounts(tx: Tx) -> None:
    """Serialise changes of accounts until the transaction ends."""
    await tx.execute(_SQL["lock_accounts"])


async def account(tx: Tx, staff_id: UUID) -> tuple[StaffAccount, str, UUID | None] | None:
    """An account, its username, and the volunteer that its holder is too."""
    row = await tx.fetchrow(_SQL["account"], staff_id)
    if row is None:
        return None
    found = StaffAccount(
        staff_id=row["staff_id"],
        role=StaffRole(row["role"]),
        state=AccountState(row["state"]),
        site_id=row["site_id"],
        unbounded=row["unbounded"],
        made_by=row["made_by"],
        reset_by=row["reset_by"],
        created_at=row["created_at"],
    )
    return found, row["username"], row["volunteer_id"]


async def other_unbounded(tx: Tx, staff_id: UUID) -> int:
    """How many active operators of the centre there are besides this one."""
    others: int = await tx.fetchval(_SQL["other_unbounded"], staff_id)
    return others


async def accounts(
    tx: Tx, site_ids: Sequence[UUID] | None, after: str | None, with_closed: bool, limit: int
) -> list[Listed]:
    """Accounts at these sites, or all, by username."""
    return [Listed(**row) for row in await tx.fetch(_SQL["accounts"], site_ids, after, with_closed, limit)]


async def activate(tx: Tx, staff_id: UUID, by: UUID, at: datetime) -> None:
    await tx.execute(_SQL["activate"], staff_id, by, at)


async def deactivate(tx: Tx, staff_id: UUID, by: UUID, at: datetime) -> None:
    await tx.execute(_SQL["deactivate"], staff_id, by, at)


async def start_reset(tx: Tx, staff_id: UUID, by: UUID, at: datetime) -> None:
    await tx.execute(_SQL["start_reset"], staff_id, by, at)


async def set_password(tx: Tx, staff_id: UUID, password_hash: str, at: datetime) -> bool:
    """Replace the password; false when the account is closed."""
    return await tx.fetchval(_SQL["set_password"], staff_id, password_hash, at) is not None


async def signed_in(tx: Tx, staff_id: UUID, at: datetime) -> None:
    await tx.execute(_SQL["signed_in"], staff_id, at)


async def credentials(tx: Tx, username: str) -> Credentials | None:
    """An account that is not closed, by name."""
    row = await tx.fetchrow(_SQL["credentials"], username)
    if row is None:
        return None
    found = dict(row)
    return Credentials(**{**found, "state": AccountState(row["state"]), "role": StaffRole(row["role"])})


async def password_locked(tx: Tx, staff_id: UUID) -> str | None:
    """The present hash of an account's password; it stays as it is until the transaction ends. None: it is closed."""
    found: str | None = await tx.fetchval(_SQL["password_locked"], staff_id)
    return found


async def known_place(tx: Tx, username: str, binding: bytes | None, address: str, since: datetime) -> bool:
    """Whether the account was signed in from this browser or address since then."""
    return bool(await tx.fetchval(_SQL["known_place"], username, binding, address, since))


async def words_of(tx: Tx, staff_id: UUID) -> list[str]:
    """The username and the site's name."""
    row = await tx.fetchrow(_SQL["words_of"], staff_id)
    return [] if row is None else [word for word in (row["username"], row["site"]) if word]


async def site_name(tx: Tx, site_id: UUID) -> str | None:
    name: str | None = await tx.fetchval(_SQL["site_name"], site_id)
    return name


async def say_volunteer(
    tx: Tx, staff_id: UUID, volunteer_id: UUID | None, by: UUID, now: datetime
) -> tuple[str, str, UUID | None] | None:
    """Store which volunteer a member of staff is; their username, role and site, none if there is no such account."""
    row = await tx.fetchrow(_SQL["say_volunteer"], staff_id, volunteer_id, by, now)
    return None if row is None else (row["username"], row["role"], row["site_id"])


async def volunteer_known(tx: Tx, volunteer_id: UUID) -> bool:
    return bool(await tx.fetchval(_SQL["volunteer_known"], volunteer_id))


async def volunteer_of_person(tx: Tx, person_id: UUID) -> UUID | None:
    volunteer_id: UUID | None = await tx.fetchval(_SQL["volunteer_of_person"], person_id)
    return volunteer_id


async def expire_invitations(tx: Tx, now: datetime) -> None:
    await tx.execute(_SQL["expire_invitations"], now)


async def name_taken(tx: Tx, username: str) -> bool:
    return bool(await tx.fetchval(_SQL["name_taken"], username))


async def person_is_staff(tx: Tx, person_id: UUID) -> bool:
    return bool(await tx.fetchval(_SQL["person_is_staff"], person_id))


async def add_invitation(tx: Tx, new: Invitation) -> None:
    await tx.execute(
        _SQL["add_invitation"],
        new.invitation_id,
        new.username,
        new.person_id,
        new.role,
        new.site_id,
        new.invited_by,
        new.invited_at,
        new.expires_at,
    )


async def invitation_of(tx: Tx, invitation_id: UUID) -> Invitation | None:
    row = await tx.fetchrow(_SQL["invitation"], invitation_id)
    return None if row is None else Invitation(**{**row, "role": StaffRole(row["role"])})


async def invitation_locked(tx: Tx, invitation_id: UUID) -> Invitation | None:
    """Lock an invitation, then read it."""
    await tx.fetchval(_SQL["lock_invitation"], invitation_id)
    return await invitation_of(tx, invitation_id)


async def open_invitations(tx: Tx, site_ids: Sequence[UUID] | None, now: datetime) -> list[Invitation]:
    """Open invitations for these sites, or all, newest first."""
    rows = await tx.fetch(_SQL["open_invitations"], site_ids, now)
    return [Invitation(**{**row, "role": StaffRole(row["role"])}) for row in rows]


async def accept_invitation(tx: Tx, invitation_id: UUID, at: datetime, staff_id: UUID) -> None:
    await tx.execute(_SQL["accept_invitation"], invitation_id, at, staff_id)


async def withdraw_invitations_of(tx: Tx, staff_id: UUID, at: datetime, by: UUID) -> None:
    """Withdraw the open invitations that a member of staff made."""
    await tx.execute(_SQL["withdraw_invitations_of"], staff_id, at, by)


async def withdraw_invitation(tx: Tx, invitation_id: UUID, at: datetime, by: UUID) -> bool:
    return await tx.fetchval(_SQL["withdraw_invitation"], invitation_id, at, by) is not None
