"""Routes of drives and appeals."""

import asyncio
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access.sessions import SettingsDep
from services.recruitment.printing.domain import Sheet
from services.recruitment.printing.pdf import pdf_of
from services.recruitment.printing.svg import svg_of
from services.recruitment.recruiting import handlers, store
from services.recruitment.recruiting.domain import Funnel, NewAppeal, NewDrive, PlaceKind
from services.recruitment.recruiting.handlers import DriveView
from services.recruitment.recruiting.poster import poster_page
from services.recruitment.recruiting.store import Appeal, Drive
from services.recruitment.settings import RecruitmentSettings
from shared.auth.access import allow, optional, public
from shared.auth.tokens import Caller, Role
from shared.clock import DISTRICT_ZONE
from shared.errors import NotFound
from shared.http.answers import Pdf, Svg
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import ShortCodeText

__all__ = ["AppealOut", "DriveOut", "appeal_out", "drive_out", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["recruiting"])

Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Anybody = Annotated[Caller | None, optional()]
_POSTER_CACHE = "public, max-age=300"


class DriveIn(Input):
    """A drive at a place and time."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    place_kind: PlaceKind
    place: Annotated[str, Field(min_length=1, max_length=200)]
    site_id: UUID
    starts_at: datetime
    ends_at: datetime


class FunnelOut(Output):
    """Distinct people whom the drive brought, and how far they have come."""

    registered: int
    signed_up: int
    checked_in: int
    served: int


class DriveOut(Output):
    """A drive; ``url`` is what its QR code holds."""

    drive_id: UUID
    code: str
    name: str
    place_kind: PlaceKind
    place: str
    site_id: UUID
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime
    version: int
    closed_at: datetime | None
    open: bool
    url: str
    funnel: FunnelOut


class AppealIn(Input):
    """An appeal (倡议书) and where it is published."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    channel: Annotated[str, Field(min_length=1, max_length=100)]
    body: Annotated[str, Field(min_length=1, max_length=20_000)]


class AppealOut(Output):
    """An appeal; the count of those registered through it in listings for staff only."""

    appeal_id: UUID
    code: str
    title: str
    channel: str
    body: str
    published_at: datetime
    version: int
    closed_at: datetime | None
    registered: int | None = None


@router.post("/drives", status_code=201, response_model=DriveOut)
async def open_drive(request: Request, body: DriveIn, caller: Staff, db: Db, settings: SettingsDep) -> Response:
    """Announce a drive; its code and QR poster are ready at once."""
    new = NewDrive(body.name, body.place_kind, body.place, body.site_id, body.starts_at, body.ends_at)

    async def work(tx: Tx) -> DriveOut:
        drive = await handlers.open_drive(tx, caller, new)
        return drive_out(settings, await handlers.drive_view(tx, drive))

    return await once(request, db, caller, work)


@router.get("/drives")
async def list_drives(
    caller: Anybody, db: Db, settings: SettingsDep, cursor: str | None = None, limit: Limit = 50
) -> Page[DriveOut]:
    """Staff see the drives that they are responsible for, everybody else all of them: they invite everybody."""
    async with db.transaction() as tx:
        views = await handlers.list_drives(tx, caller, _after(cursor), limit + 1)
    return page_of(views, limit, lambda view: drive_out(settings, view), lambda view: (view.drive.drive_id,))


@router.get("/drives/by-code/{code}", dependencies=[public()])
async def drive_by_code(code: ShortCodeText, db: Db, settings: SettingsDep) -> DriveOut:
    """The drive behind a QR code, for its public page."""
    async with db.transaction() as tx:
        return drive_out(settings, await handlers.drive_view(tx, await handlers.drive_by_code(tx, code)))


@router.get("/drives/{drive_id}")
async def drive(drive_id: UUID, caller: Staff, db: Db, settings: SettingsDep) -> DriveOut:
    """A drive and its funnel."""
    async with db.transaction() as tx:
        found = await _found(tx, drive_id)
        caller.require_site(found.site_id)
        return drive_out(settings, await handlers.drive_view(tx, found))


