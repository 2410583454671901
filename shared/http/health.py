"""Alive, ready, and in numbers: what supervisors and Prometheus ask every process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

__all__ = ["Readiness", "healthz", "metrics", "readyz"]

Readiness = Mapping[str, Callable[[], Awaitable[None]]]
"""Name of a dependency → a check that raises when it cannot be used."""

CHECK_SECONDS = 2.0
_NO_STORE = {"Cache-Control": "no-store"}
_log = structlog.get_logger(__name__)


def healthz() -> Response:
    """The process is alive: its event loop turns."""
    return Response(b'{"status":"ok"}', headers=_NO_STORE, media_type="application/json")


async def readyz(readiness: Readiness) -> Response:
    """200 if every check passes within `CHECK_SECONDS`, else 503; each check is named with its outcome."""
    names = list(readiness)
    outcomes = await asyncio.gather(*(_check(name, readiness[name]) for name in names))
    checks = dict(zip(names, outcomes, strict=True))
    ready = all(outcome == "ok" for outcome in outcomes)
    body = orjson.dumps({"status": "ok" if ready else "unavailable", "checks": checks})
    return Response(body, 200 if ready else 503, _NO_STORE, "application/json")


async def _check(name: str, check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return "timeout"
    except Exception as error:  # noqa: BLE001  whatever it is, the dependency cannot be used
        _log.warning("health.check_failed", check=name, error=type(error).__name__, reason=str(error))
        return "failed"
    return "ok"


def metrics() -> Response:
    """All collectors in Prometheus' text format."""
    return Response(generate_latest(), headers={**_NO_STORE, "Content-Type": CONTENT_TYPE_LATEST})
