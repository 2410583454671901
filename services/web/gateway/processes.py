"""Health and metrics of the processes of all services, on the ports that only the inside reaches."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import orjson

from services.web.gateway.upstream import UpstreamAway

__all__ = ["ProcessState", "Processes", "quantile_of", "started_at", "version_of"]

SECONDS = 3.0
"""For one process; the page waits no longer for all of them."""
METRICS_BYTES = 4 * 1024 * 1024
QUANTILE = 0.99
_VERSION = re.compile(rb'^weiguang_build_info\{version="([^"]{1,40})"\}', re.MULTILINE)
_BUCKET = re.compile(rb'^(weiguang_\w+)_bucket\{[^}]*le="([^"]+)"[^}]*\} ([0-9.e+]+)$', re.MULTILINE)
_STARTED = re.compile(rb"^process_start_time_seconds ([0-9.e+]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process as it was seen: ``checks`` is dependency → outcome.

    The seconds within which 99 of 100 requests and batches ended are None where there were none.
    """

    name: str
    answers: bool
    ready: bool = False
    checks: Mapping[str, str] = field(default_factory=dict)
    started: datetime | None = None
    version: str = ""
    request_seconds: float | None = None
    batch_seconds: float | None = None


class Processes:
    """Asks processes for readiness and metrics."""

    def __init__(self, session: aiohttp.ClientSession, urls: Mapping[str, str]) -> None:
        """Args: urls: process → base address of its health and metrics."""
        self._session = session
        self._urls = {name: url.rstrip("/") for name, url in urls.items()}

    async def states(self) -> list[ProcessState]:
        """All of them, asked at the same time, in the order of the settings."""
        return list(await asyncio.gather(*(self._state(name) for name in self._urls)))

    async def metrics(self, name: str) -> bytes | None:
        """The metrics of a process in Prometheus' text format; None if there is no such process.

        Raises:
            UpstreamAway: it does not answer.
        """
        if name not in self._urls:
            return None
        try:
            return (await self._get(name, "/metrics"))[1]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UpstreamAway(f"{name} does not answer: {error!r}") from error

    async def _state(self, name: str) -> ProcessState:
        try:
            (status, body), (_, metrics) = await asyncio.gather(self._get(name, "/readyz"), self._get(name, "/metrics"))
            checks = orjson.loads(body).get("checks", {})
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError):
            return ProcessState(name, answers=False)
        found = {str(key): str(value) for key, value in checks.items()} if isinstance(checks, dict) else {}
        return ProcessState(
            name,
            answers=True,
            ready=status == 200,
            checks=found,
            started=started_at(metrics),
            version=version_of(metrics),
            request_seconds=quantile_of(metrics, "weiguang_http_request_seconds"),
            batch_seconds=quantile_of(metrics, "weiguang_batch_seconds"),
        )

    async def _get(self, name: str, path: str) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with self._session.get(self._urls[name] + path, timeout=timeout, allow_redirects=False) as answer:
            return answer.status, await _whole(answer.content)


def started_at(metrics: bytes) -> datetime | None:
    """When a process started, by its metrics; None where they do not say."""
    found = _STARTED.search(metrics)
    try:
        return datetime.fromtimestamp(float(found.group(1)), UTC) if found else None
    except (ValueError, OverflowError, OSError):
        return None


def version_of(metrics: bytes) -> str:
    """The version of a process, by its metrics; empty where they do not say."""
    found = _VERSION.search(metrics)
    return found.group(1).decode("ascii", "replace") if found else ""


def quantile_of(metrics: bytes, histogram: str, quantile: float = QUANTILE) -> float | None:
    """A quantile of a histogram over all its labels since the process started, in seconds.

    It is the upper bound of the bucket that holds it, infinite behind the last one; None where nothing was observed.
    """
    sums: dict[float, float] = {}
    name = histogram.encode()
    for found in _BUCKET.finditer(metrics):
        if found.group(1) == name:
            bound = float(found.group(2))
            sums[bound] = sums.get(bound, 0.0) + float(found.group(3))
    total = max(sums.values(), default=0.0)
    if not total:
        return None
    return min(bound for bound, count in sums.items() if count >= quantile * total)


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """The body up to `METRICS_BYTES`; one read returns only what has arrived."""
    body = b""
    while len(body) < METRICS_BYTES and (chunk := await content.read(METRICS_BYTES - len(body))):
        body += chunk
    return body
