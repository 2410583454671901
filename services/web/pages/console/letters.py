"""Dead letters of all services: groups of those that failed alike, a look, replay, discard and restore."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.console.filters import FilterText
from services.web.pages.console.viewing import instant, watch
from services.web.pages.language import N_, _
from services.web.pages.render import page, part
from services.web.pages.visit import Visit, VisitOf
from services.web.settings import UPSTREAM_NAMES
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[public()])

_STATES = {"open": N_("待处理"), "replayed": N_("已重放"), "discarded": N_("已搁置")}
_REPLAY_STATES = {"waiting": N_("等候开始"), "running": N_("正在重放"), "done": N_("已完成"), "stopped": N_("已停下")}


def _service(service: str) -> str:
    """A service of the address.

    Raises:
        UpstreamProblem: there is none of this name.
    """
    if service not in UPSTREAM_NAMES:
        raise UpstreamProblem("not-found", "There is no such service.", status=404)
    return service


def _acts(visit: Visit) -> bool:
    """Whether the visitor is offered to act; the services decide."""
    return "engineer" in visit.session.roles


@router.get("/dead-letters")
async def groups(visit: VisitOf, status: FilterText = "open") -> Response:
    """Groups of dead letters of all services, the largest first, and the newest replays."""
    watch(visit)
    status = status if status in _STATES else "open"
    found = await asyncio.gather(*(_groups(visit, service, status) for service in UPSTREAM_NAMES))
    replays = await asyncio.gather(
        *(visit.get_optional(service, "/dead-letters/replays", limit="5") for service in UPSTREAM_NAMES)
    )
    return page(
        "console/dead_letters.html",
        visit.session,
        path=visit.path,
        state=status,
        states=[(f"/console/dead-letters?status={one}", _(said), one == status) for one, said in _STATES.items()],
        groups=sorted((one for some in found for one in some or ()), key=lambda one: -one["records"]),
        away=[service for service, some in zip(UPSTREAM_NAMES, found, strict=True) if some is None],
        replays=[
            one | {"service": service, "said": _(_REPLAY_STATES[one["state"]])}
            for service, answer in zip(UPSTREAM_NAMES, replays, strict=True)
            for one in (answer or {"items": []})["items"]
        ],
        instant=instant,
    )


async def _groups(visit: Visit, service: str, status: str) -> list[dict[str, Any]] | None:
    answer = await visit.get_optional(service, "/dead-letters/groups", status=status)
    return None if answer is None else [one | {"service": service} for one in answer["items"]]


@router.get("/dead-letters/{service}/groups/{group_id}")
async def group(visit: VisitOf, service: str, group_id: str, status: FilterText = "open") -> Response:
    """One group: its reason, its letters, and what may be done about them."""
    watch(visit)
    status = status if status in _STATES else "open"
    listed = await visit.ask(_service(service), "/dead-letters/groups", status=status, limit="200")
    found = next((one for one in listed["items"] if one["group_id"] == group_id), None)
    letters = await visit.ask(service, "/dead-letters", status=status, group_id=group_id, limit="50")
    if found is None and not letters["items"]:
        raise UpstreamProblem("dead-letter-unknown", "There is no such group of dead letters.", status=404)
    return page(
        "console/letter_group.html",
        visit.session,
        path=visit.path,
        service=service,
        group_id=group_id,
        group=found,
        letters=letters,
        state=status,
        said=_(_STATES[status]),
        acts=_acts(visit),
        instant=instant,
    )


@router.get("/dead-letters/{service}/{letter_id}")
async def letter(visit: VisitOf, service: str, letter_id: int) -> Response:
    """One dead letter with its bytes; the service writes the look to its audit trail."""
    watch(visit)
    found = await visit.ask(_service(service), f"/dead-letters/{letter_id}")
    return page(
        "console/letter.html",
        visit.session,
        path=visit.path,
        service=service,
        letter=found,
        said=_(_STATES[found["status"]]),
        instant=instant,
    )


@router.get("/replays/{service}/{replay_id}")
async def replay(visit: VisitOf, service: str, replay_id: str) -> Response:
    """How far a replay has come; the page asks again until it ends."""
    return page("console/replay.html", visit.session, path=visit.path, **await _replay(visit, service, replay_id))


@router.get("/replays/{service}/{replay_id}/part")
async def replay_part(visit: VisitOf, service: str, replay_id: str) -> Response:
    """The changing part of that page."""
    return part("console/parts/replay.html", visit.session, **await _replay(visit, service, replay_id))


async def _replay(visit: Visit, service: str, replay_id: str) -> dict[str, Any]:
    watch(visit)
    found = await visit.ask(_service(service), f"/dead-letters/replays/{replay_id}")
    return {"replay": found, "service": service, "said": _(_REPLAY_STATES[found["state"]]), "instant": instant}
