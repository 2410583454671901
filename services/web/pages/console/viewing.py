"""Shared parts of the console's pages: the roles that may see them, and the names in the sentences of events."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from multidict import MultiDict

from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.console.forms import TOPIC_WORDS
from services.web.pages.console.sentences import EventNames, SentencePart, ids_of, sentence
from services.web.pages.language import N_, titled
from services.web.pages.visit import Visit, console_only
from services.web.pages.wording import parse

__all__ = ["EventView", "instant", "names_of", "numbers_of", "pretty", "short_type", "topic_word", "views", "watch"]

MOST_NUMBERS = 500
MOST_PLACES = 100
"""Ids in one address, which the server takes up to 8 KB of."""
_DEAD_LETTERS = N_("死信")


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as a row of a page: its members as the API has them, and its sentence."""

    event: Mapping[str, Any]
    parts: Sequence[SentencePart]
    word: str


def watch(visit: Visit) -> None:
    """Require an engineer, an auditor or an operator; raises as `console_only`."""
    console_only(visit)


def topic_word(topic: str) -> str:
    """A word or two for the content of a topic."""
    if topic.endswith(".dlq"):
        return titled(_DEAD_LETTERS)
    return titled(TOPIC_WORDS[topic]) if topic in TOPIC_WORDS else topic


def short_type(type: str) -> str:
    """The name of an event type without what all of them share."""
    return type.removeprefix("volunteering.").removesuffix(".v1")


def instant(value: str | datetime | None) -> str:
    """A moment to the millisecond, in the district's zone."""
    if value is None:
        return ""
    at = parse(value)
    return f"{at:%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def pretty(value: object) -> str:
    """A JSON value over several lines, its text as it is."""
    return json.dumps(value, ensure_ascii=False, indent=2)


async def numbers_of(visit: Visit, ids: Iterable[str]) -> dict[str, str]:
    """Numbers of volunteers by id, as far as the visitor may know them; none where recruitment does not answer."""
    wanted = sorted(set(ids))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), MOST_NUMBERS):
        body = {"volunteer_ids": wanted[start : start + MOST_NUMBERS]}
        try:
            answer = await visit.post("recruitment", "/volunteers/numbers", body)
        except (UpstreamProblem, UpstreamAway):
            return found
        found |= {str(one["volunteer_id"]): str(one["volunteer_number"]) for one in answer["items"]}
    return found


async def names_of(visit: Visit, events: Iterable[Mapping[str, Any]]) -> EventNames:
    """The names in the sentences of some events."""
    events = list(events)
    places = await _places_of(visit, (id for event in events for id in ids_of(event, "activity", "drive")))
    return EventNames(
        sites=await visit.site_names(),
        teams=await visit.team_names(),
        activities=places,
        drives=places,
        numbers=await numbers_of(visit, (id for event in events for id in ids_of(event, "volunteer"))),
    )


async def _places_of(visit: Visit, ids: Iterable[str]) -> dict[str, str]:
    """The public names of activities and drives by id, as far as the index has read them."""
    wanted = sorted(set(ids))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), MOST_PLACES):
        query = MultiDict([("id", one) for one in wanted[start : start + MOST_PLACES]])
        try:
            answer = await visit.web.upstream.call(
                "GET", "operations", "/names", token=visit.session.token, query=query
            )
            items = answer.accepted()["items"]
        except (UpstreamProblem, UpstreamAway):
            return found
        found |= {str(one["id"]): str(one["name"]) for one in items}
    return found


async def views(visit: Visit, events: Sequence[Mapping[str, Any]]) -> list[EventView]:
    """Events as rows."""
    names = await names_of(visit, events)
    return [EventView(event, sentence(event, names), topic_word(str(event["topic"]))) for event in events]
