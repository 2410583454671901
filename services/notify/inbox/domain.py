"""Which events become messages: one per thing that happened to a person, none that says what is no longer so."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

__all__ = ["Notice", "Selection", "select", "star_level"]

_STAR = re.compile(r"star[-_]?([1-9])\Z")


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of one event to one recipient: a volunteer or, with ``to_volunteer`` false, an account or a role.

    ``template`` is None for events that are no message but move an aggregate's version. ``outdates`` says that
    an older version is no longer news (a cancelled sign-up); without it an older version is still news (points
    were earned), only its state, ``stateful``, is not.
    """

    event_id: UUID
    recipient_id: UUID
    aggregate_id: str
    version: int
    correlation_id: str
    traceparent: str | None
    template: str | None
    params: Mapping[str, Any] = field(default_factory=dict)
    stateful: tuple[str, ...] = ()
    outdates: bool = True
    activity_id: UUID | None = None
    awarded_star: int | None = None
    revoked_star: int | None = None
    to_volunteer: bool = True


@dataclass(frozen=True, slots=True)
class Selection:
    """The messages to make, and what is known afterwards."""

    messages: tuple[Notice, ...]
    versions: Mapping[str, int]
    stars: Mapping[UUID, int]


def star_level(badge: str) -> int | None:
    """The level of a star badge such as ``star-3``; None for any other badge."""
    found = _STAR.search(badge)
    return int(found.group(1)) if found else None


def select(notices: Iterable[Notice], versions: Mapping[str, int], stars: Mapping[UUID, int]) -> Selection:
    """Decide which notices of a batch become messages.

    Args:
        notices: in the order in which they were read.
        versions: highest version seen so far of each aggregate among them.
        stars: highest star each volunteer was notified of.

    Events repeat and, after a repair, reorder; the outcome per event is the same each time it is seen, or nothing.
    """
    seen, announced = dict(versions), dict(stars)
    chosen: list[Notice] = []
    for notice in notices:
        newest = seen.get(notice.aggregate_id, 0)
        stale = notice.version < newest
        seen[notice.aggregate_id] = max(newest, notice.version)
        if not stale and notice.revoked_star is not None:
            announced[notice.recipient_id] = min(announced.get(notice.recipient_id, 0), notice.revoked_star - 1)
        if notice.template is None or (stale and notice.outdates):
            continue
        if notice.awarded_star is not None:
            if notice.awarded_star < announced.get(notice.recipient_id, 0):
                continue
            announced[notice.recipient_id] = notice.awarded_star
        chosen.append(_without_state(notice) if stale else notice)
    return Selection(tuple(_highest_star_only(chosen)), seen, announced)


def _without_state(notice: Notice) -> Notice:
    return replace(notice, params={**notice.params, **dict.fromkeys(notice.stateful)})


def _highest_star_only(chosen: list[Notice]) -> Iterable[Notice]:
    """Of several stars reached in one batch, as by an import of prior hours, only the highest is announced."""
    last: dict[UUID, UUID] = {n.recipient_id: n.event_id for n in chosen if n.awarded_star is not None}
    return (n for n in chosen if n.awarded_star is None or last[n.recipient_id] == n.event_id)
