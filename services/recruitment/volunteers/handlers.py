"""Use cases of volunteers: register, claim an imported account, read one masked or unmasked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.recruitment.access import handlers as access
from services.recruitment.access.domain import Client, PhoneProof
from services.recruitment.access.handlers import Grant
from services.recruitment.consents import store as consents
from services.recruitment.consents.domain import CURRENT, Consent
from services.recruitment.organisation.handlers import require_open_site
from services.recruitment.recruiting import handlers as recruiting
from services.recruitment.recruiting.handlers import SOURCE
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import (
    Identity,
    birth_facts,
    clean_name,
    mask_email,
    mask_name,
    mask_phone,
    normalise_phone,
)
from services.recruitment.volunteers import store
from services.recruitment.volunteers.domain import check_consents, parse_volunteer_number, volunteer_number
from services.recruitment.volunteers.store import Attribution, NewVolunteer, Volunteer
from shared import outbox
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.contracts import VolunteerRegistered
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.mailaddress import checked_address
from shared.postgres import Tx

__all__ = [
    "Masked",
    "Registered",
    "RegistrationClaim",
    "address_of",
    "claim",
    "list_masked",
    "masked",
    "numbers_for",
    "own",
    "register",
    "register_resident",
    "registered_event",
    "search",
    "unmask",
]

MOST_FOUND = 10
"""Volunteers that one search shows."""


@dataclass(frozen=True, slots=True)
class RegistrationClaim:
    """The data of a person who registers; ``phone`` is normalised, ``code`` was sent to it."""

    name: str
    phone: str
    challenge_id: UUID
    code: str
    consent: bool
    email: str | None = None
    birth_date: date | None = None
    id_number: str | None = None
    guardian_consent: bool = False
    drive_code: str | None = None
    appeal_code: str | None = None
    site_id: UUID | None = None

    def __repr__(self) -> str:
        return "Registration(…)"

    @property
    def proof(self) -> PhoneProof:
        """The proof of the phone."""
        return PhoneProof(self.phone, self.challenge_id, self.code)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new volunteer and their first session."""

    volunteer_id: UUID
    volunteer_number: str
    grant: Grant


@dataclass(frozen=True, slots=True)
class Masked:
    """A volunteer with so much of the person as may be seen."""

    volunteer: Volunteer
    name: str
    phone: str | None
    email: str | None


async def register(tx: Tx, cipher: Cipher, client: Client, said: RegistrationClaim) -> Registered:
    """Register a volunteer whose phone the code proves.

    Raises:
        Unauthorized: the code is not good.
        Conflict: the phone or ID number is registered already, or the drive is not open.
        NotFound: the drive, appeal or site does not exist.
        Invalid: consent is missing, or a value cannot be.
    """
    now = await tx.now()
    identity = _identity(said, district_day(now))
    await access.redeem_code(tx, cipher, said.proof)
    source, drive_id, appeal_id, site_id = await _attribution(tx, said)
    known = (await vault.find_by_phone(tx, cipher, [said.phone])).get(said.phone)
    if known is not None and known.volunteer_id is not None:
        raise _registered_already(known.claimed)
    person_id = await vault.keep_or_update(tx, cipher, identity, now)
    if await store.volunteer_of_person_locked(tx, person_id) is not None:
        raise _registered_already(claimed=True)  # a concurrent transaction inserted the same person
    number = (await numbers_for(tx, 1, now))[0]
    new = NewVolunteer(new_id(), person_id, number, site_id=site_id)
    await store.add_volunteers(tx, [new], Attribution(source, now, now, said.guardian_consent, drive_id, appeal_id))
    await consents.add_consents(tx, [new.volunteer_id], Consent(CURRENT, now, said.guardian_consent))
    event = registered_event(new, source, now, drive_id, appeal_id)
    await outbox.append(tx, outbox.event(event, source=SOURCE, aggregate_version=1, time=now))
    return Registered(new.volunteer_id, number, await access.open_person_session(tx, person_id, client))


async def register_resident(
    tx: Tx, cipher: Cipher, client: Client, name: str, proof: PhoneProof, consent: bool
) -> Grant:
    """Register a resident who asks for help and does not serve (yet).

    Raises:
        Unauthorized: the code is not good.
        Conflict: the phone is registered already.
        Invalid: consent is missing, or the name cannot be.
    """
    now = await tx.now()
    try:
        check_consents(consent, False, None, district_day(now))
        identity = Identity(name=clean_name(name), phone=proof.phone)
    except ValueError as error:
        raise Invalid("registration-invalid", str(error)) from None
    await access.redeem_code(tx, cipher, proof)
    person = vault.NewPerson.of(identity)
    if not await vault.keep(tx, cipher, [person], now):
        raise Conflict("phone-registered", "this phone is registered already: please log in with a code")
    return await access.open_person_session(tx, person.person_id, client)


