"""HTTP of badge criteria: public to read what earns a badge."""

from datetime import date

from fastapi import APIRouter

from services.points.badges import handlers
from services.points.badges.documents import CriteriaDocument
from shared.auth.access import public
from shared.http.app import Db, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["rules"])


class CriterionOut(Output):
    """One badge and what earns it; ``at_least`` is in minutes, records, themes, sites or weeks in a row.

    ``window`` is lifetime or year; then there is one badge for each calendar year.
    """

    badge: str
    name: str
    star: int | None
    measure: str
    window: str
    groups: list[str]
    at_least: int
    sentence: str


class CriteriaOut(Output):
    """A version of all badges."""

    version: int
    name: str
    effective_from: date
    items: list[CriterionOut]


class CriteriaVersionsOut(Output):
    """Every version, lowest first; the last is in force."""

    items: list[CriteriaOut]


@router.get("/criteria", dependencies=[public()])
async def list_criteria(db: Db) -> CriteriaVersionsOut:
    """Every version of the badge criteria."""
    async with db.snapshot() as tx:
        return CriteriaVersionsOut(items=[_criteria(document) for document in await handlers.listed(tx)])


def _criteria(document: CriteriaDocument) -> CriteriaOut:
    criteria = document.criteria()
    items = [
        CriterionOut(
            badge=item.badge,
            name=item.name,
            star=item.star,
            measure=item.measure,
            window=item.window,
            groups=list(item.groups),
            at_least=item.at_least,
            sentence=item.sentence(),
        )
        for item in criteria.items
    ]
    return CriteriaOut(
        version=criteria.version, name=criteria.name, effective_from=criteria.effective_from, items=items
    )
