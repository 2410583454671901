"""Routes of cards."""

import asyncio
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.api import Runner
from services.recruitment.approvals.api import caps_of
from services.recruitment.attendance.api import RecordOut, Volunteer, record_out
from services.recruitment.cards import handlers
from services.recruitment.cards.domain import Card
from services.recruitment.cards.handlers import ScanOutcome
from services.recruitment.cards.sheet import card_pages
from services.recruitment.printing.pdf import pdf_of
from services.recruitment.rollcall.domain import Tick
from services.recruitment.vault.api import CipherDep
from services.recruitment.volunteers.domain import stored_number
from shared.auth.tokens import Caller
from shared.errors import NotFound
from shared.http.answers import Pdf
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Database, Tx
from shared.typed import VolunteerNumberText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["cards"])

MOST_CARDS = 40
"""Cards of one call: four sheets of A4."""
Numbers = Annotated[list[VolunteerNumberText], Field(min_length=1, max_length=MOST_CARDS)]
ListedNumbers = Annotated[str, Query(min_length=1, max_length=2000)]


class CardIn(Input):
    """``replace``: the card was lost, so a new one takes its place and the old one names its holder no more."""

    replace: bool = False


class IssuedCardOut(Output):
    """A card in force, without its code."""

    card_id: UUID
    volunteer_number: str
    issued_at: datetime


class CardOut(Output):
    """A card in force; ``code`` is what its QR code holds. It says nothing of its holder by itself."""

    card_id: UUID
    volunteer_number: str
    code: str
    issued_at: datetime


class CardsIn(Input):
    """Volunteers who get a card, by number."""

    volunteer_numbers: Numbers


class IssuedCardsOut(Output):
    """Cards in force, and the numbers that belong to no volunteer of the caller's sites or team."""

    items: list[IssuedCardOut]
    unknown: list[str]


class CardsOut(Output):
    """Cards to print."""

    items: list[CardOut]


class ScanIn(Input):
    """The scanned code, or the number that was typed, of a volunteer who has come (``in``) or leaves (``out``)."""

    tick: Tick
    scanned: Annotated[str, Field(min_length=1, max_length=100)]


class ScanOut(Output):
    """The volunteer whom the scan recorded, with the record; or ``refused`` with a sentence."""

    volunteer_number: str
    name: str
    record: RecordOut | None
    waits_for: list[str]
    refused: str | None
    detail: str | None


@router.get("/volunteers/me/card")
async def own_card(db: Db, caller: Volunteer) -> CardOut:
    """One's own card."""
    async with db.transaction() as tx:
        return _card(await handlers.own(tx, caller))


@router.post("/volunteers/me/card", status_code=201, response_model=IssuedCardOut)
async def issue_own_card(request: Request, db: Db, caller: Volunteer, body: CardIn) -> Response:
    """Issue one's own card, or replace a lost one."""

    async def work(tx: Tx) -> IssuedCardOut:
        return _issued(await handlers.issue_own(tx, caller, replace=body.replace))

    return await once(request, db, caller, work)


@router.post("/cards", status_code=201, response_model=IssuedCardsOut)
async def issue_cards(request: Request, db: Db, caller: Runner, body: CardsIn) -> Response:
    """Issue cards to several volunteers; those who have one keep it."""

    async def work(tx: Tx) -> IssuedCardsOut:
        issued, unknown = await handlers.issue(tx, caller, [stored_number(each) for each in body.volunteer_numbers])
        return IssuedCardsOut(items=[_issued(each) for each in issued], unknown=unknown)

    return await once(request, db, caller, work)


@router.get("/cards")
async def read_cards(db: Db, caller: Runner, volunteer_numbers: ListedNumbers) -> CardsOut:
    """Cards of volunteers of the caller's sites or team, to print; their numbers are given with commas between."""
    return CardsOut(items=[_card(each) for each in await _listed(db, caller, volunteer_numbers)])


@router.get("/cards/sheet.pdf", response_class=Pdf)
async def print_cards(db: Db, caller: Runner, volunteer_numbers: ListedNumbers) -> Response:
    """The same cards as a file for a print shop, ten on an A4 page with crop marks.

    Raises:
        NotFound: none of the numbers is a volunteer's of the caller's sites or team who has a card.
    """
    found = await _listed(db, caller, volunteer_numbers)
    if not found:
        raise NotFound("volunteer-unknown", "There is no such volunteer at your sites.")
    return Pdf.named(await asyncio.to_thread(pdf_of, card_pages(found)), "cards.pdf")


@router.post("/shifts/{shift_id}/scans", status_code=201, response_model=ScanOut)
async def scan_card(
    request: Request, db: Db, cipher: CipherDep, caller: Runner, shift_id: UUID, body: ScanIn
) -> Response:
    """Record now, on the caller's word, the holder of a scanned card; a repeated scan changes nothing."""

    async def work(tx: Tx) -> ScanOut:
        scanned = await handlers.scan(tx, cipher, caller, shift_id, body.tick, body.scanned, caps_of(request))
        return _scanned(scanned)

    return await once(request, db, caller, work)


async def _listed(db: Database, caller: Caller, volunteer_numbers: str) -> list[Card]:
    numbers = [stored_number(each) for each in volunteer_numbers.split(",")[:MOST_CARDS]]
    async with db.transaction() as tx:
        return await handlers.of_numbers(tx, caller, numbers)


def _card(card: Card) -> CardOut:
    return CardOut(
        card_id=card.card_id, volunteer_number=card.volunteer_number, code=card.code, issued_at=card.issued_at
    )


def _issued(card: Card) -> IssuedCardOut:
    return IssuedCardOut(card_id=card.card_id, volunteer_number=card.volunteer_number, issued_at=card.issued_at)


def _scanned(scanned: ScanOutcome) -> ScanOut:
    tick = scanned.tick
    return ScanOut(
        volunteer_number=tick.volunteer_number,
        name=scanned.name,
        record=None if tick.record is None else record_out(tick.record),
        waits_for=[str(each) for each in tick.waits_for],
        refused=None if tick.refused is None else tick.refused.slug,
        detail=None if tick.refused is None else tick.refused.detail,
    )