async def claim(
    tx: Tx, cipher: Cipher, client: Client, proof: PhoneProof, *, consent: bool, guardian_consent: bool
) -> Grant:
    """Hand an imported account to the owner of the phone on file, who agrees to what is kept.

    Raises:
        Unauthorized: the code is not good.
        NotFound: no imported volunteer has the phone.
        Conflict: the account has been claimed already.
        Invalid: consent is missing, or the person is under 14 and no guardian agreed.
    """
    await access.redeem_code(tx, cipher, proof)
    known = (await vault.find_by_phone(tx, cipher, [proof.phone])).get(proof.phone)
    found = None if known is None else await store.volunteer_of_person_locked(tx, known.person_id)
    if known is None or found is None:
        raise NotFound("nothing-to-claim", "this phone is not on the registry's list: please register")
    volunteer_id, _, claimed_at = found
    if claimed_at is not None:
        raise Conflict("already-claimed", "this account has been claimed: please log in with a code")
    now = await tx.now()
    person = (await vault.identities(tx, cipher, [known.person_id]))[known.person_id]
    try:
        check_consents(consent, guardian_consent, person.birth_date, district_day(now))
    except ValueError as error:
        raise Invalid("consent-missing", str(error)) from None
    await store.claim(tx, volunteer_id, now, guardian_consent)
    await consents.add_consents(tx, [volunteer_id], Consent(CURRENT, now, guardian_consent))
    return await access.open_person_session(tx, known.person_id, client)


async def own(tx: Tx, cipher: Cipher, volunteer_id: UUID) -> Masked:
    """A volunteer's own page: their name in full, the rest masked, since pages are read over shoulders.

    Raises:
        NotFound: there is no such volunteer any more.
    """
    volunteer = await _volunteer(tx, volunteer_id)
    person = (await vault.identities(tx, cipher, [volunteer.person_id]))[volunteer.person_id]
    return Masked(volunteer, person.name, mask_phone(person.phone), mask_email(person.email))


async def masked(tx: Tx, cipher: Cipher, caller: Caller, volunteer_id: UUID) -> Masked:
    """A volunteer as staff see them.

    Raises:
        NotFound: there is no such volunteer among those of the caller's sites.
    """
    volunteer = await _volunteer(tx, volunteer_id)
    _require_reach(caller, volunteer)
    return (await _mask(tx, cipher, [volunteer]))[0]


async def list_masked(
    tx: Tx,
    cipher: Cipher,
    caller: Caller,
    after: UUID | None,
    number: str | None,
    registry_number: str | None,
    limit: int,
) -> list[Masked]:
    """A page of the volunteers that the caller is responsible for.

    Raises:
        Invalid: the number that is looked for cannot be one.
    """
    if number is not None:
        try:
            number = parse_volunteer_number(number)
        except ValueError as error:
            raise Invalid("volunteer-number-invalid", str(error)) from None
    rows = await store.list_volunteers(tx, after, caller.site_ids, number, registry_number, limit)
    return await _mask(tx, cipher, rows)


async def search(
    tx: Tx,
    cipher: Cipher,
    caller: Caller,
    reader: vault.VaultReader,
    *,
    name: str | None,
    phone: str | None,
    purpose: str,
) -> tuple[list[Masked], bool]:
    """Volunteers of the caller's sites by their whole name or phone, masked, and whether there are more.

    A hit says who is registered, so each is kept as a look with its purpose, and counts towards the reader's quota.

    Raises:
        Invalid: not exactly one of name and phone, one that cannot be, or no purpose.
        TooMany: the reader's quota is used up.
    """
    if (name is None) == (phone is None):
        raise Invalid("one-search-term", "Search by the whole name, or by the phone.", member="name")
    try:
        wanted = None if name is None else clean_name(name)
        dialled = None if phone is None else normalise_phone(phone)
    except ValueError as error:
        raise Invalid("search-term-invalid", str(error)) from None
    said = _purpose(purpose)
    people = await vault.people_known_as(tx, cipher, wanted, dialled)
    found = await store.volunteers_of_people(tx, people, caller.site_ids, MOST_FOUND + 1)
    for volunteer in found[:MOST_FOUND]:
        await vault.look(tx, volunteer.person_id, reader, said, ["name" if phone is None else "phone"])
    return await _mask(tx, cipher, found[:MOST_FOUND]), len(found) > MOST_FOUND


