"""Changes of waitlists as events."""

from datetime import datetime
from typing import Any

from services.recruitment.signups.events import SOURCE
from services.recruitment.signups.store import PlacingRow
from services.recruitment.signups.waitlist.domain import EndReason, EntryStatus, WaitlistEntry
from shared import outbox
from shared.cloudevents import Event
from shared.contracts import WaitlistEnded, WaitlistJoined, WaitlistOffered, WaitlistPromoted, WaitlistSkipped
from shared.contracts.base import Contract

__all__ = ["ended", "joined", "moved"]


def joined(found: PlacingRow, entry: WaitlistEntry, rank: int, now: datetime) -> Event[Any]:
    """The event of an entry that was made."""
    return _event(WaitlistJoined(**_facts(found, entry), **_times(found), rank=rank, joined_at=now), entry, now)


def moved(found: PlacingRow, entry: WaitlistEntry, now: datetime) -> Event[Any]:
    """The event of an entry that a free place went to, or passed."""
    facts = _facts(found, entry)
    if entry.status is EntryStatus.PLACED:
        assert entry.signup_id is not None
        data: Contract = WaitlistPromoted(**facts, **_times(found), signup_id=entry.signup_id, promoted_at=now)
    elif entry.status is EntryStatus.OFFERED:
        assert entry.offer_until is not None
        data = WaitlistOffered(**facts, **_times(found), offered_at=now, offer_until=entry.offer_until)
    else:
        assert entry.skipped is not None
        data = WaitlistSkipped(**facts, cause=entry.skipped.value, skipped_at=now)
    return _event(data, entry, now)


def ended(found: PlacingRow, entry: WaitlistEntry, reason: EndReason, now: datetime) -> Event[Any]:
    """The event of an entry that ended without a place."""
    return _event(WaitlistEnded(**_facts(found, entry), cause=reason.value, ended_at=now), entry, now)


def _facts(found: PlacingRow, entry: WaitlistEntry) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "volunteer_id": entry.volunteer_id,
        "shift_id": entry.shift_id,
        "activity_id": found.shift.activity_id,
        "site_id": found.site_id,
    }


def _times(found: PlacingRow) -> dict[str, Any]:
    return {"activity_title": found.title, "starts_at": found.shift.starts_at, "ends_at": found.shift.ends_at}


def _event(data: Contract, entry: WaitlistEntry, now: datetime) -> Event[Any]:
    return outbox.event(data, source=SOURCE, aggregate_version=entry.version, time=now)
