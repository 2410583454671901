"""Services as forks of one process that has imported them all: a start costs a tenth of `python -m services.…`.

`spawn` is `dev.stack.processes.spawn` for the embedded stack and for tests. The first call starts the fork server,
which is this module as a program; it and each later one has it fork. Forks share the memory of what was imported. A
command other than `python -m <module> …` is started by itself, and so is every command where ends of processes cannot
be polled (other systems than Linux).
"""

import asyncio
import atexit
import gc
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from dev.stack import processes
from dev.stack.processes import ChildProcess, die_with_parent, name_process

__all__ = ["ForkedProcess", "spawn"]

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("services", "shared")
POSSIBLE = hasattr(os, "pidfd_open")
LONGEST = 150_000
"""Bytes of a request: an environment and a few arguments."""
_MODULE = [sys.executable, "-m"]
_LINE = b"line"
"""Sent over the control line with a descriptor: the end of a further line."""


@dataclass(frozen=True, slots=True)
class ForkedProcess:
    """A fork, with what is used of `asyncio.subprocess.Process`."""

    pid: int
    ended: asyncio.Future[int]

    @property
    def returncode(self) -> int | None:
        """None while it runs; the negative number of a signal that ended it."""
        return self.ended.result() if self.ended.done() else None

    async def wait(self) -> int:
        """Wait for the end; returns the exit code."""
        return await asyncio.shield(self.ended)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)


@dataclass(slots=True)
class _Line:
    """One event loop's connection to the fork server."""

    loop: asyncio.AbstractEventLoop
    wire: socket.socket
    requested: list[asyncio.Future[ForkedProcess]] = field(default_factory=list)
    running: dict[int, asyncio.Future[int]] = field(default_factory=dict)

    def on_notice(self) -> None:
        """Handle the number of a process that was forked, or its exit code."""
        notice = self.wire.recv(LONGEST)
        if not notice:
            self.end()
            return
        pid, code = json.loads(notice)
        if code is not None:
            self.running.pop(pid).set_result(code)
            return
        self.running[pid] = self.loop.create_future()
        forked = ForkedProcess(pid, self.running[pid])
        if (requested := self.requested.pop(0)).cancelled():
            forked.kill()
        else:
            requested.set_result(forked)

    def end(self) -> None:
        """Fail whatever still waits: the server is gone, and with it all that it forked."""
        self.loop.remove_reader(self.wire)
        self.wire.close()
        for waiting in self.requested:
            if not waiting.done():
                waiting.set_exception(RuntimeError("the fork server has ended; its error is above"))
        for ended in self.running.values():
            ended.set_result(-signal.SIGKILL)

    async def fork(self, request: "_Request", output: Sequence[int]) -> ForkedProcess:
        requested: asyncio.Future[ForkedProcess] = self.loop.create_future()
        self.requested.append(requested)
        socket.send_fds(self.wire, [json.dumps(request.__dict__).encode()], output)
        return await requested


@dataclass(slots=True)
class _ForkServer:
    """The fork server as its starter sees it: it lives until `control` is closed, and takes further lines over it."""

    control: socket.socket
    process: subprocess.Popen[bytes]
    lines: list[_Line] = field(default_factory=list)

    @classmethod
    def begin(cls) -> "_ForkServer":
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            process = subprocess.Popen(
                [*_MODULE, __name__],
                cwd=ROOT,
                stdin=there.fileno(),
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"},
            )
        server = cls(here, process)
        atexit.register(server.finish)
        return server

    def finish(self) -> None:
        """End the server with its starter, and all that it forked."""
        for line in self.lines:
            line.wire.close()
        self.control.close()
        self.process.wait()

    def line(self, loop: asyncio.AbstractEventLoop) -> _Line:
        """The loop's line; those of closed loops are closed."""
        for line in [line for line in self.lines if line.loop.is_closed()]:
            line.wire.close()
            self.lines.remove(line)
        for line in self.lines:
            if line.loop is loop:
                return line
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            socket.send_fds(self.control, [_LINE], [there.fileno()])
        line = _Line(loop, here)
        loop.add_reader(here, line.on_notice)
        self.lines.append(line)
        return line


