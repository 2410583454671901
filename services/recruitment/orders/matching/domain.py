"""Ranking of teams for an order, with the reasons. Pure; distances are steps in the tree of sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

__all__ = ["MatchReason", "TeamMatch", "TeamMeasure", "distance", "rank"]

_NEAREST, _STEP = 40, 10
_DOCKED, _SKILLED, _MOST_SKILLED = 15, 5, 4
_BUSY = 4
_USUAL_STARS, _STAR = 3.5, 8.0
_SELDOM = 3
"""With fewer ratings a team counts as usual, and no mean is shown."""


@dataclass(frozen=True, slots=True)
class TeamMeasure:
    """The measures of a team that serves the need: ``load`` counts its shifts of 30 days and its open orders."""

    team_id: UUID
    name: str
    site_id: UUID
    docked: bool
    skilled: int
    members: int
    load: int
    ratings: int
    stars: float | None
    declined: bool = False


@dataclass(frozen=True, slots=True)
class MatchReason:
    """One reason for the rank of a team: its code, the number that it rests on, and the points that it counts."""

    code: str
    value: float
    points: float


@dataclass(frozen=True, slots=True)
class TeamMatch:
    """A team with its score and the reasons that make it."""

    measure: TeamMeasure
    score: float
    reasons: tuple[MatchReason, ...]


def distance(parents: Mapping[UUID, UUID | None], a: UUID, b: UUID) -> int:
    """Steps between two sites in the tree; 0 for the same one."""
    above_a, above_b = _above(parents, a), _above(parents, b)
    shared = set(above_a) & set(above_b)
    if not shared:
        return len(above_a) + len(above_b)
    return min(above_a.index(each) + above_b.index(each) for each in shared)


def rank(parents: Mapping[UUID, UUID | None], site_id: UUID, teams: Sequence[TeamMeasure]) -> list[TeamMatch]:
    """The teams from the best on; equal scores in the order of their names."""
    matches = [_match(distance(parents, site_id, team.site_id), team) for team in teams if not team.declined]
    return sorted(matches, key=lambda each: (-each.score, each.measure.name, str(each.measure.team_id)))


def _match(steps: int, team: TeamMeasure) -> TeamMatch:
    reasons = [
        MatchReason("distance", steps, max(0, _NEAREST - _STEP * steps)),
        MatchReason("docked", int(team.docked), _DOCKED if team.docked else 0),
        MatchReason("skilled", team.skilled, _SKILLED * min(team.skilled, _MOST_SKILLED)),
        MatchReason("load", team.load, -_BUSY * float(team.load)),
    ]
    if team.stars is not None and team.ratings >= _SELDOM:
        points = round((team.stars - _USUAL_STARS) * _STAR, 2)
        reasons.append(MatchReason("rating", round(team.stars, 2), points))
    else:
        reasons.append(MatchReason("few-ratings", team.ratings, 0))
    return TeamMatch(team, round(sum(each.points for each in reasons), 2), tuple(reasons))


def _above(parents: Mapping[UUID, UUID | None], site_id: UUID) -> list[UUID]:
    found: list[UUID] = []
    place: UUID | None = site_id
    while place is not None and place not in found:
        found.append(place)
        place = parents.get(place)
    return found
