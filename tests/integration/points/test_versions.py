"""Shipped versions of criteria and thresholds in their tables: there after a start, and never to be changed."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.points.badges import handlers as badges
from services.points.integrity import handlers as integrity
from services.points.teams import handlers as teams
from shared.errors import PermanentError
from shared.postgres import Database

INSTALLS: dict[str, Callable[[Database], Awaitable[Any]]] = {
    "criteria": badges.install,
    "team_criteria": teams.install,
    "threshold": integrity.install,
}
CHANGES = ("content_hash = '\\x00'", "document = jsonb_set(document, '{name}', '\"other\"')")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("what", INSTALLS)
async def test_a_version_that_says_something_else_than_the_shipped_one_is_refused(
    points_db: Database, what: str, change: str
) -> None:
    install = INSTALLS[what]
    await install(points_db)
    await install(points_db)
    await points_db.pool.execute(f"update {what}_versions set {change} where version = 1")
    with pytest.raises(PermanentError, match=rf"^{what.replace('_', ' ')} version 1 was changed"):
        await install(points_db)


async def test_without_any_version_nothing_is_in_force(points_db: Database) -> None:
    async with points_db.transaction() as tx:
        with pytest.raises(PermanentError, match="no criteria version"):
            await badges.criteria_in_force(tx)
        with pytest.raises(PermanentError, match="no team criteria version"):
            await teams.criteria_in_force(tx)
