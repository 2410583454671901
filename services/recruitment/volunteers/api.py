"""Routes of volunteers: register, claim, look."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access import handlers as access
from services.recruitment.access.domain import PhoneProof
from services.recruitment.access.sessions import (
    ClientDep,
    PolicyDep,
    Proving,
    SessionOut,
    SettingsDep,
    session_out,
    spend_attempt,
)
from services.recruitment.vault.api import CipherDep, ReaderDep
from services.recruitment.vault.handlers import looking
from services.recruitment.volunteers import handlers
from services.recruitment.volunteers.handlers import Masked, RegistrationClaim
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import (
    CodeText,
    IdNumberText,
    PhoneText,
    RegistryNumberText,
    ShortCodeText,
    VolunteerNumberText,
)

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["volunteers"])

Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]
Service = Annotated[Caller, allow(Role.SERVICE)]
Reader = Annotated[Caller, allow(Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR)]
MOST_NUMBERS = 500
"""Volunteers whose numbers are read in one call."""


class RegistrationIn(Input):
    """The data of a person who registers; ``code`` is the one-time code that their phone got."""

    name: Annotated[str, Field(max_length=100)]
    phone: PhoneText
    challenge_id: UUID
    code: CodeText
    consent: bool
    email: Annotated[str, Field(max_length=254)] | None = None
    birth_date: date | None = None
    id_number: IdNumberText | None = None
    guardian_consent: bool = False
    drive_code: ShortCodeText | None = None
    appeal_code: ShortCodeText | None = None
    site_id: UUID | None = None


class RegisteredOut(Output):
    """A new volunteer and their first session, which is null when the answer is repeated."""

    volunteer_id: UUID
    volunteer_number: str
    session: SessionOut | None


class ClaimIn(Input):
    """The phone on the registry's list and the code that it got; ``consent`` to what is kept of its holder."""

    phone: PhoneText
    challenge_id: UUID
    code: CodeText
    consent: bool = False
    guardian_consent: bool = False


class ClaimedOut(Output):
    """A claimed account and its first session, which is null when the answer is repeated."""

    volunteer_id: UUID
    session: SessionOut | None


class ResidentIn(Input):
    """A resident who asks for help."""

    name: Annotated[str, Field(max_length=100)]
    phone: PhoneText
    challenge_id: UUID
    code: CodeText
    consent: bool


class ResidentOut(Output):
    """A resident and their first session, which is null when the answer is repeated."""

    resident_id: UUID
    session: SessionOut | None


class VolunteerOut(Output):
    """A volunteer; name, phone and email are masked unless it is one's own name."""

    volunteer_id: UUID
    volunteer_number: str
    name: str
    phone: str | None
    email: str | None
    source: str
    registry: str | None
    registry_number: str | None
    drive_id: UUID | None
    appeal_id: UUID | None
    site_id: UUID | None
    registered_at: datetime
    prior_minutes: int
    claimed: bool


class NumbersIn(Input):
    """The volunteers whose numbers are asked for."""

    volunteer_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_NUMBERS)]


class NumberOut(Output):
    """The number of one volunteer, which is printed where an id would be unreadable."""

    volunteer_id: UUID
    volunteer_number: str


class SearchOut(Output):
    """The volunteers that were found, masked, newest first; ``more`` when there are others."""

    items: list[VolunteerOut]
    more: bool


class NumbersOut(Output):
    """The numbers of those volunteers that exist, each once."""

    items: list[NumberOut]


class PurposeIn(Input):
    """The purpose for which unmasked data are needed."""

    purpose: Annotated[str, Field(max_length=500)]


class SearchIn(Input):
    """The whole name or the phone of the volunteer that is looked for, and the purpose."""

    name: Annotated[str, Field(max_length=100)] | None = None
    phone: PhoneText | None = None
    purpose: Annotated[str, Field(max_length=500)]


class PersonOut(Output):
    """A person in the clear. The read has been recorded."""

    name: str
    phone: str | None
    email: str | None
    birth_date: date | None


class AddressOut(Output):
    """Where a message goes."""

    email: str | None
    name: str


