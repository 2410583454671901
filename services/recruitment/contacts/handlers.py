"""Use cases of contacts: ask for codes, change the phone or the e-mail address, and list what changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.recruitment.access import handlers as access
from services.recruitment.access.domain import Client, PhoneProof, Purpose, SignInPolicy
from services.recruitment.access.handlers import IssuedCode
from services.recruitment.activities.guards import actor_id
from services.recruitment.contacts import store
from services.recruitment.contacts.store import PhoneChange
from services.recruitment.limits.handlers import Reached
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import clean_birth_date, needs_guardian
from services.recruitment.vault.handlers import VaultReader
from shared.auth.tokens import Caller
from shared.clock import district_day, real_now
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.mailaddress import checked_address
from shared.postgres import Tx

__all__ = [
    "OwnProofs",
    "SaidBirthDate",
    "add_birth_date",
    "change_email",
    "change_phone",
    "changes",
    "issue_codes",
    "issue_for",
    "replace_phone",
    "require_of_site",
]


@dataclass(frozen=True, slots=True)
class SaidBirthDate:
    """A date of birth as the staff saw it, what it was seen in, and whether a guardian agreed."""

    birth_date: date
    purpose: str
    guardian_consent: bool = False

    def __repr__(self) -> str:
        return "SaidBirthDate(…)"


@dataclass(frozen=True, slots=True)
class OwnProofs:
    """The codes that both phones got; the old number is the one on file."""

    old_challenge_id: UUID
    old_code: str
    challenge_id: UUID
    code: str

    def __repr__(self) -> str:
        return "Proofs(…)"


async def issue_codes(
    tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, caller: Caller, phone: str
) -> tuple[IssuedCode, IssuedCode] | Reached:
    """Make codes for the phone on file and for the new one, the same for known and unknown phones.

    To be committed whatever it returns: a limit that was reached is to be refused afterwards.

    Raises:
        NotFound: the volunteer is not known.
        Conflict: ``phone-same``.
    """
    person_id = await _own_person(tx, caller.require_volunteer())
    on_file = (await vault.identities(tx, cipher, [person_id]))[person_id].phone
    if on_file is None or on_file == phone:
        raise Conflict("phone-same", "This is the phone on file already.")
    old = await access.issue_code(tx, cipher, policy, client, on_file, Purpose.PHONE, own=True)
    if not isinstance(old, IssuedCode):
        return old
    new = await access.issue_code(tx, cipher, policy, client, phone, Purpose.PHONE, own=True)
    return (old, new) if isinstance(new, IssuedCode) else new


async def issue_for(
    tx: Tx, cipher: Cipher, policy: SignInPolicy, client: Client, caller: Caller, volunteer_id: UUID, phone: str
) -> IssuedCode | Reached:
    """Make a code for the new phone of a volunteer who stands before the staff.

    Raises:
        NotFound: there is no such volunteer among those of the caller's sites.
    """
    await _staff_person(tx, caller, volunteer_id)
    return await access.issue_code(tx, cipher, policy, client, phone, Purpose.PHONE, own=True)


async def require_of_site(tx: Tx, caller: Caller, volunteer_id: UUID) -> None:
    """Require that the caller may change the volunteer's phone, before an attempt at a code is counted.

    Raises:
        NotFound: there is no such volunteer among those of the caller's sites.
        Conflict: ``own-account``.
    """
    await _staff_person(tx, caller, volunteer_id)


async def change_phone(
    tx: Tx, cipher: Cipher, client: Client, caller: Caller, phone: str, proofs: OwnProofs
) -> PhoneChange:
    """Change the caller's phone by codes to both; other sessions end.

    Raises:
        Unauthorized: a code is not good.
        Conflict: ``phone-registered``, ``phone-same``.
        NotFound: the volunteer is not known.
    """
    who = caller.require_volunteer()
    person_id = await _own_person(tx, who)
    on_file = (await vault.identities(tx, cipher, [person_id]))[person_id].phone
    if on_file is None or on_file == phone:
        raise Conflict("phone-same", "This is the phone on file already.")
    await access.redeem_code(tx, cipher, PhoneProof(on_file, proofs.old_challenge_id, proofs.old_code, Purpose.PHONE))
    await access.redeem_code(tx, cipher, PhoneProof(phone, proofs.challenge_id, proofs.code, Purpose.PHONE))
    change = PhoneChange(new_id(), who, await tx.now(), who, by_staff=False)
    await _write(tx, cipher, client, person_id, phone, change, spared=caller.session_id)
    return change


async def replace_phone(
    tx: Tx, cipher: Cipher, client: Client, caller: Caller, volunteer_id: UUID, proof: PhoneProof, evidence: str
) -> tuple[PhoneChange, str | None]:
    """Change the phone of a volunteer who lost the old one, by a code to the new one and evidence; sessions end.

    Returns the change, and the phone that it replaced, which is warned once the change is committed.

    Raises:
        Unauthorized: the code is not good.
        Conflict: ``phone-registered``, ``own-account``.
        NotFound: there is no such volunteer among those of the caller's sites.
    """
    person_id = await _staff_person(tx, caller, volunteer_id)
    on_file = (await vault.identities(tx, cipher, [person_id]))[person_id].phone
    await access.redeem_code(tx, cipher, replace(proof, purpose=Purpose.PHONE))
    change = PhoneChange(new_id(), volunteer_id, await tx.now(), actor_id(caller), by_staff=True)
    await _write(tx, cipher, client, person_id, proof.phone, change, evidence=evidence)
    return change, on_file if on_file != proof.phone else None


async def change_email(tx: Tx, cipher: Cipher, caller: Caller, email: str | None) -> None:
    """Change or delete the caller's e-mail address.

    Raises:
        Invalid: it is no address that mail can be sent to.
        NotFound: the volunteer is not known.
    """
    try:
        address = None if email is None else checked_address(email)
    except ValueError as error:
        raise Invalid("email-invalid", str(error), member="email") from None
    person_id = await _own_person(tx, caller.require_volunteer())
    await vault.change(tx, cipher, person_id, lambda identity: replace(identity, email=address), await tx.now())


async def add_birth_date(
    tx: Tx, cipher: Cipher, caller: Caller, reader: VaultReader, volunteer_id: UUID, said: SaidBirthDate
) -> None:
    """Add the date of birth of a volunteer of whom none is on file; the volunteer sees it among the looks.

    Raises:
        NotFound: there is no such volunteer among those of the caller's sites.
        Conflict: ``own-account``, ``birth-date-on-file``.
        Invalid: ``birth-date-invalid``; ``guardian-missing``: under 14, and no guardian agreed.
        TooMany: ``looks-limited``.
    """
    person_id = await _staff_person(tx, caller, volunteer_id)
    now = await tx.now()
    try:
        born = clean_birth_date(said.birth_date, district_day(now))
    except ValueError as error:
        raise Invalid("birth-date-invalid", str(error), member="birth_date") from None
    if (await vault.identities(tx, cipher, [person_id]))[person_id].birth_date is not None:
        raise Conflict("birth-date-on-file", "A date of birth is on file; it is not changed here.")
    if needs_guardian(born, district_day(now)):
        if not said.guardian_consent:
            raise Invalid("guardian-missing", "Under 14 years a guardian has to agree.", member="guardian_consent")
        await store.keep_guardian(tx, volunteer_id)
    await vault.look(tx, person_id, reader, said.purpose, ["birth_date"])
    await vault.change(tx, cipher, person_id, lambda identity: replace(identity, birth_date=born), now)


async def changes(tx: Tx, caller: Caller) -> Sequence[PhoneChange]:
    """The changes of the caller's phone, newest first."""
    return await store.list_changes(tx, caller.require_volunteer())


