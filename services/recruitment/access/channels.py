"""How a one-time code or a warning reaches a phone: a port with two adapters."""

import fcntl
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

import aiohttp
import orjson

from services.recruitment.settings import RecruitmentSettings
from shared.clock import real_now
from shared.errors import PermanentError, TransientError

__all__ = ["CodeChannel", "LogChannel", "WebhookChannel", "channel_for", "prune_log"]


PHONE_REPLACED = "phone-replaced"
"""The notice that a message gateway says in its own words: staff replaced this phone on an account."""


class CodeChannel(Protocol):
    """Sends a code or a warning to a phone."""

    async def send(self, phone: str, code: str) -> None:
        """Hand the code over.

        Raises:
            TransientError: the channel did not take it.
        """

    async def warn(self, phone: str) -> None:
        """Send the warning that this phone was replaced on an account by staff.

        Raises:
            TransientError: the channel did not take it.
        """

    async def close(self) -> None:
        """Let go of connections."""


class LogChannel:
    """Appends ``{phone, code or notice, at}`` as a line of JSON: what the embedded stack shows in place of a phone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    async def send(self, phone: str, code: str) -> None:
        self._append({"phone": phone, "code": code})

    async def warn(self, phone: str) -> None:
        self._append({"phone": phone, "code": "", "notice": PHONE_REPLACED})

    def _append(self, message: Mapping[str, str]) -> None:
        line = orjson.dumps({**message, "at": real_now().isoformat()}) + b"\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    async def close(self) -> None:
        return None


class WebhookChannel:
    """Posts ``{phone, code}`` or ``{phone, notice}`` to a message gateway of the operator's, with a bearer token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def send(self, phone: str, code: str) -> None:
        await self._post({"phone": phone, "code": code})

    async def warn(self, phone: str) -> None:
        await self._post({"phone": phone, "notice": PHONE_REPLACED})

    async def _post(self, message: Mapping[str, str]) -> None:
        if self._session is None:
            headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
            self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=5))
        try:
            async with self._session.post(self._url, json=message) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TransientError("the message gateway cannot be reached") from error
        if status >= 300:
            raise TransientError(f"the message gateway answered {status}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def channel_for(settings: RecruitmentSettings) -> CodeChannel:
    """The adapter that the settings name.

    Raises:
        PermanentError: it lacks its settings, or would write codes to a log in production.
    """
    if settings.code_channel == "webhook":
        if not settings.code_webhook_url:
            raise PermanentError("WEIGUANG_CODE_CHANNEL=webhook needs WEIGUANG_CODE_WEBHOOK_URL")
        return WebhookChannel(settings.code_webhook_url, settings.code_webhook_token.get_secret_value())
    if settings.environment == "production":
        raise PermanentError(
            "one-time codes must not be written to a log in production: set WEIGUANG_CODE_CHANNEL=webhook and "
            "WEIGUANG_CODE_WEBHOOK_URL to the address of a message gateway"
        )
    if settings.message_log is None:
        raise PermanentError("WEIGUANG_CODE_CHANNEL=log needs WEIGUANG_MESSAGE_LOG, the file that codes are written to")
    return LogChannel(settings.message_log)


def prune_log(path: Path, before: datetime) -> int:
    """Drop lines older than ``before`` from a message log; returns how many went.

    The exclusive lock keeps writers out while the kept lines are written back.
    """
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.readlines()
        kept = [line for line in lines if _is_younger(line, before)]
        if len(kept) < len(lines):
            file.seek(0)
            file.writelines(kept)
            file.truncate()
    return len(lines) - len(kept)


def _is_younger(line: bytes, than: datetime) -> bool:
    try:
        return datetime.fromisoformat(orjson.loads(line)["at"]) >= than
    except (orjson.JSONDecodeError, KeyError, ValueError, TypeError):
        return False
