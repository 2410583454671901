"""Serving: uvicorn under our own signals, so that a stop takes less than five seconds and the exit code is ours."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from shared.http.connections import ConnectionLimits, bounded_by, limits_of
from shared.http.process import run_role
from shared.settings import Settings
from shared.telemetry import logging

__all__ = ["listen", "running", "serve"]

GRACE_SECONDS = 3
"""How long requests under way may take after a stop is asked for."""
_BACKLOG = 1024
_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the role's business, see run_role


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        OSError: the port is taken; the message names it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {host} port {port}: {error.strerror}") from error
    sock.setblocking(False)
    return sock


@asynccontextmanager
async def running(
    app: ASGIApp, host: str, port: int, *, lifespan: bool = True, limits: ConnectionLimits | None = None
) -> AsyncIterator[int]:
    """Serve the app while the block runs, its connections within the limits; gives the port.

    Raises:
        OSError: the port is taken.
        RuntimeError: the app did not start.
    """
    sock = listen(host, port)
    limits = limits or ConnectionLimits()
    config = uvicorn.Config(
        app,
        http=bounded_by(limits),
        ws="none",
        lifespan="on" if lifespan else "off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=limits.idle_seconds,  # type: ignore[arg-type]  # handed to call_later as it is
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=_BACKLOG,
    )
    server = _Server(config)
    task = asyncio.create_task(_serve(server, sock), name="http-server")
    try:
        while not server.started:
            if task.done():
                raise RuntimeError("the app did not start, see the log before this") from task.exception()
            await asyncio.sleep(0.01)
        yield int(sock.getsockname()[1])
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        sock.close()


async def _serve(server: uvicorn.Server, sock: socket.socket) -> None:
    try:
        await server.serve(sockets=[sock])
    except SystemExit as error:  # uvicorn's way to say that the lifespan failed
        raise RuntimeError("the lifespan of the app failed") from error


def serve(app_factory: Callable[[], FastAPI], settings: Settings) -> None:
    """The ``api`` role: serve until SIGTERM or SIGINT, then exit the process (see `run_role`).

    While it stops, ``app.state.stopping`` (an asyncio.Event) is set: endless answers such as SSE end on it.
    """
    logging.configure(settings)

    async def main(stop: asyncio.Event) -> None:
        app = app_factory()
        app.state.stopping = stop
        async with running(app, settings.http_host, settings.http_port, limits=limits_of(settings)) as port:
            _log.info("http.listening", host=settings.http_host, port=port, title=app.title)
            await stop.wait()
            _log.info("http.stopping")

    run_role(main)