async def _write(
    tx: Tx,
    cipher: Cipher,
    client: Client,
    person_id: UUID,
    phone: str,
    change: PhoneChange,
    *,
    spared: UUID | None = None,
    evidence: str | None = None,
) -> None:
    await vault.change(tx, cipher, person_id, lambda identity: replace(identity, phone=phone), change.changed_at)
    sealed = (None, None) if evidence is None else cipher.seal_text(change.change_id, evidence)
    await store.add_change(tx, change, *sealed)
    await store.end_sessions(tx, person_id, spared, real_now())
    event = SecurityEvent(
        Kind.PHONE_CHANGED,
        subject=change.volunteer_id,
        actor=change.changed_by if change.by_staff else None,
        address=client.address,
        detail={"by": "staff" if change.by_staff else "holder"},
    )
    await security.record(tx, event)


async def _own_person(tx: Tx, volunteer_id: UUID) -> UUID:
    found = await store.person_of(tx, volunteer_id)
    if found is None:
        raise _unknown()
    return found[0]


async def _staff_person(tx: Tx, caller: Caller, volunteer_id: UUID) -> UUID:
    if caller.volunteer_id == volunteer_id:
        raise Conflict("own-account", "Another account must change your own phone, or you do by codes to both phones.")
    found = await store.person_of(tx, volunteer_id)
    # A volunteer of another site, or of none, is answered like none at all.
    if found is None or (caller.site_ids is not None and found[1] not in caller.site_ids):
        raise _unknown()
    return found[0]


def _unknown() -> NotFound:
    return NotFound("volunteer-unknown", "There is no such volunteer.")
