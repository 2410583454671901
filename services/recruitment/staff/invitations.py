"""Use cases of invitations: an operator names a person and their phone, and the person sets the password."""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.access import handlers as access
from services.recruitment.access.domain import Client, PhoneProof, Purpose, SignInPolicy, check_username
from services.recruitment.access.handlers import IssuedCode
from services.recruitment.limits.handlers import Reached
from services.recruitment.organisation.handlers import require_site_exists
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent
from services.recruitment.staff import domain, store
from services.recruitment.staff.domain import AccountState, StaffRole
from services.recruitment.staff.handlers import Member, refusal_of
from services.recruitment.staff.store import Invitation, NewAccount
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity, clean_name, mask_name, mask_phone
from shared.auth.tokens import Caller
from shared.clock import real_now
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "NewInvitation",
    "Shown",
    "accept",
    "invite",
    "list_open",
    "send_code",
    "show",
    "token_of",
    "withdraw",
    "words_for",
]

_MAC_BYTES = 24


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """Whom an operator invites; the phone is normalised."""

    username: str
    name: str
    phone: str
    role: StaffRole
    site_id: UUID | None

    def __repr__(self) -> str:
        return "NewInvitation(…)"


@dataclass(frozen=True, slots=True)
class Shown:
    """An invitation with so much of its person as may be seen, and its token."""

    invitation_id: UUID
    token: str
    username: str
    role: StaffRole
    site_id: UUID | None
    site: str | None
    name: str
    phone: str | None
    invited_by: UUID
    expires_at: datetime


def token_of(cipher: Cipher, invitation_id: UUID) -> str:
    """The secret part of the link: derived by the service's key, and stored nowhere."""
    mac = cipher.keyed_hash("invitation", invitation_id.bytes)[:_MAC_BYTES]
    return base64.urlsafe_b64encode(invitation_id.bytes + mac).decode()


async def invite(tx: Tx, cipher: Cipher, caller: Caller, client: Client, new: NewInvitation) -> Shown:
    """Invite a person. Station staff are invited within the caller's bounds, everybody else by the centre.

    Raises:
        Invalid: the username or name is malformed, or station staff have no site.
        Forbidden: it is not for this caller to invite, or they invite themselves.
        NotFound: there is no such site.
        Conflict: the username is taken, or the person has an account.
    """
    try:
        username, name = check_username(new.username), clean_name(new.name)
    except ValueError as error:
        raise Invalid("staff-invalid", str(error)) from None
    if (refused := domain.judge_invitation(new.role, new.site_id, centre=caller.site_ids is None)) is not None:
        raise refusal_of(refused)
    if new.site_id is not None:
        await require_site_exists(tx, caller, new.site_id)
    await store.lock_accounts(tx)
    await access.require_live(tx, caller)
    now = real_now()
    await store.expire_invitations(tx, now)
    if await store.name_taken(tx, username):
        raise Conflict("username-taken", f"there is already an account or an invitation named {username}")
    person_id = await _person(tx, cipher, name, new.phone)
    if await store.person_is_staff(tx, person_id):
        raise Conflict(
            "account-exists", "the owner of this phone has an open account: close it before a new invitation"
        )
    invitation = Invitation(
        new_id(), username, person_id, new.role, new.site_id, caller.subject, now, now + domain.INVITATION_LIFETIME,
        None, None,
    )  # fmt: skip
    await store.add_invitation(tx, invitation)
    detail = {"invitation": str(invitation.invitation_id), "role": str(new.role)}
    event = SecurityEvent(Kind.INVITATION_MADE, actor=caller.subject, address=client.address, detail=detail)
    await security.record(tx, event)
    return await _shown(tx, cipher, invitation)


async def list_open(tx: Tx, cipher: Cipher, caller: Caller) -> list[Shown]:
    """Open invitations within the caller's bounds, newest first, at most 200."""
    sites = None if caller.site_ids is None else sorted(caller.site_ids)
    return [await _shown(tx, cipher, found) for found in await store.open_invitations(tx, sites, real_now())]


async def withdraw(tx: Tx, caller: Caller, client: Client, invitation_id: UUID) -> None:
    """Withdraw an open invitation within the caller's bounds.

    Raises:
        NotFound: there is none.
    """
    found = await store.invitation_locked(tx, invitation_id)
    if found is None or not caller.may_sites([found.site_id]):
        raise NotFound("invitation-unknown", "there is no such invitation")
    if not await store.withdraw_invitation(tx, invitation_id, real_now(), caller.subject):
        raise NotFound("invitation-unknown", "this invitation is no longer open")
    detail = {"invitation": str(invitation_id)}
    event = SecurityEvent(Kind.INVITATION_WITHDRAWN, actor=caller.subject, address=client.address, detail=detail)
    await security.record(tx, event)


