"""The page of engineers and auditors: processes, their health and metrics, and the services' dead letters."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.render import finish, page
from services.web.pages.visit import Visit, VisitOf, watchers_only
from services.web.settings import UPSTREAM_NAMES
from shared.auth.access import public
from shared.clock import real_now

__all__ = ["router"]

router = APIRouter(prefix="/staff/system", include_in_schema=False, dependencies=[public()])

LETTERS = 20
"""Dead letters of each service that the page shows."""


@router.get("")
async def system(visit: VisitOf) -> Response:
    """All processes and the newest open dead letters."""
    watchers_only(visit)
    states, *letters = await asyncio.gather(
        visit.web.processes.states(), *(_letters(visit, service) for service in UPSTREAM_NAMES)
    )
    return page(
        "operator/system.html",
        visit.session,
        path=visit.path,
        processes=states,
        now=real_now(),
        services=list(zip(UPSTREAM_NAMES, letters, strict=True)),
    )


@router.get("/metrics/{process}")
async def metrics(visit: VisitOf, process: str) -> Response:
    """The metrics of one process, as it gives them to Prometheus."""
    watchers_only(visit)
    text = await visit.web.processes.metrics(process)
    if text is None:
        raise UpstreamProblem("not-found", "There is no such process.", status=404)
    plain = Response(text, media_type="text/plain; charset=utf-8", headers={"cache-control": "no-store"})
    return finish(plain, visit.session)


async def _letters(visit: Visit, service: str) -> Any | None:
    return await visit.get_optional(service, "/dead-letters", limit=str(LETTERS))
