"""The demo's HTTP client: one address, idempotent, patient with processes that are being started again."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid5

import aiohttp
import orjson

from dev.demo.plan import ZONE
from shared.ids import derived_id, new_id

__all__ = ["Client", "DemoError", "OneTimeCodes"]

PATIENCE = 90.0
"""Seconds for which a call is repeated while the service it needs is away."""
AWAY = frozenset({500, 502, 503, 504})


class DemoError(Exception):
    """A service refused a call; the message is the service's, ``type`` and ``status`` are its problem's."""

    def __init__(self, message: str, type: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.type = type
        self.status = status


class Client:
    """Calls the services as a browser or a kiosk would, through the gateway.

    Every POST carries an idempotency key derived from the run and the caller's words for the call, so that repeating
    one after a broken connection does it once.
    """

    def __init__(self, base: str, *, connections: int = 32) -> None:
        self.base = base
        self.calls: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self._run = new_id()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ttl_dns_cache=None),
            timeout=aiohttp.ClientTimeout(total=30),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str, token: str | None = None) -> Any:
        """The JSON answer.

        Raises:
            DemoError: anything but success.
        """
        return await self._call("GET", path, None, token, None)

    async def post(self, path: str, body: object, token: str | None, *intent: object) -> Any:
        """The JSON answer; ``intent`` names the call, e.g. ``"check-in", record``.

        Raises:
            DemoError: anything but success.
        """
        key = str(derived_id(self._run, *intent)) if intent else str(uuid5(self._run, str(new_id())))
        return await self._call("POST", path, body, token, key)

    async def put(self, path: str, body: object, token: str | None, *intent: object) -> Any:
        """As ``post``; a body of bytes is a picture and sent as it is."""
        return await self._call("PUT", path, body, token, str(derived_id(self._run, *intent)))

    async def patch(self, path: str, body: object, token: str | None, *intent: object) -> Any:
        """As ``post``."""
        return await self._call("PATCH", path, body, token, str(derived_id(self._run, *intent)))

    async def _call(self, method: str, path: str, body: object, token: str | None, key: str | None) -> Any:
        headers = {"Content-Type": "image/png" if isinstance(body, bytes) else "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        deadline = asyncio.get_running_loop().time() + PATIENCE
        pause = 0.05
        while True:
            try:
                async with self._session.request(method, self.base + path, data=data, headers=headers) as response:
                    text = await response.read()
                    status = response.status
            except (aiohttp.ClientError, TimeoutError) as error:
                status, text = 503, str(error).encode()
            self.answers[status] += 1
            if status < 400:
                self.calls[f"{method} {path.split('/')[-1] if method == 'POST' else path.split('/')[4]}"] += 1
                return orjson.loads(text) if text else None
            in_progress = status == 409 and b"in-progress" in text
            if not (status in AWAY or in_progress) or asyncio.get_running_loop().time() > deadline:
                problem = _problem(text)
                raise DemoError(f"{method} {path} → {status}: {problem['detail']}", problem["type"], status)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)


def _problem(text: bytes) -> dict[str, str]:
    try:
        problem = json.loads(text)
        return {"type": str(problem.get("type", "")), "detail": str(problem.get("detail", problem))}
    except (ValueError, AttributeError):
        return {"type": "", "detail": text[:300].decode("utf-8", "replace")}


class OneTimeCodes:
    """Reads one-time codes where the embedded stack shows them: its message log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._place = 0
        self._codes: dict[str, str] = {}

    async def for_phone(self, phone: str) -> str:
        """The newest code sent to a phone.

        Raises:
            DemoError: none arrived within ten seconds.
        """
        for _ in range(200):
            self._read()
            if (code := self._codes.pop(phone, None)) is not None:
                return code
            await asyncio.sleep(0.05)
        raise DemoError(f"no one-time code arrived for the phone that ends in {phone[-4:]}")

    def _read(self) -> None:
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._place += len(line)
                entry = json.loads(line)
                self._codes[_national(entry["phone"])] = entry["code"]


def _national(phone: str) -> str:
    return phone.removeprefix("+86")


def iso(moment: Any) -> str:
    """An instant as the API takes it."""
    return str(moment.astimezone(ZONE).isoformat())