async def numbers(tx: Tx, volunteer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of volunteers by id; ids of no volunteer are left out."""
    return await store.volunteer_numbers(tx, volunteer_ids)


async def unmask(
    tx: Tx, cipher: Cipher, caller: Caller, reader: vault.VaultReader, volunteer_id: UUID, purpose: str
) -> Identity:
    """Read a volunteer's data in the clear; who read them and what for is written down.

    Raises:
        NotFound: there is no such volunteer among those of the caller's sites.
        Invalid: no purpose is given.
        TooMany: the reader's quota is used up.
    """
    purpose = _purpose(purpose)
    volunteer = await _volunteer(tx, volunteer_id)
    _require_reach(caller, volunteer)
    return await vault.unmask(
        tx, cipher, volunteer.person_id, reader, purpose, ["name", "phone", "email", "birth_date"]
    )


def _purpose(text: str) -> str:
    purpose = " ".join(text.split())
    if not 4 <= len(purpose) <= 500:
        raise Invalid("purpose-required", "please say what the data are needed for, in 4 to 500 characters")
    return purpose


async def address_of(tx: Tx, cipher: Cipher, caller: Caller, volunteer_id: UUID) -> Identity:
    """Name and e-mail for a message that is about to be sent; recorded like any other unmasked read.

    Raises:
        NotFound: there is no such volunteer.
    """
    volunteer = await _volunteer(tx, volunteer_id)
    reader = vault.VaultReader(caller.subject, ",".join(sorted(caller.roles)))
    return await vault.unmask(tx, cipher, volunteer.person_id, reader, "address of a message", ["name", "email"])


async def numbers_for(tx: Tx, count: int, now: datetime) -> list[str]:
    """Fresh volunteer numbers of the present year."""
    year = district_day(now).year
    return [volunteer_number(year, serial) for serial in await store.next_serials(tx, count)]


def registered_event(
    new: NewVolunteer, source: str, now: datetime, drive_id: UUID | None = None, appeal_id: UUID | None = None
) -> VolunteerRegistered:
    """The event of a new volunteer: ids, no personal data and no number."""
    return VolunteerRegistered.model_validate(
        {
            "volunteer_id": new.volunteer_id,
            "source": source,
            "drive_id": drive_id,
            "appeal_id": appeal_id,
            "site_id": new.site_id,
            "registered_at": now,
        }
    )


async def _attribution(tx: Tx, said: RegistrationClaim) -> tuple[str, UUID | None, UUID | None, UUID | None]:
    """(source, drive, appeal, site): whom the registration is owed to."""
    if said.drive_code is not None and said.appeal_code is not None:
        raise Invalid("two-codes", "please give the code of the drive or of the appeal, not both")
    if said.site_id is not None:
        await require_open_site(tx, None, said.site_id)
    if said.drive_code is not None:
        drive = await recruiting.open_drive_by_code(tx, said.drive_code)
        return "drive", drive.drive_id, None, said.site_id or drive.site_id
    if said.appeal_code is not None:
        appeal = await recruiting.open_appeal_by_code(tx, said.appeal_code)
        return "appeal", None, appeal.appeal_id, said.site_id
    return "walk_in", None, None, said.site_id


def _identity(said: RegistrationClaim, today: date) -> Identity:
    try:
        born, number = birth_facts(said.birth_date, said.id_number, today)
        check_consents(said.consent, said.guardian_consent, born, today)
        return Identity(
            name=clean_name(said.name),
            phone=said.phone,
            email=None if said.email is None else checked_address(said.email),
            birth_date=born,
            id_number=number,
        )
    except ValueError as error:
        raise Invalid("registration-invalid", str(error)) from None


def _registered_already(claimed: bool) -> Conflict:
    if claimed:
        return Conflict("phone-registered", "this phone is registered already: please log in with a code")
    return Conflict(
        "phone-on-registry",
        "you are already on the registry's list: please claim your account with a code, your hours are there",
    )


async def _volunteer(tx: Tx, volunteer_id: UUID) -> Volunteer:
    volunteer = await store.volunteer(tx, volunteer_id)
    if volunteer is None:
        raise NotFound("volunteer-unknown", "there is no such volunteer")
    return volunteer


def _require_reach(caller: Caller, volunteer: Volunteer) -> None:
    # A volunteer of another site, or of none, is answered like none at all: staff cannot probe who is registered.
    if caller.site_ids is not None and volunteer.site_id not in caller.site_ids:
        raise NotFound("volunteer-unknown", "there is no such volunteer")


async def _mask(tx: Tx, cipher: Cipher, volunteers: Sequence[Volunteer]) -> list[Masked]:
    people = await vault.identities(tx, cipher, [volunteer.person_id for volunteer in volunteers])
    return [
        Masked(
            volunteer,
            mask_name(people[volunteer.person_id].name),
            mask_phone(people[volunteer.person_id].phone),
            mask_email(people[volunteer.person_id].email),
        )
        for volunteer in volunteers
    ]
