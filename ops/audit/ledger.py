"""A1, A2, A6: the ledger against itself. Everything is summed by PostgreSQL; only what is wrong comes back."""

from __future__ import annotations

from collections.abc import Sequence

from ops.audit.model import Check
from ops.audit.sql import SQL, rows
from shared.postgres import Tx

_FIGURES = ("available", "held", "debt", "earned", "spent", "expired", "donated")
_LOT_FIGURES = ("awarded", "available", "expired")


def transfers_named(ids: Sequence[int]) -> str:
    """The transfers among which the wrong one is, or their absence, in words."""
    return f"transfers {', '.join(map(str, ids))}" if ids else "no transfers"


async def balances(tx: Tx) -> Check:
    """A1: each materialised balance and lot is the sum of its transfers, and the accounts sum to zero."""
    check = Check("A1", "balances and lots are the sums of their transfers; accounts sum to zero")
    totals = await tx.fetchrow(SQL["accounts_sum"])
    assert totals is not None
    check.examined = totals["transfers"]
    if totals["total"]:
        check.add_violation("all accounts", f"they sum to {totals['total']}, should be 0")
    async for row in rows(tx, "balances_against_transfers"):
        check.differ(f"volunteer {row['volunteer_id']}", [(name, row[name], row[f"{name}_sum"]) for name in _FIGURES])
    async for row in rows(tx, "lots_against_transfers"):
        subject = f"lot {row['bucket']} until {row['expires_on']} of volunteer {row['volunteer_id']}"
        check.differ(subject, [(name, row[name], row[f"{name}_sum"]) for name in _LOT_FIGURES])
    async for row in rows(tx, "impossible_transfers"):
        accounts = f"{row['amount']} from account {row['debit']} to {row['credit']} in lot {row['lot_bucket']}"
        check.add_violation(
            f"transfer {row['transfer_id']} of volunteer {row['volunteer_id']}", f"{row['code']}: {accounts}"
        )
    return check


async def bounds(tx: Tx) -> Check:
    """A2: nothing below zero, no points beside debt, held is the sum of open holds, available that of open lots."""
    check = Check("A2", "no balance below zero, no points beside debt; held = open holds, available = open lots")
    check.examined = await tx.fetchval(SQL["volunteers_counted"])
    async for row in rows(tx, "balances_out_of_bounds"):
        figures = (
            f"available {row['available']} (in lots {row['in_lots']}), held {row['held']} (in open holds "
            f"{row['in_holds']}), debt {row['debt']}, lowest figure of a lot {row['lowest']}"
        )
        check.add_violation(f"volunteer {row['volunteer_id']}", figures)
    async for row in rows(tx, "holds_against_transfers"):
        figures = f"{row['status']}, {row['points']} points, but its transfers hold {row['held']}, spent {row['spent']}"
        check.add_violation(f"hold {row['hold_id']}", f"{figures}; {transfers_named(row['transfer_ids'])}")
    return check


async def equation(tx: Tx) -> Check:
    """A6: issued = available + held + spent + expired + donated - debt, for each volunteer and the district."""
    check = Check("A6", "issued = available + held + spent + expired + donated - debt")
    check.examined = await tx.fetchval(SQL["volunteers_counted"])
    async for row in rows(tx, "equation_broken"):
        figures = ", ".join(f"{name} {row[name]}" for name in _FIGURES)
        check.add_violation(f"volunteer {row['volunteer_id']}", figures)
    total = await tx.fetchrow(SQL["issued_and_owed"])
    assert total is not None
    placed = sum(total[name] for name in ("available", "held", "spent", "expired", "donated")) - total["debt"]
    if total["issued"] != placed:
        check.add_violation("the district", f"{total['issued']} points were issued, {placed} are accounted for")
    return check
