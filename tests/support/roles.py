"""Roles of services as processes of their own, with the settings of a test."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from pydantic import SecretStr

from dev.stack.forking import spawn
from dev.stack.processes import ChildProcess
from shared.settings import Settings
from tests.support.waiting import eventually

__all__ = ["environment", "ready", "role"]


def environment(settings: Settings) -> dict[str, str]:
    """Settings as the variables that a process reads."""
    found = {}
    for name, value in settings:
        if isinstance(value, SecretStr):
            found[name] = value.get_secret_value()
        elif isinstance(value, dict | list):
            found[name] = json.dumps(value)
        elif value is not None and name != "service":
            found[name] = str(value)
    return {f"WEIGUANG_{name.upper()}": value for name, value in found.items()}


@asynccontextmanager
async def role(
    settings: Settings, name: str, *, point: str = "", at: int = 0, log_level: str = "ERROR"
) -> AsyncIterator[ChildProcess]:
    """``python -m services.<service> <name>``; with a ``point``, doomed at its ``at``-th passing
    (`tests.support.doomed`).

    Killed at the end if it still runs.
    """
    service = settings.service
    arguments = ["tests.support.doomed", point, str(at), service, name] if point else [f"services.{service}", name]
    variables = {**os.environ, **environment(settings), "WEIGUANG_LOG_LEVEL": log_level}
    process = await spawn([sys.executable, "-m", *arguments], env=variables)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ready(process: ChildProcess, url: str) -> None:
    """Wait until an API answers.

    Raises:
        AssertionError: it ended, or didn't answer in time.
    """

    async def answers() -> bool:
        assert process.returncode is None, f"the process ended with {process.returncode}"
        try:
            async with aiohttp.ClientSession() as client, client.get(f"{url}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    await eventually(answers, every=0.05, what=f"{url} to answer")
