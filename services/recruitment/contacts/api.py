"""Routes of contacts."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access import handlers as access
from services.recruitment.access.api import ChallengeOut, ChannelDep
from services.recruitment.access.channels import CodeChannel
from services.recruitment.access.domain import PhoneProof
from services.recruitment.access.handlers import IssuedCode
from services.recruitment.access.sessions import ClientDep, PolicyDep, Proving, refuse_codes, spend_attempt
from services.recruitment.contacts import handlers
from services.recruitment.contacts.handlers import OwnProofs, SaidBirthDate
from services.recruitment.contacts.store import PhoneChange
from services.recruitment.vault.api import CipherDep, ReaderDep
from services.recruitment.vault.handlers import looking
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.errors import TransientError
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import CodeText, PhoneText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["volunteers"])

_log = structlog.get_logger(__name__)
WARNINGS = 3
"""Tries to warn a phone that was replaced."""

Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]


class NewPhoneIn(Input):
    """The new phone."""

    phone: PhoneText


class OwnPhoneIn(Input):
    """The new phone with the codes that the old one and the new one got."""

    phone: PhoneText
    old_challenge_id: UUID
    old_code: CodeText
    challenge_id: UUID
    code: CodeText


class StaffPhoneIn(Input):
    """The new phone with its code, and the evidence that its holder is the volunteer."""

    phone: PhoneText
    challenge_id: UUID
    code: CodeText
    evidence: Annotated[str, Field(min_length=4, max_length=1000)]


class PhoneChallengesOut(Output):
    """Both codes are on their way and live so many seconds."""

    old_challenge_id: UUID
    challenge_id: UUID
    expires_in: int


class PhoneChangeOut(Output):
    """A change of a phone; ``by_staff`` false: by the volunteer, with codes to both phones."""

    change_id: UUID
    changed_at: datetime
    by_staff: bool


class PhoneChangesOut(Output):
    """The changes of one's phone, newest first."""

    items: list[PhoneChangeOut]


class EmailIn(Input):
    """The e-mail address, null: none."""

    email: Annotated[str, Field(max_length=254)] | None


class BirthDateIn(Input):
    """A date of birth, what it was seen in, and for children whether a guardian agreed."""

    birth_date: date
    purpose: Annotated[str, Field(min_length=4, max_length=500)]
    guardian_consent: bool = False


class BirthDateOut(Output):
    """The date of birth is on file."""

    on_file: bool


@router.post("/volunteers/me/phone/codes", status_code=202)
async def send_own_codes(
    body: NewPhoneIn,
    caller: Volunteer,
    db: Db,
    cipher: CipherDep,
    channel: ChannelDep,
    policy: PolicyDep,
    client: ClientDep,
) -> PhoneChallengesOut:
    """Send codes to the phone on file and to the new one. Codes are no state to repeat, so no Idempotency-Key."""
    phone = access.phone_of(body.phone)
    async with db.transaction() as tx:
        issued = await handlers.issue_codes(tx, cipher, policy, client, caller, phone)
    if not isinstance(issued, tuple):
        raise refuse_codes(issued)
    for each in issued:
        await channel.send(each.phone, each.code)
    old, new = issued
    return PhoneChallengesOut(
        old_challenge_id=old.challenge_id, challenge_id=new.challenge_id, expires_in=new.expires_in
    )


