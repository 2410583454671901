"""Use cases of staff accounts: add at installation, list, activate, close, force a reset, say which volunteer it is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.access import handlers as access
from services.recruitment.access.domain import Client, check_username
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent
from services.recruitment.staff import domain, store
from services.recruitment.staff.domain import AccountState, NotAllowed, StaffAccount, StaffRole
from services.recruitment.staff.store import Listed, NewAccount
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity, clean_name
from shared.auth.tokens import Caller, Proposal
from shared.clock import real_now
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "Listed",
    "Member",
    "NewStaff",
    "activate",
    "add_account",
    "deactivate",
    "list_accounts",
    "refusal_of",
    "say_volunteer",
    "start_reset",
]


@dataclass(frozen=True, slots=True)
class NewStaff:
    """An account that is made without an invitation: on the machine, at installation."""

    username: str
    password_hash: str
    name: str
    role: StaffRole
    site_id: UUID | None = None
    phone: str | None = None
    origin: str = "bootstrap"
    created_at: datetime | None = None
    """None: now, in business time."""


@dataclass(frozen=True, slots=True)
class Member:
    """An account; ``volunteer_id`` is the volunteer that its holder is too."""

    staff_id: UUID
    username: str
    role: StaffRole
    state: AccountState
    site_id: UUID | None
    volunteer_id: UUID | None


def refusal_of(found: NotAllowed) -> Refusal:
    """The refusal of what the rules do not allow."""
    return Refusal(found.slug, found.detail, status=found.status)


async def add_account(tx: Tx, cipher: Cipher, new: NewStaff) -> UUID:
    """Add an active account without an invitation; the site is known to exist.

    Raises:
        Invalid: the username or name is malformed, or station staff have no site.
        Conflict: the username is taken, or the phone is another person's.
    """
    try:
        username, name = check_username(new.username), clean_name(new.name)
    except ValueError as error:
        raise Invalid("staff-invalid", str(error)) from None
    if new.role is StaffRole.STATION and new.site_id is None:
        raise Invalid("site-required", "station staff belong to a site: please give site_id")
    now = await tx.now()
    person = vault.NewPerson.of(Identity(name=name, phone=new.phone))
    if not await vault.keep(tx, cipher, [person], now):
        raise Conflict("phone-registered", "this phone is on file already: invite its owner, or leave it out")
    staff_id = new_id()
    row = NewAccount(
        staff_id=staff_id,
        username=username,
        person_id=person.person_id,
        password_hash=new.password_hash,
        role=new.role,
        site_id=new.site_id,
        created_at=new.created_at or now,
        state=AccountState.ACTIVE,
        origin=new.origin,
        created_by=None,
    )
    if not await store.add_staff(tx, row):
        raise Conflict("username-taken", f"there is already an account named {username}")
    detail = {"role": str(new.role), "origin": new.origin}
    await security.record(tx, SecurityEvent(Kind.ACCOUNT_CREATED, subject=staff_id, detail=detail))
    return staff_id


async def list_accounts(tx: Tx, caller: Caller, after: str | None, with_closed: bool, limit: int) -> list[Listed]:
    """A page of the accounts within the caller's bounds, by username."""
    sites = None if caller.site_ids is None else sorted(caller.site_ids)
    return await store.accounts(tx, sites, after, with_closed, limit)


async def activate(tx: Tx, caller: Caller, client: Client, staff_id: UUID) -> Member:
    """Activate a pending account as the second person, so that no operator makes accounts alone.

    Raises:
        NotFound: ``staff-unknown``, also for accounts out of bounds.
        Forbidden: ``second-person-needed``; ``centre-only``: an operator's or engineer's account.
        Conflict: ``account-not-pending``.
    """
    await _lock_accounts(tx, caller)
    account, username, volunteer_id = await _account_in_bounds(tx, caller, staff_id)
    inviter = None if account.made_by is None else (await _account(tx, account.made_by))[0]
    centre = caller.site_ids is None
    if (refused := domain.judge_activation(account, inviter, caller.subject, centre=centre)) is not None:
        raise refusal_of(refused)
    if account.made_by is not None:
        # Every account was activated by one of the first two operators; as a tie it would leave none for others.
        caller.require_second_person(Proposal(account.made_by, account.created_at), activation_ties=False)
    await store.activate(tx, staff_id, caller.subject, await tx.now())
    await _note(tx, Kind.ACCOUNT_ACTIVATED, caller, client, staff_id)
    return Member(staff_id, username, account.role, AccountState.ACTIVE, account.site_id, volunteer_id)


