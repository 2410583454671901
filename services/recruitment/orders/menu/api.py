"""Routes of the menu and of the calendar of working days."""

import asyncio
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access.sessions import SettingsDep
from services.recruitment.orders.menu import handlers, store
from services.recruitment.orders.menu.poster import menu_poster
from services.recruitment.orders.store import Need
from services.recruitment.organisation import store as organisation
from services.recruitment.printing.pdf import pdf_of
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.errors import NotFound
from shared.http.answers import Pdf
from shared.http.app import Db, Input, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["orders"])

Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Day = Annotated[date, Path(ge=date(1949, 1, 1), lt=date(2200, 1, 1))]


class MenuNeedOut(Output):
    """A need that can be ordered: usual minutes, and how many volunteers it takes at least."""

    need_tag_id: UUID
    need_tag: str
    zh: str
    en: str
    what: str | None
    minutes: int
    people: int
    orderable: bool
    theme_id: UUID | None
    version: int


class MenuNeedsOut(Output):
    """All open need tags as orders."""

    items: list[MenuNeedOut]


class MenuProjectOut(Output):
    """A brand project, with the address of its page."""

    project_id: UUID
    name: str
    summary: str | None
    site_id: UUID
    site_name: str
    page: str


class MenuOut(Output):
    """The needs that residents can order, and the brand projects behind them."""

    needs: list[MenuNeedOut]
    projects: list[MenuProjectOut]


class MenuNeedIn(Input):
    """The terms of a need as an order; ``version`` is the one that was read, 0 at first."""

    version: Annotated[int, Field(ge=0)]
    what: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    minutes: Annotated[int, Field(ge=15, le=480)] = 60
    people: Annotated[int, Field(ge=1, le=50)] = 1
    orderable: bool = True
    theme_id: UUID | None = None


class WorkingDayIn(Input):
    """Whether a day is worked."""

    works: bool


class WorkingDayOut(Output):
    """A day that differs from the usual week; ``source`` names the notice that says so, None where the centre does."""

    day: date
    works: bool
    source: str | None


class WorkingDaysOut(Output):
    """The days of a year that differ from the usual week."""

    items: list[WorkingDayOut]


@router.get("/menu", dependencies=[public()])
async def read_menu(db: Db) -> MenuOut:
    """The needs that can be ordered, and the brand projects."""
    async with db.transaction() as tx:
        needs, projects = await store.list_needs(tx, withdrawn=False), await store.list_projects(tx)
    return MenuOut(
        needs=[_need(each) for each in needs],
        projects=[
            MenuProjectOut(
                project_id=each.project_id,
                name=each.name,
                summary=each.summary,
                site_id=each.site_id,
                site_name=each.site_name,
                page=f"/projects/{each.project_id}",
            )
            for each in projects
        ],
    )


@router.get("/sites/{site_id}/menu-poster.pdf", response_class=Pdf)
async def menu_poster_file(site_id: UUID, caller: Staff, db: Db, settings: SettingsDep) -> Response:
    """The poster of a site's or service point's menu as a file for a print shop."""
    async with db.transaction() as tx:
        found = await organisation.find_site(tx, site_id)
    if found is None:
        raise NotFound("site-unknown", "There is no such site.")
    page = menu_poster(found.name, f"{settings.public_url.rstrip('/')}/menu?site={site_id}")
    return Pdf.named(await asyncio.to_thread(pdf_of, [page]), "menu-poster.pdf")


@router.get("/menu/needs")
async def list_needs(db: Db, caller: Staff) -> MenuNeedsOut:
    """All open need tags as orders, with those that were taken off the menu."""
    async with db.transaction() as tx:
        return MenuNeedsOut(items=[_need(each) for each in await store.list_needs(tx, withdrawn=True)])


@router.put("/menu/needs/{tag_id}")
async def set_need(db: Db, caller: Centre, tag_id: UUID, body: MenuNeedIn) -> MenuNeedOut:
    """Say what a need tag means as an order, or take it off the menu."""
    async with db.transaction() as tx:
        terms = (body.what, body.minutes, body.people, body.orderable, body.theme_id)
        return _need(await handlers.set_need(tx, caller, tag_id, body.version, terms))


@router.get("/working-days")
async def list_working_days(db: Db, caller: Staff, year: Annotated[int, Query(ge=1949, le=2199)]) -> WorkingDaysOut:
    """The days of a year that differ from the usual week."""
    async with db.transaction() as tx:
        found = await store.list_days(tx, date(year, 1, 1), date(year, 12, 31))
    return WorkingDaysOut(items=[WorkingDayOut.model_validate(each, from_attributes=True) for each in found])


@router.put("/working-days/{day}")
async def set_working_day(db: Db, caller: Centre, day: Day, body: WorkingDayIn) -> WorkingDayOut:
    """Say that a day is off, or that it is worked."""
    async with db.transaction() as tx:
        await handlers.set_day(tx, caller, day, body.works)
    return WorkingDayOut(day=day, works=body.works, source=None)


def _need(need: Need) -> MenuNeedOut:
    return MenuNeedOut(
        need_tag_id=need.tag_id,
        need_tag=need.tag,
        zh=need.zh,
        en=need.en,
        what=need.what,
        minutes=need.minutes,
        people=need.people,
        orderable=need.orderable,
        theme_id=need.theme_id,
        version=need.version,
    )
