"""A7, A8: what lies on the shelves, and what was sent to people."""

from __future__ import annotations

from ops.audit.model import Check
from ops.audit.sql import SQL, rows
from shared.postgres import Tx


async def stock(tx: Tx) -> Check:
    """A7: free + reserved + handed over = received, per reward and site, each counted anew; never negative.

    What a count of a shelf found too much or too little has a receipt.
    """
    check = Check("A7", "free + reserved + handed over = received, per reward and site")
    check.examined = await tx.fetchval(SQL["stock_counted"])
    async for row in rows(tx, "stock_out_of_balance"):
        figures = (
            f"received {row['received']} (receipts {row['receipts']}), free {row['free']}, reserved {row['reserved']} "
            f"(held {row['held_now']}), handed over {row['handed_over']} (redeemed {row['captured_now']})"
        )
        check.add_violation(f"reward {row['reward_id']} at site {row['site_id']}", figures)
    async for row in rows(tx, "counts_against_receipts"):
        receipt = "has no receipt" if row["quantity"] is None else f"its receipt says {row['quantity']}"
        shelf = "" if row["quantity"] is None or row["same_shelf"] else ", of another shelf"
        check.add_violation(
            f"count {row['count_id']}", f"found {row['counted']} where {row['expected']} were due, {receipt}{shelf}"
        )
    async for row in rows(tx, "redemptions_against_holds"):
        figures = (
            f"{row['status']} for {row['points']} points, its hold is {row['hold_status']} for {row['hold_points']}"
        )
        check.add_violation(f"redemption {row['redemption_id']}", figures)
    return check


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
