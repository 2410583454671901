"""Meaning of the figures of orders. Pure."""

from collections.abc import Mapping
from typing import Final

__all__ = ["FORMULAS", "SATISFIED_STARS", "TOTAL_FORMULAS", "share"]

SATISFIED_STARS: Final = 4
"""A resident who gives as many stars is satisfied."""

TOTAL_FORMULAS: Mapping[str, str] = {
    "total": "orders placed in [from, to), each date of a series being one",
    "by_state": "those orders by the state that they are in",
    "rated": "orders that their resident rated",
    "rated_by_default": "orders that no resident rated within the deadline, apart from the rated ones",
    "on_time": "orders that were served before any deadline passed: no escalation, release or reminder",
    "escalated": "orders that at least one desk above took over",
    "reopened": "orders that were offered anew after a bad rating",
    "complaints": "orders with a complaint in a rating",
}
FORMULAS: Mapping[str, str] = {
    **TOTAL_FORMULAS,
    "satisfaction": "ratings of at least 4 stars / ratings given by residents",
    "satisfaction_with_defaults": "(ratings of at least 4 stars + ratings by default) / all ratings",
    "states": "median and longest time in each state, of the stays that are over",
    "needs_without_teams": "needs that can be ordered and that no open team with a leader serves",
    "teams_without_orders": "open teams with a need tag that accepted no order of the period",
}


def share(part: int, whole: int) -> float | None:
    """part / whole to four places; None where there is nothing to share."""
    return round(part / whole, 4) if whole else None