@router.get("/drives/{drive_id}/poster.svg", dependencies=[public()], response_class=Svg)
async def poster(drive_id: UUID, db: Db, settings: SettingsDep) -> Response:
    """The poster to print."""
    async with db.transaction() as tx:
        found = await _found(tx, drive_id)
    headers = {"Cache-Control": _POSTER_CACHE, "Content-Security-Policy": "default-src 'none'"}
    return Svg(svg_of(_poster(settings, found)), headers=headers)


@router.get("/drives/{drive_id}/poster.pdf", dependencies=[public()], response_class=Pdf)
async def poster_file(drive_id: UUID, db: Db, settings: SettingsDep) -> Response:
    """The poster as a file for a print shop."""
    async with db.transaction() as tx:
        found = await _found(tx, drive_id)
    drawn = await asyncio.to_thread(pdf_of, [_poster(settings, found)])
    return Pdf.named(drawn, f"poster-{found.code}.pdf", cache=_POSTER_CACHE)


@router.post("/appeals", status_code=201, response_model=AppealOut)
async def publish_appeal(request: Request, body: AppealIn, caller: Centre, db: Db) -> Response:
    """Publish an appeal; its code goes into the article."""

    async def work(tx: Tx) -> AppealOut:
        return appeal_out(await handlers.publish_appeal(tx, caller, NewAppeal(body.title, body.channel, body.body)))

    return await once(request, db, caller, work)


@router.get("/appeals")
async def list_appeals(caller: Staff, db: Db, cursor: str | None = None, limit: Limit = 50) -> Page[AppealOut]:
    """All appeals with the number of people who came through each."""
    async with db.transaction() as tx:
        rows = await store.list_appeals(tx, _after(cursor), limit + 1)
    return page_of(rows, limit, appeal_out, lambda row: (row.appeal_id,))


@router.get("/appeals/by-code/{code}", dependencies=[public()])
async def appeal_by_code(code: ShortCodeText, db: Db) -> AppealOut:
    """The appeal behind a code."""
    async with db.transaction() as tx:
        return appeal_out(await handlers.appeal_by_code(tx, code))


async def _found(tx: Tx, drive_id: UUID) -> Drive:
    found = await store.drive(tx, drive_id)
    if found is None:
        raise NotFound("drive-unknown", "there is no such drive")
    return found


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    after: UUID = decode(cursor, [UUID])[0]
    return after


def _poster(settings: RecruitmentSettings, drive: Drive) -> Sheet:
    return poster_page(
        name=drive.name,
        place=drive.place,
        starts_at=drive.starts_at.astimezone(DISTRICT_ZONE),
        ends_at=drive.ends_at.astimezone(DISTRICT_ZONE),
        url=_url(settings, drive),
        code=drive.code,
    )


def _url(settings: RecruitmentSettings, drive: Drive) -> str:
    return f"{settings.public_url.rstrip('/')}/d/{drive.code}"


def drive_out(settings: RecruitmentSettings, view: DriveView) -> DriveOut:
    """A drive with its address and funnel."""
    drive = view.drive
    return DriveOut(
        drive_id=drive.drive_id,
        code=drive.code,
        name=drive.name,
        place_kind=drive.place_kind,
        place=drive.place,
        site_id=drive.site_id,
        starts_at=drive.starts_at,
        ends_at=drive.ends_at,
        opened_at=drive.opened_at,
        version=drive.version,
        closed_at=drive.closed_at,
        open=view.open,
        url=_url(settings, drive),
        funnel=_funnel(view.funnel),
    )


def _funnel(funnel: Funnel) -> FunnelOut:
    return FunnelOut(
        registered=funnel.registered,
        signed_up=funnel.signed_up,
        checked_in=funnel.checked_in,
        served=funnel.served,
    )


def appeal_out(appeal: Appeal) -> AppealOut:
    """An appeal, with its count where that was read."""
    return AppealOut(
        appeal_id=appeal.appeal_id,
        code=appeal.code,
        title=appeal.title,
        channel=appeal.channel,
        body=appeal.body,
        published_at=appeal.published_at,
        version=appeal.version,
        closed_at=appeal.closed_at,
        registered=appeal.registered,
    )
