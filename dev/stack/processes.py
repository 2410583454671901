"""Child processes that cannot outlive us: own process groups, and on Linux a signal when their parent dies."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = [
    "Account",
    "ChildProcess",
    "Spawn",
    "alive",
    "die_with_parent",
    "free_port",
    "name_process",
    "port_taken",
    "spawn",
    "stop",
]

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user a process runs as."""

    uid: int
    gid: int


class ChildProcess(Protocol):
    """A child process: what is used of `asyncio.subprocess.Process`."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Spawn(Protocol):
    """Starts a process, its output appended to `log`: `spawn`, or what stands for it in tests."""

    async def __call__(
        self, command: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path | None = None
    ) -> ChildProcess: ...


def die_with_parent(parent: int, death_signal: int = signal.SIGKILL) -> None:
    """Have this process signalled when `parent` ends; ends it at once if the parent has ended already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(70)


def name_process(name: str) -> None:
    """Show this process under a name of at most 15 bytes in ``ps -e`` and ``top``."""
    if _libc is not None:
        _libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def _before_exec(account: Account | None, death_signal: int, parent: int) -> Callable[[], None]:
    def prepare() -> None:
        if account is not None:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        die_with_parent(parent, death_signal)  # after setuid, which clears the signal

    return prepare


async def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    account: Account | None = None,
    death_signal: int = signal.SIGKILL,
) -> asyncio.subprocess.Process:
    """Start a process in a session of its own, its output appended to `log`.

    Must be called from the main thread, whose death the child is told of.

    Raises:
        OSError: it cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_before_exec(account, death_signal, os.getpid()),
        )


async def stop(process: ChildProcess, *, ask: int = signal.SIGTERM, patience: float = 5.0) -> None:
    """Ask a process to end, and after `patience` seconds kill its whole group."""
    if process.returncode is None:
        _signal(process.pid, ask)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def alive(pid: int) -> bool:
    """Whether a process of that number runs (one that ended but was not waited for doesn't)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


PORTS = range(20_000, 30_000)
"""Below those that systems give to outgoing connections: one of these could take a port before its server does."""
_given: dict[int, int] = {}


def free_port(host: str = "127.0.0.1") -> int:
    """A free TCP port that this process has not given out before.

    Processes begin at places of their own, so that two of them hardly ever choose the same one at the same time.
    """
    own = os.getpid()
    for number in range(_given.get(own, 0), len(PORTS)):
        port = PORTS[(own * 379 + number) % len(PORTS)]
        if not port_taken(port, host):
            _given[own] = number + 1
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something listens on the port already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False
