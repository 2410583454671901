"""A8: what was sent to people."""

from __future__ import annotations

from ops.audit.model import Check
from ops.audit.sql import SQL, rows
from shared.postgres import Tx


async def deliveries(tx: Tx) -> Check:
    """A8: at most one delivery attempt in flight or done per event, recipient and channel."""
    check = Check("A8", "at most one delivery in flight or done per event, recipient and channel")
    check.examined = await tx.fetchval(SQL["deliveries_counted"])
    async for row in rows(tx, "attempts_repeated"):
        check.add_violation(
            _delivery(row), f"{row['attempts']} attempts in flight, done or unknown: {', '.join(row['outcomes'])}"
        )
    async for row in rows(tx, "deliveries_repeated"):
        check.add_violation(_delivery(row), f"{row['rows']} deliveries")
    async for row in rows(tx, "deliveries_against_attempts"):
        attempts = ", ".join(row["outcomes"]) or "none"
        check.add_violation(_delivery(row), f"the delivery is {row['status']}, its attempts are {attempts}")
    async for row in rows(tx, "messages_repeated"):
        check.add_violation(f"event {row['event_id']} to recipient {row['recipient_id']}", f"{row['rows']} messages")
    return check


def _delivery(row: object) -> str:
    return "event {event_id} to recipient {recipient_id} by {channel}".format_map(row)  # type: ignore[arg-type]
