"""Opening hours and rota of a site by weekday, 1 is Monday. Pure; times are the district's, half-open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from uuid import UUID

__all__ = ["Duty", "Opening", "check_openings"]


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """Hours in which a site is open on one weekday."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True, order=True)
class Duty:
    """A team's duty at a site on one weekday."""

    weekday: int
    begins: time
    ends: time
    team_id: UUID


def check_openings(hours: Sequence[Opening], rota: Sequence[Duty]) -> None:
    """Hours of a day do not overlap; duties lie within them, and a team has one duty at a time.

    Raises:
        ValueError: they do.
    """
    for opening in hours:
        if opening.opens >= opening.closes:
            raise ValueError(f"weekday {opening.weekday}: it opens at {opening.opens:%H:%M} and must close later")
    for earlier, later in pairwise(sorted(hours)):
        if earlier.weekday == later.weekday and later.opens < earlier.closes:
            raise ValueError(f"weekday {later.weekday}: the hours from {later.opens:%H:%M} overlap those before")
    for duty in rota:
        if duty.begins >= duty.ends:
            raise ValueError(f"weekday {duty.weekday}: a duty from {duty.begins:%H:%M} ends later than that")
        if not any(_within(duty, opening) for opening in hours):
            raise ValueError(f"weekday {duty.weekday}: the duty from {duty.begins:%H:%M} lies outside of the hours")
    for first, second in pairwise(sorted(rota, key=lambda duty: (duty.team_id, duty))):
        same = first.team_id == second.team_id and first.weekday == second.weekday
        if same and second.begins < first.ends:
            raise ValueError(f"weekday {second.weekday}: a team has two duties at {second.begins:%H:%M}")


def _within(duty: Duty, opening: Opening) -> bool:
    return opening.weekday == duty.weekday and opening.opens <= duty.begins and duty.ends <= opening.closes