@dataclass(frozen=True)
class _Request:
    """A command for a fork to run."""

    module: str
    arguments: Sequence[str]
    env: Mapping[str, str]
    cwd: str


_server: _ForkServer | None = None


async def spawn(
    command: Sequence[str], *, env: Mapping[str, str], log: Path | None = None, cwd: Path | None = None
) -> ChildProcess:
    """Start a process in a session of its own.

    Args:
        command: `python -m <module> …` is forked.
        env: its whole environment.
        log: the file that its output is appended to; without one, it shares the outputs of the starter.
        cwd: its directory, by default the project's root.
    """
    global _server
    directory = cwd or ROOT
    if not POSSIBLE or list(command[:2]) != _MODULE:
        log = log or Path(os.devnull)
        return await processes.spawn(command, env=env, log=log, cwd=directory)
    if _server is None or _server.process.poll() is not None:
        _server = _ForkServer.begin()
    line = _server.line(asyncio.get_running_loop())
    request = _Request(command[2], list(command[3:]), dict(env), str(directory))
    if log is None:
        return await line.fork(request, (1, 2))
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return await line.fork(request, (out.fileno(), out.fileno()))


# -- in the fork server


def _serve(control: socket.socket) -> _Request | None:
    """Fork on request and report ends, until the control line is closed; in a fork, return what to become."""
    lines = {control.fileno(): control}
    children: dict[int, tuple[int, socket.socket]] = {}
    with selectors.PollSelector() as waiting:
        waiting.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fd in children:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
                    pid, line = children.pop(key.fd)
                    _notify(line, pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                    continue
                line = lines[key.fd]
                data, sent, _, _ = socket.recv_fds(line, LONGEST, 2)
                if data == _LINE:
                    lines[sent[0]] = socket.socket(fileno=sent[0])
                    waiting.register(sent[0], selectors.EVENT_READ)
                    continue
                if not data:
                    if line is control:
                        return None  # the forks get SIGKILL when their parent ends
                    waiting.unregister(key.fd)
                    lines.pop(key.fd).close()
                    continue
                pid = _fork(sent, children)
                if pid == 0:
                    for other in set(lines.values()) - {control}:
                        other.close()
                    return _Request(**json.loads(data))
                children[watched := os.pidfd_open(pid)] = pid, line
                waiting.register(watched, selectors.EVENT_READ)
                _notify(line, pid, None)


def _notify(line: socket.socket, pid: int, code: int | None) -> None:
    """Send a process's number, or its exit code; the loop of the line may be closed."""
    with suppress(OSError):
        line.send(json.dumps([pid, code]).encode())


def _fork(output: Sequence[int], children: Iterable[int]) -> int:
    """Fork a process that leads a session, with its own output and without descriptors of `children`; 0 in the fork."""
    parent = os.getpid()
    leading, led = os.pipe()
    if (pid := os.fork()) == 0:
        die_with_parent(parent)
        for descriptor in (leading, *children):
            os.close(descriptor)
        _redirect(output)
        os.close(led)
        return 0
    for descriptor in (led, *output):
        os.close(descriptor)
    os.read(leading, 1)  # its end says that the fork leads a session, so that its group can be killed
    os.close(leading)
    return pid


def _redirect(output: Sequence[int]) -> None:
    """The fork's streams: nothing to read, and its own output."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, descriptor in enumerate((nothing, *output)):
        os.dup2(descriptor, stream)
    for descriptor in (nothing, *output):
        os.close(descriptor)


def _import_all() -> None:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not found.name.endswith(".__main__"):
                import_module(found.name)


def _main() -> None:
    _import_all()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as control:
        request = _serve(control)
    if request is None:
        return
    os.environ.clear()
    os.environ.update(request.env)
    os.chdir(request.cwd)
    sys.argv = [request.module, *request.arguments]
    name_process(" ".join((request.module.rpartition(".")[2], *request.arguments[:1])))
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