async def show(tx: Tx, cipher: Cipher, token: str) -> Shown:
    """Show an invitation to the holder of its link.

    Raises:
        NotFound: the link is wrong, or the invitation was accepted, withdrawn or has expired.
    """
    return await _shown(tx, cipher, await _open(tx, cipher, token))


async def send_code(tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, token: str) -> IssuedCode | Reached:
    """Make a code for the phone on file; to be committed whatever it returns.

    Raises:
        NotFound: as for `show`.
    """
    phone = await _phone(tx, cipher, (await _open(tx, cipher, token)).person_id)
    return await access.issue_code(tx, cipher, policy, client, phone, Purpose.INVITATION)


async def words_for(tx: Tx, cipher: Cipher, token: str) -> list[str]:
    """Words that the new password must not hold: the username and the site's name.

    Raises:
        NotFound: as for `show`.
    """
    shown = await show(tx, cipher, token)
    return [word for word in (shown.username, shown.site) if word]


async def accept(
    tx: Tx,
    cipher: Cipher,
    client: Client,
    token: str,
    challenge_id: UUID,
    code: str,
    password_hash: str,
) -> Member:
    """Make the account: the code proves the phone on file, the password is the holder's own.

    It may sign in once another operator than the inviter has activated it.

    Raises:
        NotFound: as for `show`.
        Unauthorized: the code is not good.
        Conflict: the person has got an account meanwhile.
    """
    seen = await _open(tx, cipher, token)
    await store.lock_accounts(tx)
    await store.invitation_locked(tx, seen.invitation_id)
    found = await _open(tx, cipher, token)
    proof = PhoneProof(await _phone(tx, cipher, found.person_id), challenge_id, code, Purpose.INVITATION)
    await access.redeem_code(tx, cipher, proof)
    now, staff_id, state = await tx.now(), new_id(), AccountState.PENDING
    account = NewAccount(
        staff_id, found.username, found.person_id, password_hash, found.role, found.site_id, now, state, "invited",
        found.invited_by,
    )  # fmt: skip
    if not await store.add_staff(tx, account):
        raise Conflict("account-exists", "there is an open account of this person or with this name already")
    volunteer_id = await store.volunteer_of_person(tx, found.person_id)
    if volunteer_id is not None:
        await store.say_volunteer(tx, staff_id, volunteer_id, found.invited_by, now)
    await store.accept_invitation(tx, found.invitation_id, real_now(), staff_id)
    detail = {"invitation": str(found.invitation_id), "role": str(found.role), "state": str(state)}
    event = SecurityEvent(
        Kind.INVITATION_ACCEPTED, subject=staff_id, actor=found.invited_by, address=client.address, detail=detail
    )
    await security.record(tx, event)
    return Member(staff_id, found.username, found.role, state, found.site_id, volunteer_id)


async def _person(tx: Tx, cipher: Cipher, name: str, phone: str) -> UUID:
    """The vault's person with the phone, made if there is none; what a known person said of themselves stays."""
    known = (await vault.find_by_phone(tx, cipher, [phone])).get(phone)
    if known is not None:
        return known.person_id
    person = vault.NewPerson.of(Identity(name=name, phone=phone))
    if not await vault.keep(tx, cipher, [person], await tx.now()):
        raise Conflict("request-in-progress", "this phone was registered just now: please send the invitation again")
    return person.person_id


async def _open(tx: Tx, cipher: Cipher, token: str) -> Invitation:
    found = None
    if (invitation_id := _id_in(token)) is not None and hmac.compare_digest(token_of(cipher, invitation_id), token):
        found = await store.invitation_of(tx, invitation_id)
    gone = found is None or found.accepted_at is not None or found.withdrawn_at is not None
    if found is None or gone or found.expires_at <= real_now():
        raise NotFound(
            "invitation-unknown", "this invitation is not open: it was used, withdrawn or is older than seven days"
        )
    return found


def _id_in(token: str) -> UUID | None:
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        return None
    return UUID(bytes=raw[:16]) if len(raw) == 16 + _MAC_BYTES and token.isascii() else None


async def _phone(tx: Tx, cipher: Cipher, person_id: UUID) -> str:
    person = (await vault.identities(tx, cipher, [person_id]))[person_id]
    if person.phone is None:
        raise Forbidden("phone-missing", "there is no phone on file for this person: a new invitation is needed")
    return person.phone


async def _shown(tx: Tx, cipher: Cipher, found: Invitation) -> Shown:
    person = (await vault.identities(tx, cipher, [found.person_id]))[found.person_id]
    site = None if found.site_id is None else await store.site_name(tx, found.site_id)
    return Shown(
        invitation_id=found.invitation_id,
        token=token_of(cipher, found.invitation_id),
        username=found.username,
        role=found.role,
        site_id=found.site_id,
        site=site,
        name=mask_name(person.name),
        phone=mask_phone(person.phone),
        invited_by=found.invited_by,
        expires_at=found.expires_at,
    )
