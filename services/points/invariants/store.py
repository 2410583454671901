"""A1, A2, A6, A7: the schema of points against itself. PostgreSQL sums everything; only what is wrong comes back.

The command ``audit`` runs them beside the checks over several schemas, the worker of points in the background.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from services.points.invariants.domain import Check, transfers_named
from shared.postgres import Tx, load_queries

__all__ = ["CHECKS", "balances", "bounds", "equation", "lift_limits", "stock"]

_SQL = load_queries(__file__)
PREFETCH = 1000
_FIGURES = ("available", "held", "debt", "earned", "spent", "expired", "donated")
_LOT_FIGURES = ("awarded", "available", "expired")


async def balances(tx: Tx) -> Check:
    """A1: each materialised balance and lot is the sum of its transfers, and the accounts sum to zero."""
    check = Check("A1", "balances and lots are the sums of their transfers; accounts sum to zero")
    totals = await tx.fetchrow(_SQL["accounts_sum"])
    assert totals is not None
    check.examined = totals["transfers"]
    if totals["total"]:
        check.add_violation("all accounts", f"they sum to {totals['total']}, should be 0")
    async for row in _rows(tx, "balances_against_transfers"):
        check.differ(f"volunteer {row['volunteer_id']}", [(name, row[name], row[f"{name}_sum"]) for name in _FIGURES])
    async for row in _rows(tx, "lots_against_transfers"):
        subject = f"lot {row['bucket']} until {row['expires_on']} of volunteer {row['volunteer_id']}"
        check.differ(subject, [(name, row[name], row[f"{name}_sum"]) for name in _LOT_FIGURES])
    async for row in _rows(tx, "impossible_transfers"):
        accounts = f"{row['amount']} from account {row['debit']} to {row['credit']} in lot {row['lot_bucket']}"
        check.add_violation(
            f"transfer {row['transfer_id']} of volunteer {row['volunteer_id']}", f"{row['code']}: {accounts}"
        )
    return check


async def bounds(tx: Tx) -> Check:
    """A2: nothing below zero, no points beside debt, held is the sum of open holds, available that of open lots."""
    check = Check("A2", "no balance below zero, no points beside debt; held = open holds, available = open lots")
    check.examined = await tx.fetchval(_SQL["volunteers_counted"])
    async for row in _rows(tx, "balances_out_of_bounds"):
        figures = (
            f"available {row['available']} (in lots {row['in_lots']}), held {row['held']} (in open holds "
            f"{row['in_holds']}), debt {row['debt']}, lowest figure of a lot {row['lowest']}"
        )
        check.add_violation(f"volunteer {row['volunteer_id']}", figures)
    async for row in _rows(tx, "holds_against_transfers"):
        figures = f"{row['status']}, {row['points']} points, but its transfers hold {row['held']}, spent {row['spent']}"
        check.add_violation(f"hold {row['hold_id']}", f"{figures}; {transfers_named(row['transfer_ids'])}")
    return check


async def equation(tx: Tx) -> Check:
    """A6: issued = available + held + spent + expired + donated - debt, for each volunteer and the district."""
    check = Check("A6", "issued = available + held + spent + expired + donated - debt")
    check.examined = await tx.fetchval(_SQL["volunteers_counted"])
    async for row in _rows(tx, "equation_broken"):
        figures = ", ".join(f"{name} {row[name]}" for name in _FIGURES)
        check.add_violation(f"volunteer {row['volunteer_id']}", figures)
    total = await tx.fetchrow(_SQL["issued_and_owed"])
    assert total is not None
    placed = sum(total[name] for name in ("available", "held", "spent", "expired", "donated")) - total["debt"]
    if total["issued"] != placed:
        check.add_violation("the district", f"{total['issued']} points were issued, {placed} are accounted for")
    return check


async def stock(tx: Tx) -> Check:
    """A7: free + reserved + handed over = received, per reward and site, each counted anew; never negative.

    What a count of a shelf found too much or too little has a receipt.
    """
    check = Check("A7", "free + reserved + handed over = received, per reward and site")
    check.examined = await tx.fetchval(_SQL["stock_counted"])
    async for row in _rows(tx, "stock_out_of_balance"):
        figures = (
            f"received {row['received']} (receipts {row['receipts']}), free {row['free']}, reserved {row['reserved']} "
            f"(held {row['held_now']}), handed over {row['handed_over']} (redeemed {row['captured_now']})"
        )
        check.add_violation(f"reward {row['reward_id']} at site {row['site_id']}", figures)
    async for row in _rows(tx, "counts_against_receipts"):
        receipt = "has no receipt" if row["quantity"] is None else f"its receipt says {row['quantity']}"
        shelf = "" if row["quantity"] is None or row["same_shelf"] else ", of another shelf"
        check.add_violation(
            f"count {row['count_id']}", f"found {row['counted']} where {row['expected']} were due, {receipt}{shelf}"
        )
    async for row in _rows(tx, "redemptions_against_holds"):
        figures = (
            f"{row['status']} for {row['points']} points, its hold is {row['hold_status']} for {row['hold_points']}"
        )
        check.add_violation(f"redemption {row['redemption_id']}", figures)
    return check


CheckFunction = Callable[[Tx], Awaitable[Check]]
CHECKS: tuple[tuple[str, CheckFunction], ...] = (("A1", balances), ("A2", bounds), ("A6", equation), ("A7", stock))
"""The checks of this schema alone, by code, in the order in which they run."""


async def lift_limits(tx: Tx) -> None:
    """Let the statements of this transaction take as long as they need."""
    await tx.execute(_SQL["lift_limits"])


async def _rows(tx: Tx, name: str) -> AsyncIterator[Any]:
    async for row in tx.conn.cursor(_SQL[name], prefetch=PREFETCH):
        yield row
