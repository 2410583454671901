"""Findings across streams: what records look like beside approvals, sign-ups, pickups and drives. Pure.

Each judges a whole set (a month, a shift, a drive), so that what it finds follows from the set and not from its order.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from services.points.integrity.reviews.domain import About
from services.points.integrity.terms.domain import (
    Flag,
    Kind,
    SubjectKind,
    Thresholds,
    day_of,
    iso,
    seconds,
    sites_of,
)

__all__ = [
    "CrossApproval",
    "OpenedShift",
    "PhonePickup",
    "Recruited",
    "RecruitingEvent",
    "Seat",
    "Unsigned",
    "filled_at_once",
    "idle_drive",
    "mutual_approvals",
    "never_signed_up",
    "pair_of",
    "shared_pickups",
]

CHOSEN: Final = (None, "self", "staff")
"""Sources of places that compete: a team's list, the waitlist, swaps and walk-ins do not."""


class CrossApproval(NamedTuple):
    """A record of one account that another one approved."""

    recorded_by: UUID
    decided_by: UUID
    about: About


class Seat(NamedTuple):
    """A place that a volunteer took, and when."""

    volunteer_id: UUID
    placed_at: datetime
    source: str | None


class OpenedShift(NamedTuple):
    """A shift with so many places, since when these could be taken, and those who took one."""

    shift_id: UUID
    starts_at: datetime
    opened_at: datetime
    places: int
    seats: Collection[Seat]


class Unsigned(NamedTuple):
    """A record of a shift for which its volunteer had not signed up before they came."""

    recorder: str
    device_class: str
    about: About


class PhonePickup(NamedTuple):
    """A reward that was handed over and had been redeemed on a phone."""

    phone: str
    redemption_id: UUID
    volunteer_id: UUID
    site_id: UUID


class RecruitingEvent(NamedTuple):
    """A recruitment drive, and when it was over."""

    drive_id: UUID
    site_id: UUID
    ends_at: datetime


class Recruited(NamedTuple):
    """A person whom a drive registered, and whether they have served since."""

    volunteer_id: UUID
    served: bool


def pair_of(one: UUID, other: UUID) -> str:
    """Two accounts as the subject of a case, in whichever order they are named."""
    return "|".join(sorted((str(one), str(other))))


def mutual_approvals(thresholds: Thresholds, first: date, approved: Iterable[CrossApproval]) -> list[Flag]:
    """Pairs of accounts that approved each other's records in the month that begins with ``first``.

    Measured is the smaller of both directions: an approver is no finding, two who take turns are.
    """
    limit = thresholds.mutual_approvals
    ways: dict[str, dict[UUID, set[About]]] = {}
    for one in approved:
        if one.recorded_by != one.decided_by:
            pair = ways.setdefault(pair_of(one.recorded_by, one.decided_by), {})
            pair.setdefault(one.recorded_by, set()).add(one.about)
    flags = []
    for pair_name, sides in sorted(ways.items()):
        measured = min(len({about.record_id for about in side}) for side in sides.values()) if len(sides) == 2 else 0
        if limit is None or measured < limit:
            continue
        evidence = {"day": first.isoformat(), "measured": measured, "limit": limit, "unit": "records"}
        about = [one for side in sides.values() for one in side]
        month = first.isoformat()[:7]
        flags.append(_flag(thresholds, "mutual-approvals", "pair", pair_name, month, evidence, about))
    return flags


