"""HTTP of rules and badge criteria: public to read what service is worth and what earns a badge."""

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from services.points.badges import handlers as badges
from services.points.badges.documents import CriteriaDocument
from services.points.rules import handlers
from services.points.rules.domain import REASONS
from services.points.rules.store import StoredRule
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["rules"])


class RuleOut(Output):
    """A version of the earning rule; ``document`` is the rule itself, ``reasons`` the words of its explanations."""

    version: int
    name: str
    effective_from: date
    status: str
    content_hash: str
    created_at: datetime
    document: dict[str, Any]
    reasons: dict[str, str]


class DraftIn(Input):
    """A rule: the text of a YAML document, or the same as JSON.

    Problems name the line; JSON's lines are those of its
    indented form. A version that it names is ignored: drafts are numbered.
    """

    document: Annotated[str, Field(min_length=1, max_length=200_000)] | dict[str, Any]


class RulesOut(Output):
    """Every version, lowest first."""

    items: list[RuleOut]


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


@router.get("/rules", dependencies=[public()])
async def list_rules(db: Db) -> RulesOut:
    """Every version of the earning rule."""
    async with db.snapshot() as tx:
        return RulesOut(items=[_rule(stored) for stored in await handlers.listed(tx)])


@router.post("/rules", status_code=201, response_model=RuleOut)
async def draft_rule(
    request: Request, db: Db, caller: Annotated[Caller, allow(Role.OPERATOR, centre=True)], body: DraftIn
) -> Response:
    """Keep a rule as a draft: checked, numbered, and not in force."""
    document = body.document
    text = document if isinstance(document, str) else orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()

    async def work(tx: Tx) -> RuleOut:
        return _rule(await handlers.draft(tx, caller, text))

    return await once(request, db, caller, work)


@router.get("/rules/{version}", dependencies=[public()])
async def read_rule(db: Db, version: Annotated[int, Path(ge=1, le=2_147_483_647)]) -> RuleOut:
    """One version of the earning rule."""
    async with db.snapshot() as tx:
        return _rule(await handlers.find(tx, version))


@router.get("/criteria", dependencies=[public()])
async def list_criteria(db: Db) -> CriteriaVersionsOut:
    """Every version of the badge criteria."""
    async with db.snapshot() as tx:
        return CriteriaVersionsOut(items=[_criteria(document) for document in await badges.listed(tx)])


def _rule(stored: StoredRule) -> RuleOut:
    document = stored.document
    return RuleOut(
        version=document.version,
        name=document.name,
        effective_from=document.effective_from,
        status=stored.status,
        content_hash=stored.content_hash.hex(),
        created_at=stored.created_at,
        document=document.model_dump(mode="json"),
        reasons=dict(REASONS),
    )


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
