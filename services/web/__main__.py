"""Composition root of web: ``python -m services.web api``."""

import asyncio
import sys

import structlog

from services.web.app import create_gateway
from services.web.settings import WebSettings
from shared.http.connections import limits_of
from shared.http.ops import serve_ops
from shared.http.server import running
from shared.service import ServiceRunner, until_stopped

__all__ = ["api", "main"]

_log = structlog.get_logger("services.web")


async def api(settings: WebSettings, stop: asyncio.Event) -> None:
    """Serve the gateway and the pages, and health on a port of its own, until ``stop`` is set."""
    gateway = create_gateway(settings, stop)
    async with running(gateway, settings.http_host, settings.http_port, limits=limits_of(settings)) as port:
        async with serve_ops(settings, gateway.readiness):
            _log.info("http.listening", host=settings.http_host, port=port, title="Weiguang web")
            await stop.wait()
            _log.info("http.stopping")


SERVICE = ServiceRunner("web", WebSettings, roles={"api": until_stopped(api)})
main = SERVICE.main


if __name__ == "__main__":
    main(sys.argv[1:])
