"""Templates from rows."""

from services.notify.templates.domain import Template
from shared.postgres import Tx, load_queries

__all__ = ["load"]

_SQL = load_queries(__file__)


async def load(tx: Tx, locale: str) -> list[Template]:
    """All versions of all templates of a locale."""
    rows = await tx.fetch(_SQL["all_templates"], locale)
    return [Template(row["template"], row["version"], row["title"], row["body"]) for row in rows]