@router.post("/volunteers/me/phone", response_model=PhoneChangeOut)
async def change_own_phone(
    request: Request,
    body: OwnPhoneIn,
    caller: Volunteer,
    db: Db,
    cipher: CipherDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Change one's phone by the codes that both phones got; other sessions end."""
    phone = access.phone_of(body.phone)
    await spend_attempt(db, cipher, policy, client, body.old_challenge_id)
    await spend_attempt(db, cipher, policy, client, body.challenge_id)
    proving = Proving(db, cipher, policy, client)
    proofs = OwnProofs(body.old_challenge_id, body.old_code, body.challenge_id, body.code)

    async def work(tx: Tx) -> PhoneChangeOut:
        return _change(await handlers.change_phone(tx, cipher, client, caller, phone, proofs))

    answer = await once(request, db, caller, proving.noting(work), status=200)
    await proving.forgive()
    return answer


@router.get("/volunteers/me/phone/changes")
async def list_own_changes(caller: Volunteer, db: Db) -> PhoneChangesOut:
    """The changes of one's phone, newest first."""
    async with db.transaction() as tx:
        return PhoneChangesOut(items=[_change(each) for each in await handlers.changes(tx, caller)])


@router.post("/volunteers/{volunteer_id}/phone/codes", status_code=202)
async def send_code_for(
    volunteer_id: UUID,
    body: NewPhoneIn,
    caller: Staff,
    db: Db,
    cipher: CipherDep,
    channel: ChannelDep,
    policy: PolicyDep,
    client: ClientDep,
) -> ChallengeOut:
    """Send a code to the new phone of a volunteer. Codes are no state to repeat, so no Idempotency-Key."""
    phone = access.phone_of(body.phone)
    async with db.transaction() as tx:
        issued = await handlers.issue_for(tx, cipher, policy, client, caller, volunteer_id, phone)
    if not isinstance(issued, IssuedCode):
        raise refuse_codes(issued)
    await channel.send(issued.phone, issued.code)
    return ChallengeOut(challenge_id=issued.challenge_id, expires_in=issued.expires_in)


@router.post("/volunteers/{volunteer_id}/phone", response_model=PhoneChangeOut)
async def replace_phone(
    request: Request,
    volunteer_id: UUID,
    body: StaffPhoneIn,
    caller: Staff,
    db: Db,
    cipher: CipherDep,
    channel: ChannelDep,
    policy: PolicyDep,
    client: ClientDep,
) -> Response:
    """Change the phone of a volunteer who lost the old one, with evidence; sessions end, the old phone is warned."""
    proof = PhoneProof(access.phone_of(body.phone), body.challenge_id, body.code)
    async with db.transaction() as tx:
        await handlers.require_of_site(tx, caller, volunteer_id)
    await spend_attempt(db, cipher, policy, client, body.challenge_id)
    proving = Proving(db, cipher, policy, client)

    replaced: list[str] = []

    async def work(tx: Tx) -> PhoneChangeOut:
        evidence = body.evidence.strip()
        change, old = await handlers.replace_phone(tx, cipher, client, caller, volunteer_id, proof, evidence)
        replaced[:] = [old] if old else []
        return _change(change)

    answer = await once(request, db, caller, proving.noting(work), status=200)
    await proving.forgive()
    for phone in replaced:
        await _warn(channel, phone)
    return answer


@router.put("/volunteers/{volunteer_id}/birth-date")
async def add_birth_date(
    volunteer_id: UUID, body: BirthDateIn, caller: Staff, reader: ReaderDep, db: Db, cipher: CipherDep
) -> BirthDateOut:
    """Add the date of birth of a volunteer of whom none is on file; one on file is not changed."""
    said = SaidBirthDate(body.birth_date, body.purpose.strip(), body.guardian_consent)
    async with looking(db, reader) as tx:
        await handlers.add_birth_date(tx, cipher, caller, reader, volunteer_id, said)
    return BirthDateOut(on_file=True)


@router.put("/volunteers/me/email")
async def change_email(body: EmailIn, caller: Volunteer, db: Db, cipher: CipherDep) -> EmailIn:
    """Change or delete one's e-mail address."""
    async with db.transaction() as tx:
        await handlers.change_email(tx, cipher, caller, body.email)
    return EmailIn(email=body.email)


def _change(change: PhoneChange) -> PhoneChangeOut:
    return PhoneChangeOut(change_id=change.change_id, changed_at=change.changed_at, by_staff=change.by_staff)


async def _warn(channel: CodeChannel, phone: str) -> None:
    """Warn a phone that is on no account any more: it is kept nowhere, so this is tried now or not at all."""
    for left in reversed(range(WARNINGS)):
        try:
            await channel.warn(phone)
        except TransientError as error:
            if not left:
                _log.warning("warning.failed", reason=str(error))
        else:
            return
