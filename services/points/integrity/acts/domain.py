"""Acts of recorders and devices, and many accounts on one phone. Pure.

Bringing a record in, or scanning with a phone, is an act that no later revision undoes. A device has its day, a
recorder any ten minutes (``bursts``). A day keeps what proves it and no more: once it is full, each record that comes
into it is flagged by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
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
    day_span,
    iso,
    seconds,
    sites_of,
)

__all__ = ["Act", "ActKind", "Window", "acts_of", "flag_of", "judge", "window_of"]

ActKind = Literal["burst", "many-accounts"]

Window = Mapping[str, Sequence[str]]
"""Per volunteer their records, each as ``record|site``."""


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


def acts_of(thresholds: ThresholdsInForce, seen: SeenRevision) -> list[Act]:
    """The acts of a revision: the work of a recorder, the use of a device; neither for imported hours.

    A record is entered by its first revision; hours entered by hand also by a later entry. A phone is
    used by the check-in and by the check-out, as one may check out many who came with phones of their own.
    """
    anew = seen.provenance == "backfilled" and seen.closed_by == "correction"
    brought_in = seen.provenance != "imported" and (seen.revision == 1 or anew)
    found, named = thresholds.at(day_of(seconds(seen.started_at))), class_of(seen.provenance)
    what = (seen.provenance, seen.record_id, seen.volunteer_id, seen.site_id)
    acts: list[Act] = []
    burst = found.burst.get(named)
    if brought_in and seen.recorded_by is not None and burst is not None:
        at = seen.emitted_at if burst.by == "posted" else seen.ended_at
        if at is not None:
            acts.append(Act("burst", str(seen.recorded_by), *what, at))
    if found.many_accounts.get(named) is not None and seen.device_ref is not None and _uses(seen, brought_in):
        acts.append(Act("many-accounts", seen.device_ref, *what, seen.started_at))
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
    return day_span(day_of(seconds(act.at)))


def judge(
    thresholds: ThresholdsInForce, span: TimeWindow, window: Window, act: Act
) -> tuple[dict[str, list[str]] | None, Flag | None]:
    """(A device's day with the act in it, or None if it stays as it is; what was found)."""
    found = thresholds.at(day_of(span.start))
    limit = found.many_accounts.get(class_of(act.provenance))
    if limit is None:
        return None, None
    held, person = f"{act.record_id}|{act.site_id or ''}", str(act.volunteer_id)
    known = held in window.get(person, ())
    if (size := len(window)) >= limit:
        return None, flag_of(found, span, _held(window if known else {person: [held]}), act, size, limit)
    if known:
        return None, None
    grown = {key: list(records) for key, records in window.items()}
    grown.setdefault(person, []).append(held)
    size = len(grown)
    return grown, flag_of(found, span, _held(grown), act, size, limit) if size >= limit else None


def _held(window: Window) -> list[tuple[str, str, str]]:
    """(Person, record, site)."""
    found = ((person, *one.partition("|")) for person, records in window.items() for one in records)
    return [(person, record, site) for person, record, _, site in found]


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
