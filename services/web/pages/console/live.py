"""The live page: the tail of all topics, drawn by the script from the stream of operations."""

from fastapi import APIRouter, Response

from services.web.pages.console.filters import Wanted, topic_choices, type_choices
from services.web.pages.console.sentences import catalogue
from services.web.pages.console.viewing import topic_word, watch
from services.web.pages.language import N_, titled
from services.web.pages.render import page
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[public()])

FIGURES = {
    "records": N_("服务记录"),
    "points": N_("积分"),
    "dead_letters": N_("死信"),
    "largest_lateness_ms": N_("最大延迟"),
}
"""Figures of the live view that are drawn above the events."""


@router.get("")
async def live(visit: VisitOf, wanted: Wanted) -> Response:
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
        figures=[(name, titled(said)) for name, said in FIGURES.items()],
        wanted=wanted,
    )
