"""The timers of orders: deadlines that passed, and orders that lost their site, team, shift or resident."""

from services.recruitment.orders import clockwork
from services.recruitment.orders.terms.domain import OrderPolicy
from shared.postgres import Database

__all__ = ["BATCH", "EVERY_SECONDS", "STRANDED_SECONDS", "run_due", "run_stranded"]

BATCH = 50
EVERY_SECONDS = 1.0
STRANDED_SECONDS = 15.0


async def run_due(db: Database, policy: OrderPolicy, *, batch: int = BATCH) -> int:
    """Do what the deadlines ask for now, one transaction per batch; returns how many orders.

    Raises:
        TransientError: the database is away; what was committed stays done.
    """
    async with db.transaction() as tx:
        return await clockwork.pass_deadlines(tx, policy, batch)


async def run_stranded(db: Database, policy: OrderPolicy, *, batch: int = BATCH) -> int:
    """Give open orders that lost something a way on, one transaction per batch; returns how many orders.

    Raises:
        TransientError: the database is away; what was committed stays done.
    """
    async with db.transaction() as tx:
        return await clockwork.rescue(tx, policy, batch)
