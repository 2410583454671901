"""The district's figures and what each of them means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

__all__ = ["FORMULAS", "clamp", "ratio"]

FORMULAS: Mapping[str, str] = {
    "sites": "sites founded and not closed by `to`, by kind; total = centre + institute + station, without points",
    "teams": "teams founded and not closed by `to`, by kind",
    "themes": "themes founded and not closed by `to`",
    "activities": "activities that were opened, not called off, and whose first shift starts in [from, to), without "
    "the services of orders, which are counted there",
    "drives": "drives that are open at some moment of [from, to), by kind of place",
    "appeals": "appeals published before `to`",
    "projects": "brand projects not closed by `to`",
    "honours": "honours of brand projects",
    "volunteers.registered": "volunteers registered or imported before `to`, cumulative",
    "volunteers.participants": "distinct people with a confirmed record that starts in [from, to), not an imported one",
    "volunteers.participations": "person-times: distinct pairs of volunteer and shift among those records",
    "residents_served": "sum of the person-times entered when the activities of the period were closed",
    "coverage": "per level: sites with a team and an opened activity in [from, to) / sites, those closed by `to` and "
    "service points aside",
    "docking": "teams docked with a site on `to` / teams, those closed by `to` in neither",
    "records": "confirmed records that start in [from, to), scanned, kiosk, leader and backfilled",
    "minutes": "whole minutes of those records",
    "credit_minutes": "minutes of the scanned, kiosk and leader's records among them (信用时数)",
    "honour_minutes": "minutes of the backfilled ones (荣誉时数)",
    "imported_minutes": "minutes of prior hours imported before `to`, which are in no other figure",
    "waiting": "closed records of the period that still wait for a confirmation",
    "pillars": "opened activities of the period by the pillar of their theme",
}


def clamp(as_of: datetime | None, horizon: datetime) -> datetime | None:
    """The instant `as_of`, but not later than the horizon below which nothing can still commit."""
    return None if as_of is None else min(as_of, horizon)


def ratio(part: Any, whole: Any) -> float:
    """part / whole to four places; 0 when there is nothing to cover."""
    return round(int(part) / int(whole), 4) if whole else 0.0
