"""What recorders and devices do: bursts, and many accounts on one phone. Pure.

Bringing a record in, or scanning with a phone, is an act that no later revision undoes. Ten minutes of a recorder begin
every five, so that no burst of five minutes falls between two windows; a device has its day. A window keeps what proves
it and no more: once it is full, each record that comes into it is flagged by itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.points.integrity.terms.domain import (
    PHONE,
    Flag,
    Seen,
    Span,
    Thresholds,
    ThresholdsInForce,
    class_of,
    day_of,
    day_span,
    iso,
    seconds,
    sites_of,
)

__all__ = ["BURST_SECONDS", "BURST_STEP", "Act", "ActKind", "Window", "acts_of", "judge", "windows_of"]

ActKind = Literal["burst", "many-accounts"]
BURST_SECONDS: Final = 600
BURST_STEP: Final = 300

Window = Mapping[str, Sequence[str]]
"""Per volunteer their records, each as ``record|site``."""


class Act(NamedTuple):
    """Somebody, or a device, brought a record in; ``at`` says into which windows it falls."""

    kind: ActKind
    subject: str
    provenance: str
    record_id: UUID
    volunteer_id: UUID
    site_id: UUID | None
    at: datetime

    @property
    def place(self) -> str:
        """What has windows of its own."""
        return f"{self.kind}|{class_of(self.provenance)}|{self.subject}"


def acts_of(thresholds: ThresholdsInForce, seen: Seen) -> list[Act]:
    """What bringing this revision in was: the work of a recorder, the use of a device; neither for imported hours.

    A record is brought in by its first revision; hours entered by hand also by whoever enters them anew. A phone is
    used by the check-in and by the check-out, as one may check out many who came with phones of their own.
    """
    anew = seen.provenance == "backfilled" and seen.closed_by == "correction"
    brought_in = seen.provenance != "imported" and (seen.revision == 1 or anew)
    found, named = thresholds.at(day_of(seconds(seen.started_at))), class_of(seen.provenance)
    what = (seen.provenance, seen.record_id, seen.volunteer_id, seen.site_id)
    acts: list[Act] = []
    burst = found.burst.get(named)
    if brought_in and seen.recorded_by is not None and burst is not None:
        at = seen.told_at if burst.by == "posted" else seen.ended_at
        if at is not None:
            acts.append(Act("burst", str(seen.recorded_by), *what, at))
    if found.many_accounts.get(named) is not None and seen.device_ref is not None and _uses(seen, brought_in):
        acts.append(Act("many-accounts", seen.device_ref, *what, seen.started_at))
    return acts


def _uses(seen: Seen, brought_in: bool) -> bool:
    """Whether the revision tells of a use of its device, under the limits of that device's class.

    Those of ``others`` are for volunteers' phones: what a registered device enters afterwards is a recorder's work.
    """
    phone = seen.device_ref is not None and seen.device_ref.startswith(PHONE)
    if seen.provenance == "scanned":
        return phone and (brought_in or seen.closed_by == "self")
    return brought_in and not phone and class_of(seen.provenance) != "others"


def windows_of(act: Act) -> tuple[Span, ...]:
    """The windows that an act falls into."""
    at = seconds(act.at)
    if act.kind == "many-accounts":
        return (day_span(day_of(at)),)
    last = at - at % BURST_STEP
    return tuple(Span(start, start + BURST_SECONDS) for start in (last - BURST_STEP, last))


def judge(
    thresholds: ThresholdsInForce, span: Span, window: Window, act: Act
) -> tuple[dict[str, list[str]] | None, Flag | None]:
    """(The window with the act in it, or None if it stays as it is; what was found)."""
    found = thresholds.at(day_of(span.start))
    limit = _limit(found, act)
    if limit is None:
        return None, None
    held, person = f"{act.record_id}|{act.site_id or ''}", str(act.volunteer_id)
    known = held in window.get(person, ())
    if (size := _size(act, window)) >= limit:
        return None, _flag(found, span, window if known else {person: [held]}, act, size, limit)
    if known:
        return None, None
    grown = {key: list(records) for key, records in window.items()}
    grown.setdefault(person, []).append(held)
    size = _size(act, grown)
    return grown, _flag(found, span, grown, act, size, limit) if size >= limit else None


def _limit(thresholds: Thresholds, act: Act) -> int | None:
    named = class_of(act.provenance)
    if act.kind == "many-accounts":
        return thresholds.many_accounts.get(named)
    burst = thresholds.burst.get(named)
    return None if burst is None else burst.records


def _size(act: Act, window: Window) -> int:
    return len(window) if act.kind == "many-accounts" else sum(map(len, window.values()))


def _flag(thresholds: Thresholds, span: Span, window: Window, act: Act, measured: int, limit: int) -> Flag:
    day, named = day_of(span.start).isoformat(), class_of(act.provenance)
    held = [(person, *one.split("|")) for person, records in window.items() for one in records]
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
        tuple(sorted((UUID(record), UUID(person)) for person, record, _ in held)),
        sites_of(site for _, _, site in held),
        evidence,
        thresholds.version,
    )
