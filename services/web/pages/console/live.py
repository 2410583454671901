"""The live page: the tail of all topics, drawn by the script from the stream of operations."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.web.pages.console.forms import FORMS
from services.web.pages.console.sentences import catalogue
from services.web.pages.console.viewing import topic_word, watch
from services.web.pages.language import N_, _
from services.web.pages.render import page
from services.web.pages.visit import VisitOf
from shared.auth.access import public
from shared.kafka.topics import INDEXED

__all__ = ["FilterText", "router", "topic_choices", "type_choices"]

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[public()])

FIGURES = {
    "records": N_("服务记录"),
    "points": N_("积分"),
    "dead_letters": N_("死信"),
    "largest_lateness_ms": N_("最大延迟"),
}
"""Figures of the live view that are drawn above the events."""
FilterText = Annotated[str, Query(max_length=500)]


def topic_choices() -> list[tuple[str, str]]:
    """Topics by name, with what they hold; those of dead letters stand last."""
    return [(name, f"{name} · {topic_word(name)}") for name in INDEXED]


def type_choices() -> list[tuple[str, str]]:
    """The known event types, with their short names."""
    return [(type, type.removeprefix("volunteering.").removesuffix(".v1")) for type in sorted(FORMS)]


@router.get("")
async def live(
    visit: VisitOf,
    topic: FilterText = "",
    type: FilterText = "",
    site_id: FilterText = "",
    key: FilterText = "",
    text: FilterText = "",
) -> Response:
    """The events as they come, from now on and the last ones before."""
    watch(visit)
    sites = await visit.site_names()
    config = {
        "catalogue": catalogue(),
        "names": {"sites": sites, "teams": await visit.team_names(), "activities": {}, "drives": {}},
        "topics": {name: topic_word(name) for name, _said in topic_choices()},
        "unmask": "operator" in visit.session.roles,
    }
    return page(
        "console/live.html",
        visit.session,
        path=visit.path,
        config=config,
        sites=sorted(sites.items(), key=lambda one: one[1]),
        topics=topic_choices(),
        types=type_choices(),
        figures=[(name, _(said)) for name, said in FIGURES.items()],
        wanted={"topic": topic, "type": type, "site_id": site_id, "key": key, "text": text},
    )
