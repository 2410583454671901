"""Templates as data: which version of which wording is in force."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

__all__ = [
    "ENGLISH",
    "LOCALE",
    "Rendered",
    "Template",
    "day_said",
    "english_day",
    "english_moment",
    "in_force",
    "moment",
    "one_line",
    "plural",
]

LOCALE, ENGLISH = "zh-CN", "en"
"""The language that messages are stored and sent in, and the one that they can be read in as well."""

_ZONE = ZoneInfo("Asia/Shanghai")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a wording: title and body in Jinja's language."""

    name: str
    version: int
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished text and the template version that it came from."""

    template: str
    version: int
    title: str
    body: str


def in_force(templates: Iterable[Template]) -> Mapping[str, Template]:
    """The highest version of each template."""
    found: dict[str, Template] = {}
    for template in templates:
        known = found.get(template.name)
        if known is None or template.version > known.version:
            found[template.name] = template
    return found


def moment(at: datetime) -> str:
    """A point in time as people in the district say it: 3月5日 09:00."""
    local = at.astimezone(_ZONE)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def day_said(at: datetime) -> str:
    """The day of a point in time as people in the district say it: 3月5日."""
    local = at.astimezone(_ZONE)
    return f"{local.month}月{local.day}日"


def english_moment(at: datetime | str) -> str:
    """A point in time in English, given or as stored: 5 Mar 09:00."""
    local = _local(at)
    return f"{local.day} {_MONTHS[local.month - 1]} {local:%H:%M}"


def english_day(at: datetime | str) -> str:
    """The day of a point in time in English: 5 Mar."""
    local = _local(at)
    return f"{local.day} {_MONTHS[local.month - 1]}"


def _local(at: datetime | str) -> datetime:
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(_ZONE)


def plural(number: int, noun: str) -> str:
    """An English noun as it follows a number."""
    return noun if number == 1 else f"{noun}s"


def one_line(text: str) -> str:
    """Text without line breaks or control characters: a title is a mail subject too.

    Only controls go; rare and private-use characters of names stay, whatever the interpreter's Unicode tables say.
    """
    return " ".join(_CONTROLS.sub(" ", text).split())
