"""A3: what recruitment published has arrived at points, or it is known why not; and nothing else has."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from ops.audit.model import Check
from ops.audit.sql import SQL, rows
from shared.postgres import Tx

PUT_ASIDE = frozenset({"open", "discarded"})
Revision = tuple[UUID, int]


async def completeness(tx: Tx, *, settled: bool, direct_feed: bool = False) -> Check:
    """A3: every published revision is applied, superseded, or a dead letter, and every applied one was published.

    Events of one volunteer arrive in the order of sending. So a revision that is missing although a later one of the
    same volunteer was applied is lost; without one it may be on its way, which is a lag and, unless everything is said
    to have `settled`, no breach.

    Recruitment's own rows are the truth: a revision at points that recruitment never wrote, or with other content, was
    forged on the topic. `direct_feed` says that a test or a bench writes the topic without recruitment; there, unknown
    revisions are a note, and the first of two contents stands.
    """
    check = Check("A3", "every published attendance revision is applied, superseded or a dead letter")
    check.examined = await tx.fetchval(SQL["revisions_counted"])
    dead_lettered, conflicts = await _dead_letters(tx, check)
    lag = 0
    async for row in rows(tx, "revisions_missing"):
        if (row["record_id"], row["revision"]) in dead_lettered:
            continue
        reason = lost(row)
        if reason is None and settled:
            reason = "sent and not applied" if row["sent_at"] is not None else "not sent yet"
        if reason is None:
            lag += 1
        else:
            check.add_violation(f"record {row['record_id']} revision {row['revision']}", reason)
    if lag:
        check.notes.append(f"{lag} revisions are on their way")
    async for row in rows(tx, "contents_differ"):
        if not (direct_feed and (row["record_id"], row["revision"]) in conflicts):
            subject = f"record {row['record_id']} revision {row['revision']}"
            check.add_violation(subject, "points holds another content than recruitment published")
    await _never_published(tx, check, direct_feed=direct_feed)
    return check


async def _never_published(tx: Tx, check: Check, *, direct_feed: bool) -> None:
    """Revisions that points applied or counted and recruitment does not have."""
    if direct_feed:
        if unknown := await tx.fetchval(SQL["records_unknown_to_recruitment"]):
            check.notes.append(f"{unknown} records at points were not published by recruitment")
        return
    async for row in rows(tx, "revisions_never_published"):
        source = "counted for a team" if row["volunteer_id"] is None else f"in points.{row['source']}"
        detail = f"forged: {source}, never written by recruitment"
        if row["volunteer_id"] is not None:
            detail += f"; volunteer {row['volunteer_id']}, {row['minutes']} minutes, event {row['event_id']}"
        check.add_violation(f"record {row['record_id']} revision {row['revision']}", detail)


def lost(row: Any) -> str | None:
    """Why a missing revision will never come, if that is so."""
    if row["outbox_id"] is None:
        return "published, no longer in the outbox, and never applied"
    if row["applied_up_to"] is not None and row["outbox_id"] < row["applied_up_to"]:
        return "not applied, although later events of the same volunteer were"
    return None


async def _dead_letters(tx: Tx, check: Check) -> tuple[set[Revision], set[Revision]]:
    dead_lettered: set[Revision] = set()
    conflicts: set[Revision] = set()
    async for row in rows(tx, "dead_attendance"):
        revision = revision_of(row["value"])
        if row["kind"] == "conflict":
            what = "an unreadable record" if revision is None else f"record {revision[0]} revision {revision[1]}"
            check.notes.append(f"conflicting second content of {what}: dead letter {row['id']}, {row['status']}")
        if revision is None:
            continue
        if row["status"] in PUT_ASIDE:
            dead_lettered.add(revision)
        if row["kind"] == "conflict":
            conflicts.add(revision)
    return dead_lettered, conflicts


def revision_of(value: bytes | None) -> Revision | None:
    """Which revision the bytes speak of, if they can be read at all."""
    try:
        data = orjson.loads(value or b"")
        return UUID(data["record_id"]), int(data["revision"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
