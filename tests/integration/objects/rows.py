"""Rows of the table of objects: who may call a route, and with which ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "ALL",
    "CENTRE",
    "LEADER",
    "OTHERS",
    "PURPOSE",
    "REASON",
    "STATION",
    "VERSION",
    "VOLUNTEER",
    "Row",
    "everybody",
]

OTHERS = ("stranger", "other_station", "other_operator", "other_leader", "resident", "engineer")
"""Callers who have nothing to do with the objects: another volunteer, staff of another site, …"""
ALL = frozenset(OTHERS)


@dataclass(frozen=True, slots=True)
class Row:
    """Who may call a route with the world's ids.

    ``rightful`` is who must not be refused (None: no call is tried, for the reason in ``why``); ``open_to`` are callers
    whom the route serves too, since the object is everybody's or the call acts on the caller alone. ``ids`` replaces
    ids in the path, ``body`` and ``query`` say what is sent instead of what the route's description suggests;
    ``hidden`` is an id that a listing must not show to others.
    """

    rightful: str | None
    open_to: frozenset[str] = frozenset()
    ids: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    hidden: str | None = None
    why: str = ""


def everybody(why: str, rightful: str | None = None, **more: Any) -> Row:
    """A route whose object is public."""
    return Row(rightful, ALL, why=why, **more)


STATION, LEADER, CENTRE, VOLUNTEER = Row("station"), Row("leader"), Row("operator"), Row("volunteer")
VERSION = {"version": 1}
PURPOSE = {"purpose": "核对保险"}
REASON = {"reason": "核对原件", "evidence": "签到表第3页"}
