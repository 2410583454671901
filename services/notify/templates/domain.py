"""Templates as data: which version of which wording is in force."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

__all__ = ["Rendered", "Template", "day_said", "in_force", "moment", "one_line"]

_ZONE = ZoneInfo("Asia/Shanghai")
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


def one_line(text: str) -> str:
    """Text without line breaks or control characters: a title is a mail subject too.

    Only controls go; rare and private-use characters of names stay, whatever the interpreter's Unicode tables say.
    """
    return " ".join(_CONTROLS.sub(" ", text).split())
