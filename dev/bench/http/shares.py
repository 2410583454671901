"""Processor time of every process of a stack between two instants, PostgreSQL's sessions by the process they serve."""

import contextlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

__all__ = ["Shares"]

_POSTGRES = "postgres"


@dataclass(slots=True)
class Shares:
    """Reads the processes' times at `begin` and at `end` only, so that reading costs the measured time nothing.

    Args:
        processes: name → number of a process; what it has forked counts as its own. ``postgres`` is the server's.
    """

    processes: Mapping[str, int]
    _before: dict[int, float] = field(default_factory=dict)
    _labels: dict[int, str] = field(default_factory=dict)
    _reaped: float = 0.0

    def begin(self) -> None:
        """From now on; what was used before does not count."""
        self._label()
        self._before = {pid: _seconds(pid) for pid in self._labels}
        self._reaped = self._of_ended()

    def end(self) -> dict[str, float]:
        """Name → seconds since `begin`; ``postgres …`` names the share of the server that served a process."""
        self._label()
        found: defaultdict[str, float] = defaultdict(float)
        ended = self._of_ended() - self._reaped
        for pid, label in self._labels.items():
            before = self._before.get(pid, 0.0)
            if psutil.pid_exists(pid):
                found[label] += _seconds(pid) - before
            elif label.startswith(_POSTGRES):
                ended -= before  # the server's sum of ended sessions holds all that this one ever used
        found[f"{_POSTGRES} ended sessions"] += max(0.0, ended)
        return dict(found)

    def _label(self) -> None:
        callers = self._ports()
        for name, pid in self.processes.items():
            self._labels[pid] = name if name != _POSTGRES else f"{_POSTGRES} main"
            for child in _children(pid):
                self._labels[child.pid] = name if name != _POSTGRES else _server_part(child, callers)

    def _ports(self) -> dict[int, str]:
        """The local port of a connection to the server → the process that holds it."""
        found: dict[int, str] = {}
        for name, pid in self.processes.items():
            if name != _POSTGRES:
                with contextlib.suppress(psutil.Error):
                    found |= {one.laddr.port: name for one in psutil.Process(pid).net_connections("tcp")}
        return found

    def _of_ended(self) -> float:
        times = psutil.Process(self.processes[_POSTGRES]).cpu_times()
        return float(times.children_user + times.children_system)


def _children(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def _seconds(pid: int) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return 0.0


def _server_part(process: psutil.Process, callers: Mapping[int, str]) -> str:
    """Name the share of a server process: the process of ours that it serves, or its own work."""
    with contextlib.suppress(psutil.NoSuchProcess):
        title = " ".join(process.cmdline()).removeprefix("postgres: ").strip()
        _, bracket, rest = title.partition("(")
        port = rest.partition(")")[0]
        if bracket and port.isdigit():
            return f"{_POSTGRES} {callers.get(int(port), 'others')}"
        return f"{_POSTGRES} {title}"
    return f"{_POSTGRES} others"
