"""The policy in force: the only place that builds one."""

from services.points.badges import handlers as badges
from services.points.ingest.handlers import Policy
from services.points.rules import handlers as rules
from shared.postgres import Database

__all__ = ["policy_of", "stored_policy"]


async def policy_of(db: Database) -> Policy:
    """Install the rules and criteria that the service ships; rules are read by generation as they are needed.

    Raises:
        PermanentError: a version in the table differs from the one shipped under its number.
    """
    await rules.install(db)
    await badges.install(db)
    return stored_policy()


def stored_policy() -> Policy:
    """Build the policy of what the tables hold, with nothing installed."""
    return Policy(rules.Rulebooks(), badges.current_criteria())
