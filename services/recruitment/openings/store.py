"""Rows of opening hours and rotas."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.recruitment.openings.domain import Duty, Opening
from shared.postgres import Tx, load_queries

__all__ = ["hours_of", "open_teams", "replace_openings", "rota_of"]

_SQL = load_queries(__file__)


async def hours_of(tx: Tx, site_id: UUID) -> list[Opening]:
    """A site's opening hours in the order of the week."""
    return [Opening(row["weekday"], row["opens"], row["closes"]) for row in await tx.fetch(_SQL["hours_of"], site_id)]


async def rota_of(tx: Tx, site_id: UUID) -> list[tuple[Duty, str]]:
    """A site's duties in the order of the week, each with its team's name."""
    rows = await tx.fetch(_SQL["rota_of"], site_id)
    return [(Duty(row["weekday"], row["begins"], row["ends"], row["team_id"]), row["name"]) for row in rows]


async def open_teams(tx: Tx, team_ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are open teams."""
    return {row["team_id"] for row in await tx.fetch(_SQL["open_teams"], sorted(team_ids))}


async def replace_openings(tx: Tx, site_id: UUID, hours: Sequence[Opening], rota: Sequence[Duty]) -> None:
    """Replace hours and rota of a site."""
    await tx.execute(_SQL["clear_rota"], site_id)
    await tx.execute(_SQL["clear_hours"], site_id)
    opens, closes = [each.opens for each in hours], [each.closes for each in hours]
    await tx.execute(_SQL["add_hours"], site_id, [each.weekday for each in hours], opens, closes)
    begins, ends = [each.begins for each in rota], [each.ends for each in rota]
    teams = [each.team_id for each in rota]
    await tx.execute(_SQL["add_rota"], site_id, [each.weekday for each in rota], begins, ends, teams)
