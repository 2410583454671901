"""Search in the index, the page of one event, and traces."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.console import timeline
from services.web.pages.console.filters import FilterText, Wanted, given, topic_choices, type_choices
from services.web.pages.console.histogram import view_of
from services.web.pages.console.sentences import text_of
from services.web.pages.console.viewing import instant, names_of, pretty, views, watch
from services.web.pages.language import N_, _
from services.web.pages.refusals import say
from services.web.pages.render import finish, page
from services.web.pages.visit import Visit, VisitOf
from services.web.settings import UPSTREAM_NAMES
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[public()])

SHOWN, PAGE = "50", "200"
EXPORTED = 5000
"""Events of one file; longer ones are read page by page from the service."""
_FATES = {
    "applied": N_("已处理"),
    "duplicate": N_("重复，没有再处理"),
    "superseded": N_("已有更新的版本"),
    "dead-lettered": N_("死信"),
    "unknown": N_("没有记录"),
}


@router.get("/search")
async def search(visit: VisitOf, wanted: Wanted, cursor: FilterText = "") -> Response:
    """Events of the last 30 days by any of their places, newest first."""
    watch(visit)
    query, asked = given(wanted)
    refused = ""
    found: dict[str, Any] = {"items": [], "next_cursor": None}
    counted = None
    try:
        found, counted = await asyncio.gather(
            visit.ask("operations", "/events", **asked, limit=SHOWN, **({"cursor": cursor} if cursor else {})),
            visit.get_optional("operations", "/events/histogram", **asked),
        )
    except UpstreamProblem as problem:
        if problem.status in (401, 403):
            raise
        refused = say(problem.type, problem.detail, problem.extra)
    following = found["next_cursor"]
    return page(
        "console/search.html",
        visit.session,
        path=visit.path,
        wanted=wanted,
        refused=refused,
        rows=await views(visit, found["items"]),
        instant=instant,
        histogram=None if counted is None else view_of(counted, query),
        more=f"/console/search?{urlencode(query | {'cursor': following})}" if following else "",
        first=f"/console/search?{urlencode(query)}" if cursor else "",
        export=f"/console/search.jsonl?{urlencode(query)}" if found["items"] else "",
        exported=EXPORTED,
        sites=sorted((await visit.site_names()).items(), key=lambda one: one[1]),
        topics=topic_choices(),
        types=type_choices(),
    )


@router.get("/search.jsonl")
async def export(visit: VisitOf, wanted: Wanted) -> Response:
    """The newest events of a search as a file, one JSON object a line, as the service lists them.

    Where there are more than `EXPORTED`, the last line is the cursor with which a search goes on.
    """
    watch(visit)
    _, asked = given(wanted)
    first = await visit.ask("operations", "/events", **asked, limit=PAGE)

    async def lines() -> AsyncIterator[bytes]:
        found, left = first, EXPORTED
        while True:
            yield b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in found["items"][:left])
            left -= len(found["items"])
            if found["next_cursor"] is None:
                return
            if left <= 0:
                yield orjson.dumps({"next_cursor": found["next_cursor"]}, option=orjson.OPT_APPEND_NEWLINE)
                return
            found = await visit.ask("operations", "/events", **asked, limit=PAGE, cursor=found["next_cursor"])

    headers = {"cache-control": "no-store", "content-disposition": 'attachment; filename="events.jsonl"'}
    return finish(StreamingResponse(lines(), media_type="application/x-ndjson", headers=headers), visit.session)


@router.get("/events/{event_id}")
async def event(visit: VisitOf, event_id: str) -> Response:
    """One event: what it says, where it lies, what it led to, and what became of it in each service."""
    watch(visit)
    found = await visit.ask("operations", f"/events/{event_id}")
    return page(
        "console/event.html",
        visit.session,
        path=visit.path,
        row=(await views(visit, [found]))[0],
        effects=await views(visit, found["effects"]),
        raw=pretty(found["value"]) if found["value"] is not None else found["value_text"] or "",
        curl=f"curl -H 'Authorization: Bearer …' {visit.web.settings.public_url}/api/operations/v1/events/{event_id}",
        fates=await _fates(visit, found),
        instant=instant,
    )


async def _fates(visit: Visit, event: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(service, what it says in words, the answer) of each consumer group that knows the event."""
    versioned = event["aggregate_id"] is not None and event["aggregate_version"] is not None
    query = {name: str(event[name]) for name in ("aggregate_id", "aggregate_version")} if versioned else {}
    found = []
    for service in UPSTREAM_NAMES:
        path = "/fates/" if service == "operations" else "/events/"
        answer = await visit.get_optional(service, f"{path}{event['event_id']}", **query)
        for fate in (answer or {}).get("fates", ()):
            found.append((service, _(_FATES.get(fate["state"], fate["state"])), fate))
    return found


@router.get("/traces/{correlation_id}")
async def trace(visit: VisitOf, correlation_id: str) -> Response:
    """Everything of one correlation id on a time line: from the request to points, badge and message."""
    watch(visit)
    found = await visit.ask("operations", f"/traces/{correlation_id}")
    names = await names_of(visit, found["events"])
    line = timeline.draw(found["events"])
    rows = list(zip(await views(visit, found["events"]), line.bars, strict=True))
    return page(
        "console/trace.html",
        visit.session,
        path=visit.path,
        correlation_id=correlation_id,
        truncated=found["truncated"],
        title=text_of(found["events"][0], names),
        rows=rows,
        line=line,
        instant=instant,
    )


@router.get("/traces-of/{record_id}")
async def traces_of(visit: VisitOf, record_id: str) -> Response:
    """The events about one record, transfer or message, by its id: as an aggregate, a key or in a value."""
    watch(visit)
    for query in ({"aggregate_id": record_id}, {"text": record_id}):
        found = await visit.ask("operations", "/events", **query, limit="1")
        if found["items"]:
            item = found["items"][0]
            return (
                await trace(visit, item["correlation_id"])
                if item["correlation_id"]
                else await event(visit, item["event_id"])
            )
    raise UpstreamProblem("trace-not-found", "The index has no event about this id.", status=404)
