"""Routes of need tags."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.editing.api import ABSENT, Version, VersionIn, closed, edited
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.needs import handlers, store
from services.recruitment.needs.store import NeedTag
from services.recruitment.organisation import store as organisation
from services.recruitment.organisation.api import TeamOut, team_out
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["needs"])

Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
TagName = Annotated[str, Field(min_length=1, max_length=50)]


class TagIn(Input):
    """A need of residents: a code, and its name in both languages."""

    tag: Annotated[str, Field(min_length=3, max_length=40, pattern="^[a-z][a-z-]{1,38}[a-z]$")]
    zh: TagName
    en: TagName


class TagEditIn(Input):
    """A change of a tag's names."""

    version: Version
    zh: TagName = ABSENT
    en: TagName = ABSENT


class TagOut(Output):
    """A need of residents; ``teams`` counts the open teams that serve it."""

    tag_id: UUID
    tag: str
    zh: str
    en: str
    created_at: datetime
    version: int
    closed_at: datetime | None
    teams: int


class TagsOut(Output):
    """All need tags by their code."""

    items: list[TagOut]


class TeamTagsIn(Input):
    """The needs that a team serves from now on."""

    version: Version
    tag_ids: Annotated[list[UUID], Field(max_length=30)]


@router.post("/tags", status_code=201, response_model=TagOut)
async def add_tag(request: Request, body: TagIn, caller: Centre, db: Db) -> Response:
    """Add a need tag."""

    async def work(tx: Tx) -> TagOut:
        return _tag(await handlers.add_tag(tx, body.tag, body.zh, body.en))

    return await once(request, db, caller, work)


@router.get("/tags", dependencies=[public()])
async def list_tags(db: Db) -> TagsOut:
    """All need tags."""
    async with db.transaction() as tx:
        return TagsOut(items=[_tag(each) for each in await store.list_tags(tx)])


@router.patch("/tags/{tag_id}")
async def edit_tag(tag_id: UUID, body: TagEditIn, caller: Centre, db: Db) -> TagOut:
    """Edit a tag."""
    return await edited(db, caller, ObjectKind.TAG, tag_id, body, _shown)


@router.post("/tags/{tag_id}/close", response_model=TagOut)
async def close_tag(request: Request, tag_id: UUID, body: VersionIn, caller: Centre, db: Db) -> Response:
    """Close a tag: it is given to no further team."""
    return await closed(request, db, caller, ObjectKind.TAG, tag_id, body, _shown)


@router.put("/teams/{team_id}/tags")
async def set_tags(team_id: UUID, body: TeamTagsIn, caller: Staff, db: Db) -> TeamOut:
    """Replace the needs that a team serves."""
    async with db.transaction() as tx:
        await handlers.set_tags(tx, caller, team_id, body.version, body.tag_ids)
        team = await organisation.find_team(tx, team_id)
        assert team is not None
        return team_out(team)


async def _shown(tx: Tx, tag_id: UUID) -> TagOut:
    found = await store.find_tag(tx, tag_id)
    assert found is not None
    return _tag(found)


def _tag(found: NeedTag) -> TagOut:
    return TagOut(**{name: getattr(found, name) for name in TagOut.model_fields})
