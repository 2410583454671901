"""Docking: since when and until when a team serves the needs of a site. Pure; terms are half-open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal

__all__ = ["Docking", "dock", "docked_on", "undock"]


@dataclass(frozen=True, slots=True)
class Docking:
    """A team's docking with a site from ``since`` to ``until``; None lasts on."""

    docking_id: UUID
    team_id: UUID
    site_id: UUID
    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the team is docked with the site at an instant."""
        return self.since <= at and (self.until is None or at < self.until)


def dock(held: Sequence[Docking], new: Docking, now: datetime) -> Docking | DomainRefusal:
    """A docking that begins now or began earlier; the terms of one team with one site never overlap."""
    if new.since > now:
        return DomainRefusal("docking-in-future", "A docking begins now or began earlier.", 422)
    for each in held:
        if each.site_id != new.site_id:
            continue
        if each.until is None:
            return DomainRefusal(
                "docked-already",
                "The team is docked with this site already.",
                extra={"docking_id": str(each.docking_id), "since": each.since.isoformat()},
            )
        if new.since < each.until:
            return DomainRefusal(
                "docking-overlaps",
                f"The team was docked with this site until {each.until:%Y-%m-%d %H:%M %Z}; begin there or later.",
                extra={"docking_id": str(each.docking_id), "until": each.until.isoformat()},
            )
    return new


def undock(current: Docking, until: datetime | None, now: datetime) -> Docking | DomainRefusal:
    """The docking with its end, which is now or was earlier, but not before its beginning."""
    if current.until is not None:
        return DomainRefusal("docking-ended", "This docking has ended already.")
    if until is None:
        return replace(current, until=max(now, current.since))
    if not current.since <= until <= now:
        return DomainRefusal("docking-end-wrong", "A docking ends between its beginning and now.", 422)
    return replace(current, until=until)


def docked_on(held: Iterable[Docking], at: datetime) -> bool:
    """Whether a team with these dockings is docked at an instant, with any site."""
    return any(each.holds(at) for each in held)