@router.post("/volunteers", status_code=201, response_model=RegisteredOut, dependencies=[public()])
async def register(
    request: Request,
    body: RegistrationIn,
    db: Db,
    cipher: CipherDep,
    settings: SettingsDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Register, optionally through a drive or an appeal."""
    phone = access.phone_of(body.phone)
    said = RegistrationClaim(**{**body.model_dump(), "phone": phone})
    await spend_attempt(db, cipher, policy, client, body.challenge_id)
    proving = Proving(db, cipher, policy, client)

    async def work(tx: Tx) -> RegisteredOut:
        done = await handlers.register(tx, cipher, client, said)
        session = session_out(settings, done.grant)
        return RegisteredOut(volunteer_id=done.volunteer_id, volunteer_number=done.volunteer_number, session=session)

    answer = await once(request, db, None, proving.noting(work))
    await proving.forgive()
    return answer


@router.post("/volunteers/claims", response_model=ClaimedOut, dependencies=[public()])
async def claim(
    request: Request,
    body: ClaimIn,
    db: Db,
    cipher: CipherDep,
    settings: SettingsDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Claim an imported account by a code to the phone on file."""
    proof = PhoneProof(access.phone_of(body.phone), body.challenge_id, body.code)
    await spend_attempt(db, cipher, policy, client, body.challenge_id)
    proving = Proving(db, cipher, policy, client)

    async def work(tx: Tx) -> ClaimedOut:
        grant = await handlers.claim(
            tx, cipher, client, proof, consent=body.consent, guardian_consent=body.guardian_consent
        )
        assert grant.caller.volunteer_id is not None
        return ClaimedOut(volunteer_id=grant.caller.volunteer_id, session=session_out(settings, grant))

    answer = await once(request, db, None, proving.noting(work), status=200)
    await proving.forgive()
    return answer


@router.post("/residents", status_code=201, response_model=ResidentOut, dependencies=[public()])
async def register_resident(
    request: Request,
    body: ResidentIn,
    db: Db,
    cipher: CipherDep,
    settings: SettingsDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Register as a resident who asks for help; volunteers may ask without this."""
    proof = PhoneProof(access.phone_of(body.phone), body.challenge_id, body.code)
    await spend_attempt(db, cipher, policy, client, body.challenge_id)
    proving = Proving(db, cipher, policy, client)

    async def work(tx: Tx) -> ResidentOut:
        grant = await handlers.register_resident(tx, cipher, client, body.name, proof, body.consent)
        assert grant.caller.resident_id is not None
        return ResidentOut(resident_id=grant.caller.resident_id, session=session_out(settings, grant))

    answer = await once(request, db, None, proving.noting(work))
    await proving.forgive()
    return answer


@router.get("/volunteers/me")
async def me(caller: Volunteer, db: Db, cipher: CipherDep) -> VolunteerOut:
    """One's own registration."""
    async with db.transaction() as tx:
        return _volunteer(await handlers.own(tx, cipher, caller.require_volunteer()))


@router.get("/volunteers")
async def list_volunteers(
    caller: Staff,
    db: Db,
    cipher: CipherDep,
    cursor: str | None = None,
    volunteer_number: Annotated[VolunteerNumberText | None, Query()] = None,
    registry_number: Annotated[RegistryNumberText | None, Query()] = None,
    limit: Limit = 50,
) -> Page[VolunteerOut]:
    """Volunteers of the caller's sites, masked, in order of registration."""
    after = None if cursor is None else decode(cursor, [UUID])[0]
    async with db.transaction() as tx:
        rows = await handlers.list_masked(tx, cipher, caller, after, volunteer_number, registry_number, limit + 1)
    return page_of(rows, limit, _volunteer, lambda row: (row.volunteer.volunteer_id,))


@router.post("/volunteers/search")
async def search(body: SearchIn, caller: Staff, reader: ReaderDep, db: Db, cipher: CipherDep) -> SearchOut:
    """Find volunteers of the caller's sites by whole name or phone, against a purpose; each hit is kept as a look.

    It changes nothing but the record of reads, and its answer must not be stored: so it takes no Idempotency-Key.
    """
    async with looking(db, reader) as tx:
        found, more = await handlers.search(
            tx, cipher, caller, reader, name=body.name, phone=body.phone, purpose=body.purpose
        )
    return SearchOut(items=[_volunteer(each) for each in found], more=more)


@router.post("/volunteers/numbers")
async def read_numbers(body: NumbersIn, caller: Reader, db: Db) -> NumbersOut:
    """Numbers of volunteers by id, and nothing else of them; ids that are no volunteer's are left out.

    It changes nothing, so it takes no Idempotency-Key.
    """
    async with db.transaction() as tx:
        found = await handlers.numbers(tx, body.volunteer_ids)
    return NumbersOut(items=[NumberOut(volunteer_id=id, volunteer_number=number) for id, number in found.items()])


@router.get("/volunteers/{volunteer_id}")
async def volunteer(volunteer_id: UUID, caller: Staff, db: Db, cipher: CipherDep) -> VolunteerOut:
    """One volunteer, masked."""
    async with db.transaction() as tx:
        return _volunteer(await handlers.masked(tx, cipher, caller, volunteer_id))


@router.post("/volunteers/{volunteer_id}/unmask")
async def unmask(
    volunteer_id: UUID, body: PurposeIn, caller: Staff, reader: ReaderDep, db: Db, cipher: CipherDep
) -> PersonOut:
    """A volunteer's data in the clear, against a purpose.

    It changes nothing but the record of reads, and its answer must not be stored: so it takes no Idempotency-Key.
    """
    async with looking(db, reader) as tx:
        person = await handlers.unmask(tx, cipher, caller, reader, volunteer_id, body.purpose)
    return PersonOut(name=person.name, phone=person.phone, email=person.email, birth_date=person.birth_date)


@router.get("/internal/volunteers/{volunteer_id}/address")
async def address(volunteer_id: UUID, caller: Service, db: Db, cipher: CipherDep) -> AddressOut:
    """For the service that sends messages, at the moment of sending."""
    async with db.transaction() as tx:
        person = await handlers.address_of(tx, cipher, caller, volunteer_id)
    return AddressOut(email=person.email, name=person.name)


def _volunteer(view: Masked) -> VolunteerOut:
    row = view.volunteer
    return VolunteerOut(
        volunteer_id=row.volunteer_id,
        volunteer_number=row.volunteer_number,
        name=view.name,
        phone=view.phone,
        email=view.email,
        source=row.source,
        registry=row.registry,
        registry_number=row.registry_number,
        drive_id=row.drive_id,
        appeal_id=row.appeal_id,
        site_id=row.site_id,
        registered_at=row.registered_at,
        prior_minutes=row.prior_minutes,
        claimed=row.claimed_at is not None,
    )
