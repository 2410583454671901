"""Composition root: ``python -m services.web api``."""

import argparse
import asyncio

import structlog

from services.web.app import create_gateway
from services.web.settings import WebSettings
from shared import production
from shared.http.connections import limits_of
from shared.http.ops import serve_ops
from shared.http.process import run_role
from shared.http.server import running

_log = structlog.get_logger("services.web")


async def _api(stop: asyncio.Event) -> None:
    settings = WebSettings()
    gateway = create_gateway(settings, stop)
    async with running(gateway, settings.http_host, settings.http_port, limits=limits_of(settings)) as port:
        async with serve_ops(settings, gateway.readiness):
            _log.info("http.listening", host=settings.http_host, port=port, title="Weiguang web")
            await stop.wait()
            _log.info("http.stopping")


def main() -> None:
    """Run the role named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m services.web", description="The gateway and the pages.")
    parser.add_argument("role", choices=["api"])
    parser.parse_args()
    production.configure(WebSettings())
    run_role(_api)


if __name__ == "__main__":
    main()
