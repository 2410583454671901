"""A small API for the tests of the HTTP layer: it answers, refuses and breaks in every way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from ops.secrets import generate_pair
from shared.auth.access import allow, optional, public
from shared.auth.tokens import Caller, Role, mint
from shared.errors import Conflict, ConflictError, NotFound, PermanentError, TransientError, Unauthorized
from shared.http.app import Input, Limit, Output, create_app
from shared.http.problems import MEDIA_TYPE
from shared.settings import Settings

__all__ = ["ERRORS", "SETTINGS", "Answer", "Thing", "bearer", "calling", "check_problem", "good", "make_app", "router"]

SEED, PUBLIC = generate_pair()
SETTINGS = Settings(service="recruitment", environment="test", auth_public_keys={"recruitment": PUBLIC})
MINTING = SimpleNamespace(service="recruitment", auth_signing_key=SecretStr(SEED))


class Thing(Input):
    name: str
    at: datetime
    size: int = 1


class Answer(Output):
    name: str
    caller: UUID | None = None


router = APIRouter(prefix="/api/test/v1")


@router.post("/things/{number}", status_code=201)
async def make(number: int, body: Thing, caller: Annotated[Caller, allow(Role.VOLUNTEER)], limit: Limit = 50) -> Answer:
    return Answer(name=body.name, caller=caller.subject)


@router.get("/who")
async def who(caller: Annotated[Caller | None, optional()]) -> Answer:
    return Answer(name="known" if caller else "unknown", caller=caller.subject if caller else None)


@router.get("/ping", dependencies=[public()])
async def ping(q: str = "微光") -> Answer:
    return Answer(name=q)


ERRORS: dict[str, Exception] = {
    "refusal": Conflict("shift-full", "The shift is full.", capacity=10),
    "missing": NotFound("volunteer-unknown", "There is no such volunteer."),
    "anonymous": Unauthorized("code-wrong", "The code is wrong."),
    "transient": TransientError("10.0.0.1:5432 refused"),
    "timeout": TimeoutError("of a pool"),
    "conflict": ConflictError("The record says otherwise."),
    "permanent": PermanentError("secret inside"),
    "bug": RuntimeError("secret inside"),
    "overflow": OverflowError("secret inside"),
    "unstorable": asyncpg.CharacterNotInRepertoireError("secret inside"),
    "constraint": asyncpg.ForeignKeyViolationError("secret inside"),
    "teapot": HTTPException(418),
}


@router.get("/fail/{how}", dependencies=[public()])
async def fail(how: str) -> Answer:
    raise ERRORS[how]


@router.get("/broken-stream", dependencies=[public()])
async def broken_stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("secret inside")

    return StreamingResponse(parts())


async def _healthy() -> None:
    return None


def make_app() -> FastAPI:
    outer = APIRouter(prefix="/outer")
    inner = APIRouter()

    @inner.get("/inner/{id}", dependencies=[allow(Role.ENGINEER)])
    async def nested(id: UUID) -> Answer:
        return Answer(name=str(id))

    outer.include_router(inner, prefix="/middle")
    return create_app(SETTINGS, title="Test", routers=[router, outer], readiness={"database": _healthy})


@asynccontextmanager
async def calling(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def bearer(*roles: Role, sites: frozenset[UUID] | None = frozenset()) -> dict[str, str]:
    caller = Caller(subject=uuid4(), roles=frozenset(roles), volunteer_id=uuid4(), site_ids=sites)
    return {"Authorization": f"Bearer {mint(MINTING, caller)}"}


def good() -> dict[str, Any]:
    return {"name": "王芳", "at": "2027-01-04T09:00:00+08:00"}


def check_problem(answer: httpx.Response, status: int, type: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    document: dict[str, Any] = answer.json()
    assert (document["status"], document["type"]) == (status, type)
    assert document["title"]
    assert document["detail"].endswith(".")
    assert document["correlation_id"] == answer.headers["x-correlation-id"]
    assert "secret" not in answer.text
    return document