async def deactivate(tx: Tx, caller: Caller, client: Client, staff_id: UUID) -> Member:
    """Close an account for good, end its sessions and withdraw its invitations.

    Another role or site needs a new
    invitation.

    Raises:
        NotFound: ``staff-unknown``, also for accounts out of bounds.
        Refusal: it is the caller's own, closed already, or the last operator's of the centre.
    """
    await _lock_accounts(tx, caller)
    account, username, volunteer_id = await _account_in_bounds(tx, caller, staff_id)
    others = await store.other_unbounded(tx, staff_id)
    centre = caller.site_ids is None
    refused = domain.judge_deactivation(account, caller.subject, centre=centre, other_unbounded=others)
    if refused is not None:
        raise refusal_of(refused)
    await store.deactivate(tx, staff_id, caller.subject, await tx.now())
    await access.end_staff_sessions(tx, staff_id, "the account was closed")
    await store.withdraw_invitations_of(tx, staff_id, real_now(), caller.subject)
    await _note(tx, Kind.ACCOUNT_DEACTIVATED, caller, client, staff_id)
    return Member(staff_id, username, account.role, AccountState.DEACTIVATED, account.site_id, volunteer_id)


async def start_reset(tx: Tx, caller: Caller, client: Client, staff_id: UUID) -> Member:
    """End the password and the sessions of an account; its holder sets the next one by a code to their phone.

    Raises:
        NotFound: ``staff-unknown``, also for accounts out of bounds.
        Refusal: it is the caller's own, closed, or an operator's or engineer's and the caller is not of the centre.
    """
    await _lock_accounts(tx, caller)
    account, username, volunteer_id = await _account_in_bounds(tx, caller, staff_id)
    # What may be closed may be reset; the last operator of the centre can help themselves by a code.
    refused = domain.judge_deactivation(account, caller.subject, centre=caller.site_ids is None, other_unbounded=1)
    if refused is not None:
        raise refusal_of(refused)
    await store.start_reset(tx, staff_id, caller.subject, await tx.now())
    await access.end_staff_sessions(tx, staff_id, "a reset was started")
    await _note(tx, Kind.PASSWORD_RESET_ASKED, caller, client, staff_id)
    return Member(staff_id, username, account.role, account.state, account.site_id, volunteer_id)


async def say_volunteer(tx: Tx, caller: Caller, staff_id: UUID, volunteer_id: UUID | None) -> Member:
    """Write down which volunteer a member of staff is too, or that they are none; their next token says so.

    It gives them nothing to do: it is what their own records and points are known by, on which they do not decide.

    Raises:
        Forbidden: ``centre-only``; ``second-person-needed``: a person cannot do it for themselves.
        NotFound: ``staff-unknown``, ``volunteer-unknown``.
    """
    caller.require_centre()
    await access.require_live(tx, caller)
    if staff_id == caller.subject:
        raise Forbidden("second-person-needed", "another operator than you says which volunteer you are")
    if volunteer_id is not None and not await store.volunteer_known(tx, volunteer_id):
        raise NotFound("volunteer-unknown", f"there is no volunteer {volunteer_id}")
    found = await store.say_volunteer(tx, staff_id, volunteer_id, caller.subject, await tx.now())
    if found is None:
        raise NotFound("staff-unknown", f"there is no member of staff {staff_id}")
    account, username, _ = await _account(tx, staff_id)
    return Member(staff_id, username, account.role, account.state, account.site_id, volunteer_id)


async def _lock_accounts(tx: Tx, caller: Caller) -> None:
    """Serialise changes of accounts; who was closed or reset before changes none any more."""
    await store.lock_accounts(tx)
    await access.require_live(tx, caller)


async def _account(tx: Tx, staff_id: UUID) -> tuple[StaffAccount, str, UUID | None]:
    found = await store.account(tx, staff_id)
    if found is None:
        raise NotFound("staff-unknown", f"there is no member of staff {staff_id}")
    return found


async def _account_in_bounds(tx: Tx, caller: Caller, staff_id: UUID) -> tuple[StaffAccount, str, UUID | None]:
    found = await _account(tx, staff_id)
    if not caller.may_sites([found[0].site_id]):
        raise NotFound("staff-unknown", f"there is no member of staff {staff_id}")
    return found


async def _note(tx: Tx, kind: Kind, caller: Caller, client: Client, staff_id: UUID) -> None:
    await security.record(tx, SecurityEvent(kind, subject=staff_id, actor=caller.subject, address=client.address))
