"""The conditions of a search and of the live page, as they stand in the address."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from services.web.pages.console.forms import FORMS
from services.web.pages.console.viewing import short_type, topic_word
from shared.clock import DISTRICT_ZONE
from shared.kafka.topics import INDEXED

__all__ = ["FilterText", "Wanted", "given", "topic_choices", "type_choices"]

FilterText = Annotated[str, Query(max_length=500)]


def _wanted(
    topic: FilterText = "",
    type: FilterText = "",
    site_id: FilterText = "",
    key: FilterText = "",
    aggregate_id: FilterText = "",
    correlation_id: FilterText = "",
    since: FilterText = "",
    until: FilterText = "",
    partition: FilterText = "",
    offset: FilterText = "",
    text: FilterText = "",
) -> dict[str, str]:
    """The conditions by name, empty where none was given; the live page has some of them."""
    return {
        "topic": topic, "type": type, "site_id": site_id, "key": key.strip(), "aggregate_id": aggregate_id.strip(),
        "correlation_id": correlation_id.strip(), "since": since, "until": until, "partition": partition,
        "offset": offset, "text": text,
    }  # fmt: skip


Wanted = Annotated[dict[str, str], Depends(_wanted)]


def given(wanted: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The conditions that were given, as the page's address has them and as the service takes them."""
    query = {name: value for name, value in wanted.items() if value}
    return query, query | {name: _moment(query[name]) for name in ("since", "until") if name in query}


def _moment(value: str) -> str:
    """A moment of a form as the service wants it; what is none goes on as it is, for the service to refuse."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return (at if at.tzinfo else at.replace(tzinfo=DISTRICT_ZONE)).isoformat()


def topic_choices() -> list[tuple[str, str]]:
    """Topics by name, with what they hold; those of dead letters stand last."""
    return [(name, f"{name} · {topic_word(name)}") for name in INDEXED]


def type_choices() -> list[tuple[str, str]]:
    """The known event types, with their short names."""
    return [(type, short_type(type)) for type in sorted(FORMS)]
