"""One stack per state directory, one listener per port; and logs that do not grow for ever."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from dev.stack.errors import StackError
from dev.stack.processes import port_taken

__all__ = ["Lock", "require_port", "rotate"]


class Lock:
    """Holds `var/run/lock` while the stack runs; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Raises StackError when another stack holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise StackError(
                f"a stack runs on {self.path.parents[1]} already (process {holder}): end that one first"
            ) from error
        self._file.seek(0)
        self._file.truncate()
        self._file.write(str(os.getpid()))
        self._file.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def require_port(port: int) -> None:
    """Make sure that the gateway's port is free.

    Raises:
        StackError: it is taken; the message names by whom, as far as we may know.
    """
    if port == 0 or not port_taken(port):
        return
    holder = "another process"
    for connection in _listeners():
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            with suppress(psutil.Error):
                if connection.pid:
                    holder = f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            break
    raise StackError(
        f"port {port} is taken by {holder}. End that, or choose another port: WEIGUANG_PORT={port + 80} make run"
    )


def _listeners() -> "list[psutil._ntuples.sconn]":
    try:
        return psutil.net_connections("tcp")
    except psutil.Error:
        return []


def rotate(directory: Path) -> None:
    """Put the logs of the last start aside as `*.log.1`."""
    directory.mkdir(parents=True, exist_ok=True)
    for log in directory.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
