"""The policy in force when a process starts."""

from services.points.badges import handlers as badges
from services.points.ledger.ingest import Policy
from services.points.rules import handlers as rules
from shared.postgres import Database

__all__ = ["policy_of"]


async def policy_of(db: Database) -> Policy:
    """Install the rules and criteria that the service ships; rules are read by generation as they are needed.

    Raises:
        PermanentError: a version in the table differs from the one shipped under its number.
    """
    return Policy(await rules.install(db), await badges.install(db))
