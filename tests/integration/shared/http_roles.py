"""Processes for the tests beside this file: ``python -m tests.integration.shared.http_roles <role>``."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import StreamingResponse

from shared.auth.access import public
from shared.errors import TransientError
from shared.http import process
from shared.http.app import Input, Output, create_app
from shared.http.ops import serve_ops
from shared.http.process import run_role
from shared.http.server import serve
from shared.kafka.watchdog import WatchdogExpired
from shared.settings import Settings
from shared.telemetry import logging

SETTINGS = Settings(service="test", environment="test")
router = APIRouter(dependencies=[public()])


class Text(Input):
    text: str


class Length(Output):
    length: int


@router.post("/length")
async def length(body: Text) -> Length:
    return Length(length=len(body.text))


@router.get("/slow")
async def slow() -> Length:
    await asyncio.sleep(1)
    return Length(length=1)


@router.get("/forever")
async def forever() -> StreamingResponse:
    """An answer that regards no caller."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"begun\n"
        await asyncio.Event().wait()

    return StreamingResponse(parts())


@router.get("/until-stopped")
async def until_stopped(request: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun\n"
        await request.app.state.stopping.wait()
        yield b"ended\n"

    return StreamingResponse(parts())


@asynccontextmanager
async def broken(app: FastAPI) -> AsyncIterator[None]:
    if app.title:
        raise TransientError("the database is away")
    yield


async def healthy() -> None:
    return None


async def worker(stop: asyncio.Event) -> None:
    async with serve_ops(SETTINGS, {"database": healthy}):
        await stop.wait()


async def stuck(stop: asyncio.Event) -> None:
    async with serve_ops(SETTINGS, {}), asyncio.TaskGroup() as tasks:
        tasks.create_task(stop.wait())
        tasks.create_task(expire())


async def expire() -> None:
    raise WatchdogExpired("5 records wait and none was applied for 30 s")


async def stubborn(stop: asyncio.Event) -> None:
    async with serve_ops(SETTINGS, {}):
        await asyncio.Event().wait()


def main(role: str) -> None:
    logging.configure(SETTINGS)
    if role == "api":
        serve(lambda: create_app(SETTINGS, title="Test", routers=[router]), SETTINGS)
    if role == "broken-api":
        serve(lambda: create_app(SETTINGS, title="Test", routers=[router], lifespan=broken), SETTINGS)
    process.STOP_SECONDS = 1.0
    run_role({"worker": worker, "stuck": stuck, "stubborn": stubborn}[role])


if __name__ == "__main__":
    main(sys.argv[1])
