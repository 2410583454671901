"""One process under supervision: started, started again when it dies, known to be ready or not."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from dev.stack.errors import StackError
from dev.stack.layout import ROOT, ProcessSpec
from dev.stack.processes import ChildProcess, Spawn, spawn, stop

__all__ = ["Unit", "tail"]

_FIRST_PAUSE, _LONGEST_PAUSE_AT_FIRST, _LONGEST_PAUSE, _SETTLED = 0.2, 0.8, 5.0, 20.0
_DEATHS_BEFORE_FIRST_READY = 5


class Unit:
    """Keeps one process running until told to end."""

    def __init__(
        self,
        spec: ProcessSpec,
        url: str,
        log: Path,
        environment: Callable[[], dict[str, str]],
        changed: Callable[[], None],
        spawn: Spawn = spawn,
    ) -> None:
        self.spec = spec
        self.url = url
        self.log = log
        self.restarts = 0
        self.ready = asyncio.Event()
        self.process: ChildProcess | None = None
        self.last_exit: int | None = None
        self._environment = environment
        self._changed = changed
        self._spawn = spawn
        self._ending = asyncio.Event()
        self._was_ready = False
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Number of the running process, None between two."""
        return self.process.pid if self.process is not None and self.process.returncode is None else None

    def start(self) -> None:
        """Begin supervision."""
        self._task = asyncio.create_task(self._supervise(), name=f"unit {self.spec.name}")

    async def end(self, patience: float) -> None:
        """End the process and the supervision."""
        self._ending.set()
        if self.process is not None:
            await stop(self.process, patience=patience)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def renew(self, patience: float = 1.0) -> None:
        """End the process; supervision starts it again, with the environment as it is by then."""
        self.ready.clear()
        if self.process is not None:
            await stop(self.process, patience=patience)

    async def wait_ready(self, timeout: float) -> None:
        """Wait until it says that it is ready.

        Raises:
            StackError: it isn't within `timeout` seconds, or supervision gave it up.
        """
        assert self._task is not None
        waiting = asyncio.create_task(self.ready.wait())
        try:
            await asyncio.wait({waiting, self._task}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self.ready.is_set():
            return
        if self._task.done() and not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error
        raise StackError(
            f"{self.spec.name} is not ready after {timeout:.0f} s. The end of {self.log}:\n{tail(self.log)}"
        )

    async def _supervise(self) -> None:
        pause = _FIRST_PAUSE
        while not self._ending.is_set():
            began = time.monotonic()
            self.process = await self._spawn(self.spec.command, log=self.log, env=self._environment(), cwd=ROOT)
            self._changed()
            probe = asyncio.create_task(self._watch_readiness())
            try:
                self.last_exit = await self.process.wait()
            finally:
                probe.cancel()
                self.ready.clear()
            if self._ending.is_set():
                return
            self.restarts += 1
            if not self._was_ready and self.restarts >= _DEATHS_BEFORE_FIRST_READY:
                raise StackError(
                    f"{self.spec.name} ended {self.restarts} times before it was ready (last with "
                    f"{describe_exit(self.last_exit)}). The end of {self.log}:\n{tail(self.log)}"
                )
            self._changed()
            longest = _LONGEST_PAUSE if self._was_ready else _LONGEST_PAUSE_AT_FIRST
            pause = _FIRST_PAUSE if time.monotonic() - began > _SETTLED else min(pause * 2, longest)
            await asyncio.sleep(pause)

    async def _watch_readiness(self) -> None:
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                try:
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            self.ready.set()
                            self._was_ready = True
                            self._changed()
                            return
                except (aiohttp.ClientError, OSError, TimeoutError):
                    pass
                await asyncio.sleep(0.1)

    async def answers_ready(self) -> bool:
        """Ask once whether it is ready now."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
                session.get(f"{self.url}/readyz") as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


def describe_exit(code: int | None) -> str:
    """An exit code in words."""
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log file, each cut to a length that a person reads."""
    try:
        return "\n".join(
            line[:1500] for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        )
    except OSError:
        return "(no log)"
