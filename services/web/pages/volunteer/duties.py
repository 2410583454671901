"""Shifts as the volunteer sees them: own ones with what became of them, and those that still take people."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from services.web.pages.public.district import district_now
from services.web.pages.public.rules import rule_said, worth_of
from services.web.pages.visit import Visit
from services.web.pages.wording import parse

__all__ = ["of_records", "open_shifts", "own"]

SHOWN = 8
"""Shifts on the volunteer's page; a phone's screen holds no more with large type."""
LATE = timedelta(hours=4)
"""How long after a shift's end nothing can be done about it here any more."""


async def own(visit: Visit, most: int = SHOWN) -> dict[str, Any]:
    """Own sign-ups, newest first, each with the latest record of its shift; running service first."""
    now, waits, swaps, signups, records = await asyncio.gather(
        district_now(visit),
        visit.get_optional("recruitment", "/waitlist", live="true", limit="20"),
        visit.get_optional("recruitment", "/swaps"),
        visit.get_optional("recruitment", "/signups", status="active", limit="20"),
        visit.get_optional("recruitment", "/attendance/records", volunteer_id=visit.volunteer(), limit="50"),
    )
    if signups is None:
        return {"duties": None}
    by_shift = of_records(records["items"] if records else [])
    found = [
        {
            **signup,
            "record": by_shift.get(signup["shift_id"]),
            "over": parse(signup["ends_at"]) + LATE < now,
            "late": now > parse(signup["starts_at"]) - timedelta(minutes=signup["withdraw_minutes"]),
        }
        for signup in signups["items"]
    ]
    found.sort(key=_urgency)
    me = visit.volunteer()
    return {
        "duties": found[:most],
        "more_duties": len(found) > most,
        "waits": waits["items"] if waits else [],
        "swaps": [each for each in swaps["items"] if each["to_id"] == me] if swaps else [],
    }


async def open_shifts(visit: Visit, most: int = SHOWN) -> dict[str, Any]:
    """Shifts that one can still sign up for, soonest first."""
    found, rule = await asyncio.gather(
        visit.get_optional("recruitment", "/shifts", limit=str(SHOWN * 2)), rule_said(visit)
    )
    if found is None:
        return {"shifts": None, "rule": rule}
    shown = [shift for shift in found["items"] if not shift.get("signup_id")][:most]
    worths = await asyncio.gather(*(worth_of(visit, shift) for shift in shown))
    shifts = [
        {**shift, "free": shift["capacity"] - shift["taken"], "worth": worth}
        for shift, worth in zip(shown, worths, strict=True)
    ]
    return {"shifts": shifts, "rule": rule}


def _urgency(duty: Mapping[str, Any]) -> tuple[int, float]:
    """Sort shifts: the present one, then those to come, soonest first, then those that are over, latest first."""
    starts = parse(duty["starts_at"]).timestamp()
    if duty["record"]:
        return (0, starts) if duty["record"]["open"] else (2, -starts)
    return (2, -starts) if duty["over"] else (1, starts)


def of_records(records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The latest record of each shift, void ones left out; records come newest first."""
    latest: dict[str, dict[str, Any]] = {}
    for record in records:
        shift_id = record.get("shift_id")
        if shift_id is not None and record["status"] != "void":
            latest.setdefault(shift_id, {**record, "open": record.get("ended_at") is None})
    return latest
