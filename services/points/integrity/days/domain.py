"""A person's day: two sites at once, hours without a check-in, hours beyond what a day bears. Pure.

A day (of the district) holds the records whose time touches it, each as it stands. A day is judged when one of its
records changed; findings about others only were reported when those changed.
"""

from collections.abc import Container, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from services.points.integrity.terms.domain import (
    DAY_SECONDS,
    Flag,
    Kind,
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

__all__ = ["MOST_DAYS", "Day", "DayEntry", "entry_of", "judge_person", "minutes_within", "shared_minutes", "spans_of"]

MOST_DAYS: Final = 4
"""A record that lasts longer is checked on its first days only."""


class DayEntry(NamedTuple):
    """A record in a day, from and until when in Unix seconds."""

    start: int
    end: int
    minutes: int
    site_id: str | None
    provenance: str
    confirmed: bool

    @property
    def device_class(self) -> str:
        """Whose thresholds hold for it."""
        return class_of(self.provenance)

    @property
    def unwitnessed(self) -> bool:
        """No scan of the person's own: entered afterwards, a leader's roll-call, a card held to a kiosk."""
        return self.provenance in ("backfilled", "leader", "kiosk")


Day = Mapping[UUID, DayEntry]


def entry_of(seen: SeenRevision) -> DayEntry | None:
    """The entry of a revision in a day; None if it is void, open, imported, or lasted no time."""
    if seen.status == "void" or seen.ended_at is None or seen.provenance == "imported":
        return None
    start, end = seconds(seen.started_at), seconds(seen.ended_at)
    if end <= start or not seen.minutes:
        return None
    site = None if seen.site_id is None else str(seen.site_id)
    return DayEntry(start, end, seen.minutes, site, seen.provenance, seen.status == "confirmed")


def spans_of(entry: DayEntry) -> tuple[TimeWindow, ...]:
    """The days that a record's time touches."""
    spans = [span_of(entry.start)]
    while spans[-1].end < entry.end and len(spans) < MOST_DAYS:
        spans.append(TimeWindow(spans[-1].end, spans[-1].end + DAY_SECONDS))
    return tuple(spans)


def judge_person(
    thresholds: ThresholdsInForce, volunteer_id: UUID, records: Day, changed: Container[UUID]
) -> list[Flag]:
    """The findings of a person's days that a changed record is part of.

    Args:
        records: all of the person whose time touches these days; others do no harm.
        changed: ids of records; those that are not among ``records`` are in no day.
    """
    days: dict[TimeWindow, dict[UUID, DayEntry]] = {}
    for span in {span for key, entry in records.items() if key in changed for span in spans_of(entry)}:
        days[span] = {}
    for record_id, entry in records.items():
        for span in spans_of(entry):
            if span in days:
                days[span][record_id] = entry
    flags: list[Flag] = []
    for span, day in sorted(days.items()):
        here = frozenset(key for key in day if key in changed)
        flags += _judge(thresholds.at(day_of(span.start)), volunteer_id, span, day, here)
    return flags


def _judge(
    thresholds: Thresholds, volunteer_id: UUID, span: TimeWindow, day: Day, changed: frozenset[UUID]
) -> list[Flag]:
    flags = _two_sites(thresholds, volunteer_id, span, day, changed)
    confirmed = {key: entry for key, entry in day.items() if entry.confirmed}
    total = minutes_within(span, confirmed)
    if not changed.isdisjoint(confirmed) and total > thresholds.long_day:
        flags.append(_of_day("long-day", thresholds, volunteer_id, span, confirmed, total, thresholds.long_day))
    for named in sorted({day[key].device_class for key in changed if day[key].unwitnessed}):
        limit = thresholds.no_check_in.get(named)
        alike = {key: held for key, held in day.items() if held.unwitnessed and held.device_class == named}
        if limit is not None and (total := minutes_within(span, alike)) >= limit:
            flags.append(_of_day("no-check-in", thresholds, volunteer_id, span, alike, total, limit, named))
    return flags


def minutes_within(span: TimeWindow, entries: Day) -> int:
    """Whole minutes of records within a window; each record's own minutes where they are fewer."""
    found = 0
    for entry in entries.values():
        shared = min(span.end, entry.end) - max(span.start, entry.start)
        found += min(entry.minutes, max(0, shared) // 60)
    return found


def shared_minutes(one: DayEntry, other: DayEntry) -> int:
    """Whole minutes that two records have in common."""
    return max(0, min(one.end, other.end) - max(one.start, other.start)) // 60


def _of_day(
    kind: Kind,
    thresholds: Thresholds,
    volunteer_id: UUID,
    span: TimeWindow,
    entries: Day,
    measured: int,
    limit: int,
    device_class: str | None = None,
) -> Flag:
    day = day_of(span.start).isoformat()
    return Flag(
        kind,
        "volunteer",
        str(volunteer_id),
        day if device_class is None else f"{day}|{device_class}",
        tuple((key, volunteer_id) for key in sorted(entries)),
        sites_of(entry.site_id for entry in entries.values()),
        {"day": day, "measured": measured, "limit": limit, "unit": "minutes"}
        | ({} if device_class is None else {"class": device_class}),
        thresholds.version,
    )


def _two_sites(
    thresholds: Thresholds, volunteer_id: UUID, span: TimeWindow, day: Day, changed: frozenset[UUID]
) -> list[Flag]:
    """Pairs of which one record changed, each once."""
    flags: list[Flag] = []
    ordered = sorted(day.items())
    for place, (one_id, one) in enumerate(ordered):
        others = (
            ordered[place + 1 :] if one_id in changed else [pair for pair in ordered[place + 1 :] if pair[0] in changed]
        )
        for other_id, other in others:
            limit = _apart(thresholds, one, other)
            begin, end = max(one.start, other.start), min(one.end, other.end)
            # Two that share time over midnight meet in both days; it is reported for the first.
            if limit is None or shared_minutes(one, other) < limit or not span.start <= begin < span.end:
                continue
            evidence = {
                "day": day_of(begin).isoformat(),
                "from": iso(begin),
                "to": iso(end),
                "measured": shared_minutes(one, other),
                "limit": limit,
                "unit": "minutes",
            }
            about = f"{one_id}|{other_id}"
            records = ((one_id, volunteer_id), (other_id, volunteer_id))
            sites = sites_of((one.site_id, other.site_id))
            version = thresholds.version
            flags.append(Flag("two-sites", "volunteer", str(volunteer_id), about, records, sites, evidence, version))
    return flags


def _apart(thresholds: Thresholds, one: DayEntry, other: DayEntry) -> int | None:
    """How many minutes two records must share to be at two sites at once; None if they cannot be."""
    if not (one.confirmed and other.confirmed) or None in (one.site_id, other.site_id) or one.site_id == other.site_id:
        return None
    limits = [thresholds.two_sites.get(entry.device_class) for entry in (one, other)]
    return None if None in limits else max(limit for limit in limits if limit is not None)
