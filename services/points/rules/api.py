"""HTTP of rules: public to read what service is worth."""

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

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
