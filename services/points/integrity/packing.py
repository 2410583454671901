"""Windows as the tables keep them: half as long, because each change of a window writes all of it to the changelog."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.points.integrity.acts.domain import Window
from services.points.integrity.domain import Cell, Day, DayEntry, Entered, RecordDays, TimeWindow

__all__ = [
    "pack_cell",
    "pack_day",
    "pack_standing",
    "pack_window",
    "unpack_cell",
    "unpack_day",
    "unpack_standing",
    "unpack_window",
]

_LENGTH = 22


def _short(text: str) -> str:
    return urlsafe_b64encode(UUID(text).bytes)[:_LENGTH].decode()


def _long(short: str) -> str:
    return str(UUID(bytes=urlsafe_b64decode(short + "==")))


def pack_day(day: Day) -> dict[str, list[Any]]:
    """Record → its entry, ids shortened."""
    return {
        _short(str(key)): [*entry._replace(site_id=None if entry.site_id is None else _short(entry.site_id))]
        for key, entry in day.items()
    }


def unpack_day(stored: Mapping[str, Sequence[Any]] | None) -> Day:
    """The day that was packed; empty if there is none."""
    found: dict[UUID, DayEntry] = {}
    for key, row in (stored or {}).items():
        entry = DayEntry(*row)
        site = None if entry.site_id is None else _long(entry.site_id)
        found[UUID(_long(key))] = entry._replace(site_id=site)
    return found


def pack_standing(standing: RecordDays) -> list[Any]:
    """Revision and days, and the revisions that are missing if there are any."""
    packed = [standing.revision, [list(span) for span in standing.spans]]
    return [*packed, [list(found) for found in standing.missing]] if standing.missing else packed


def unpack_standing(stored: Sequence[Any] | None) -> RecordDays | None:
    """Unpack a standing; None if there is nothing."""
    if stored is None:
        return None
    missing = tuple((first, last) for first, last in (stored[2] if len(stored) > 2 else ()))
    return RecordDays(stored[0], tuple(TimeWindow(*span) for span in stored[1]), missing)


def pack_window(window: Window) -> dict[str, list[str]]:
    """Person → their records, each with its site's place in the list under the empty name."""
    sites = sorted({held.partition("|")[2] for records in window.values() for held in records} - {""})
    place = {site: str(number) for number, site in enumerate(sites)} | {"": ""}
    packed = {"": [_short(site) for site in sites]}
    for person, records in window.items():
        parts = (held.partition("|") for held in records)
        packed[_short(person)] = [f"{_short(record)}{place[site]}" for record, _, site in parts]
    return packed


def unpack_window(stored: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]]:
    """The window that was packed; empty if there is none."""
    if not stored:
        return {}
    sites = [_long(site) for site in stored[""]]
    return {
        _long(person): [
            f"{_long(held[:_LENGTH])}|{sites[int(held[_LENGTH:])] if held[_LENGTH:] else ''}" for held in records
        ]
        for person, records in stored.items()
        if person
    }


def pack_cell(cell: Cell) -> list[Any]:
    """The first moment, the sites, and each record with how much later it was, whose it is and its site's place."""
    entries = sorted(cell)
    sites = sorted({entry.site_id for entry in entries} - {""})
    place, first = {site: number for number, site in enumerate(sites)} | {"": -1}, entries[0].at
    rows = [
        [entry.at - first, _short(entry.record_id), _short(entry.volunteer_id), place[entry.site_id]]
        for entry in entries
    ]
    return [first, [_short(site) for site in sites], rows]


def unpack_cell(stored: Sequence[Any] | None) -> Cell:
    """The cell that was packed; empty if there is none."""
    if not stored:
        return frozenset()
    first, sites = stored[0], [*map(_long, stored[1]), ""]
    return frozenset(
        Entered(first + later, _long(record), _long(person), sites[place]) for later, record, person, place in stored[2]
    )