def filled_at_once(thresholds: Thresholds, shift: OpenedShift, served: Iterable[About]) -> Flag | None:
    """The finding about a shift whose places were taken within minutes of its opening: those who served of them."""
    limits = thresholds.filled_at_once
    if limits is None:
        return None
    until = shift.opened_at + timedelta(minutes=limits.minutes)
    quick = {
        seat.volunteer_id
        for seat in shift.seats
        if seat.source in CHOSEN and shift.opened_at <= seat.placed_at <= until
    }
    about = [one for one in set(served) if one.volunteer_id in quick]
    people = len({one.volunteer_id for one in about})
    if people < limits.people or 100 * len(quick) < limits.percent * shift.places:
        return None
    evidence = {
        "day": day_of(seconds(shift.starts_at)).isoformat(),
        "from": iso(seconds(shift.opened_at)),
        "to": iso(seconds(until)),
        "measured": people,
        "limit": limits.people,
        "unit": "people",
        "taken": len(quick),
        "places": shift.places,
        "minutes": limits.minutes,
    }
    return _flag(thresholds, "filled-at-once", "shift", str(shift.shift_id), "opening", evidence, about)


def never_signed_up(thresholds: Thresholds, first: date, unsigned: Iterable[Unsigned]) -> list[Flag]:
    """Recorders with many records, in the month that begins with ``first``, of people who had not signed up."""
    found: dict[tuple[str, str], set[About]] = {}
    for one in unsigned:
        found.setdefault((one.recorder, one.device_class), set()).add(one.about)
    flags = []
    for (recorder, named), about in sorted(found.items()):
        limit, measured = thresholds.never_signed_up.get(named), len({one.record_id for one in about})
        if limit is None or measured < limit:
            continue
        evidence = {"day": first.isoformat(), "measured": measured, "limit": limit, "unit": "records", "class": named}
        month = f"{first.isoformat()[:7]}|{named}"
        flags.append(_flag(thresholds, "never-signed-up", "recorder", recorder, month, evidence, about))
    return flags


def shared_pickups(thresholds: Thresholds, first: date, pickups: Iterable[PhonePickup]) -> list[Flag]:
    """Phones on which many people's rewards were redeemed that were handed over in the month from ``first`` on."""
    phones: dict[str, set[PhonePickup]] = {}
    for one in pickups:
        phones.setdefault(one.phone, set()).add(one)
    flags = []
    for phone, found in sorted(phones.items()):
        limit, measured = thresholds.shared_pickups, len({one.volunteer_id for one in found})
        if limit is None or measured < limit:
            continue
        flags.append(
            Flag(
                "shared-pickups",
                "device",
                phone,
                first.isoformat()[:7],
                (),
                sites_of(str(one.site_id) for one in found),
                {"day": first.isoformat(), "measured": measured, "limit": limit, "unit": "people"},
                thresholds.version,
                people=tuple(sorted((one.volunteer_id, one.redemption_id) for one in found)),
            )
        )
    return flags


def idle_drive(thresholds: Thresholds, drive: RecruitingEvent, registered: Iterable[Recruited]) -> Flag | None:
    """The finding about a drive that registered many people of whom next to none has served since."""
    limits, found = thresholds.idle_drives, set(registered)
    if limits is None or len(found) < limits.people:
        return None
    idle = [one for one in found if not one.served]
    limit = len(found) - len(found) * limits.served_percent // 100
    if len(idle) < limit:
        return None
    evidence = {
        "day": day_of(seconds(drive.ends_at)).isoformat(),
        "measured": len(idle),
        "limit": limit,
        "unit": "people",
        "registered": len(found),
        "days": limits.days,
    }
    return Flag(
        "idle-drives",
        "drive",
        str(drive.drive_id),
        "service",
        (),
        (drive.site_id,),
        evidence,
        thresholds.version,
        people=tuple(sorted((one.volunteer_id, None) for one in idle)),
    )


def _flag(
    thresholds: Thresholds,
    kind: Kind,
    subject_kind: SubjectKind,
    subject: str,
    about: str,
    evidence: dict[str, object],
    records: Iterable[About],
) -> Flag:
    found = set(records)
    sites = sites_of(None if one.site_id is None else str(one.site_id) for one in found)
    pairs = tuple(sorted({(one.record_id, one.volunteer_id) for one in found}))
    return Flag(kind, subject_kind, subject, about, pairs, sites, evidence, thresholds.version)
