"""Acts of recorders and devices, and many accounts on one phone. Pure.

Bringing a record in, or scanning with a phone, is an act that no later revision undoes. A device has its day, a
recorder any ten minutes (``bursts``).
"""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from services.points.integrity.terms.domain import (
    PHONE,
    Flag,
    SeenRevision,
    Thresholds,
    ThresholdsInForce,
    TimeWindow,
    class_of,
    day_of,
    iso,
    seconds,
    sites_of,
    span_of,
)

__all__ = ["Act", "ActKind", "acts_of", "flag_of", "judge_device", "window_of"]

ActKind = Literal["burst", "many-accounts"]


class Act(NamedTuple):
    """A recorder or a device entered a record; ``at`` says into which windows it falls."""

    kind: ActKind
    subject: str
    provenance: str
    record_id: UUID
    volunteer_id: UUID
    site_id: UUID | None
    at: datetime

    @property
    def place(self) -> str:
        """The subject of the act's windows."""
        return f"{self.kind}|{class_of(self.provenance)}|{self.subject}"

    @classmethod
    def at_place(cls, place: str, record_id: UUID, volunteer_id: UUID, site_id: UUID | None, at: datetime) -> "Act":
        """An act of which the place is known; its class stands for the provenance."""
        kind, named, subject = place.split("|", 2)
        return cls(
            "burst" if kind == "burst" else "many-accounts", subject, named, record_id, volunteer_id, site_id, at
        )


def acts_of(thresholds: ThresholdsInForce, seen: SeenRevision) -> list[Act]:
    """The acts of a revision: the work of a recorder, the use of a device; neither for imported hours.

    A record is entered by its first revision; hours entered by hand also by a later entry. A phone is
    used by the check-in and by the check-out, as one may check out many who came with phones of their own.
    """
    anew = seen.provenance == "backfilled" and seen.closed_by == "correction"
    brought_in = seen.provenance != "imported" and (seen.revision == 1 or anew)
    enters = brought_in and seen.recorded_by is not None
    uses = seen.device_ref is not None and _uses(seen, brought_in)
    if not enters and not uses:
        return []
    found, named = thresholds.at(day_of(seconds(seen.started_at))), class_of(seen.provenance)
    what = (seen.provenance, seen.record_id, seen.volunteer_id, seen.site_id)
    acts: list[Act] = []
    burst = found.burst.get(named)
    if enters and burst is not None:
        at = seen.emitted_at if burst.by == "posted" else seen.ended_at
        if at is not None:
            acts.append(Act("burst", str(seen.recorded_by), *what, at))
    if uses and found.many_accounts.get(named) is not None:
        acts.append(Act("many-accounts", str(seen.device_ref), *what, seen.started_at))
    return acts


def _uses(seen: SeenRevision, brought_in: bool) -> bool:
    """Whether the revision is a use of its device, under the limits of that device's class.

    Those of ``others`` are for volunteers' phones: what a registered device enters afterwards is a recorder's work.
    """
    phone = seen.device_ref is not None and seen.device_ref.startswith(PHONE)
    if seen.provenance == "scanned":
        return phone and (brought_in or seen.closed_by == "self")
    return brought_in and not phone and class_of(seen.provenance) != "others"


def window_of(act: Act) -> TimeWindow:
    """The day of its device that an act falls into."""
    return span_of(seconds(act.at))


def judge_device(thresholds: ThresholdsInForce, acts: Sequence[Act], changed: Container[UUID]) -> list[Flag]:
    """The findings of one device's days that an act about a changed record is part of.

    Args:
        acts: all of the device on these days; others do no harm.
    """
    if len(acts) < 2:  # no limit is lower
        return []
    days: dict[TimeWindow, list[Act]] = {}
    for act in acts:
        days.setdefault(window_of(act), []).append(act)
    flags: list[Flag] = []
    for span, held in sorted(days.items()):
        found, size = thresholds.at(day_of(span.start)), len({act.volunteer_id for act in held})
        limit = found.many_accounts.get(class_of(held[0].provenance))
        if limit is None or size < limit or not any(act.record_id in changed for act in held):
            continue
        about = [(str(act.volunteer_id), str(act.record_id), str(act.site_id or "")) for act in held]
        flags.append(flag_of(found, span, about, held[0], size, limit))
    return flags


def flag_of(
    thresholds: Thresholds, span: TimeWindow, held: Iterable[tuple[str, str, str]], act: Act, measured: int, limit: int
) -> Flag:
    """The flag for the acts of one subject, about (person, record, site) each; a site may be empty.

    It is about the day on which its window begins.
    """
    day, named = day_of(span.start).isoformat(), class_of(act.provenance)
    about = list(held)
    evidence = {
        "day": day,
        "from": iso(span.start),
        "to": iso(span.end),
        "measured": measured,
        "limit": limit,
        "unit": "records" if act.kind == "burst" else "people",
        "class": named,
    }
    return Flag(
        act.kind,
        "recorder" if act.kind == "burst" else "device",
        act.subject,
        f"{day}|{named}",
        tuple(sorted({(UUID(record), UUID(person)) for person, record, _ in about})),
        sites_of(site for _, _, site in about),
        evidence,
        thresholds.version,
    )
