"""A person's day: two sites at once, hours without a check-in, hours beyond what a day bears. Pure.

A day (of the district) holds the records whose time touches it, each at its highest revision; which days a record lies
in is remembered beside, so that a revision that moves or voids it takes it out, and a lower one changes nothing.

Of one revision what came first stands, as in the ledger: a second content changes nothing. A revision is remembered as
stored after its findings were reported and its acts were sent, so one that comes again has nothing left to do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
    day_span,
    iso,
    seconds,
    sites_of,
)

__all__ = [
    "Day",
    "DayEntry",
    "DayStep",
    "RecordDays",
    "entry_of",
    "minutes_within",
    "shared_minutes",
    "spans_of",
    "step",
]

_MOST_DAYS: Final = 4
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


class RecordDays(NamedTuple):
    """The highest revision of a record that was applied, and the days that it lies in.

    One that lies in none (void, open, imported) has the day on which it began, so that it is forgotten like the others.
    ``missing`` are the lower revisions that have not come yet, from and to; mostly there are none.
    """

    revision: int
    spans: tuple[TimeWindow, ...]
    missing: tuple[tuple[int, int], ...] = ()


_UNSEEN: Final = RecordDays(0, ())


@dataclass(frozen=True, slots=True)
class DayStep:
    """The change by a revision: the days that differ, where the record stands, and the findings."""

    days: Mapping[TimeWindow, Day]
    standing: RecordDays
    flags: tuple[Flag, ...]


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
    spans = [day_span(day_of(entry.start))]
    while spans[-1].end < entry.end and len(spans) < _MOST_DAYS:
        spans.append(TimeWindow(spans[-1].end, spans[-1].end + DAY_SECONDS))
    return tuple(spans)


def step(
    thresholds: ThresholdsInForce, seen: SeenRevision, known: RecordDays | None, day: Callable[[TimeWindow], Day]
) -> DayStep | None:
    """Apply one revision; None if it was applied before, whatever it says now. A lower one changes no day.

    ``day`` gives what a window of this volunteer holds until now.
    """
    known = known or _UNSEEN
    if seen.revision <= known.revision:
        missing = tuple(_without(seen.revision, known.missing))
        return None if missing == known.missing else DayStep({}, known._replace(missing=missing), ())
    if seen.revision > known.revision + 1:
        known = known._replace(missing=(*known.missing, (known.revision + 1, seen.revision - 1)))
    entry = entry_of(seen)
    spans = () if entry is None else spans_of(entry)
    days: dict[TimeWindow, Day] = {}
    for span in known.spans:
        if span not in spans and seen.record_id in (held := day(span)):
            days[span] = {key: other for key, other in held.items() if key != seen.record_id}
    flags: list[Flag] = []
    for span in spans:
        assert entry is not None
        days[span] = {**day(span), seen.record_id: entry}
        flags += _judge(thresholds.at(day_of(span.start)), seen.volunteer_id, span, days[span], seen.record_id)
    remembered = spans or (day_span(day_of(seconds(seen.started_at))),)
    return DayStep(days, RecordDays(seen.revision, remembered, known.missing), tuple(flags))


def _without(revision: int, missing: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The missing revisions but for this one."""
    for first, last in missing:
        if not first <= revision <= last:
            yield first, last
            continue
        if first < revision:
            yield first, revision - 1
        if revision < last:
            yield revision + 1, last


def _judge(thresholds: Thresholds, volunteer_id: UUID, span: TimeWindow, day: Day, record_id: UUID) -> list[Flag]:
    """The findings of a day with this record in it; findings about others only were reported before."""
    changed = day[record_id]
    flags = _two_sites(thresholds, volunteer_id, span, day, record_id)
    confirmed = {key: entry for key, entry in day.items() if entry.confirmed}
    total = minutes_within(span, confirmed)
    if changed.confirmed and total > thresholds.long_day:
        flags.append(_of_day("long-day", thresholds, volunteer_id, span, confirmed, total, thresholds.long_day))
    limit = thresholds.no_check_in.get(changed.device_class)
    if limit is not None and changed.unwitnessed:
        named = changed.device_class
        alike = {key: held for key, held in day.items() if held.unwitnessed and held.device_class == named}
        if (total := minutes_within(span, alike)) >= limit:
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


def _two_sites(thresholds: Thresholds, volunteer_id: UUID, span: TimeWindow, day: Day, record_id: UUID) -> list[Flag]:
    mine = day[record_id]
    flags: list[Flag] = []
    for other_id, other in sorted(day.items()):
        limit = None if other_id == record_id else _apart(thresholds, mine, other)
        begin, end = max(mine.start, other.start), min(mine.end, other.end)
        # Two that share time over midnight meet in both days; it is reported for the first.
        if limit is None or shared_minutes(mine, other) < limit or not span.start <= begin < span.end:
            continue
        pair = sorted((record_id, other_id))
        evidence = {
            "day": day_of(begin).isoformat(),
            "from": iso(begin),
            "to": iso(end),
            "measured": shared_minutes(mine, other),
            "limit": limit,
            "unit": "minutes",
        }
        about, records = "|".join(map(str, pair)), tuple((key, volunteer_id) for key in pair)
        sites = sites_of((mine.site_id, other.site_id))
        version = thresholds.version
        flags.append(Flag("two-sites", "volunteer", str(volunteer_id), about, records, sites, evidence, version))
    return flags


def _apart(thresholds: Thresholds, one: DayEntry, other: DayEntry) -> int | None:
    """How many minutes two records must share to be at two sites at once; None if they cannot be."""
    if not (one.confirmed and other.confirmed) or None in (one.site_id, other.site_id) or one.site_id == other.site_id:
        return None
    limits = [thresholds.two_sites.get(entry.device_class) for entry in (one, other)]
    return None if None in limits else max(limit for limit in limits if limit is not None)
