"""Processor time of each test file: of the session and of all processes that it started, however long they live."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ENDING", "STARTING", "Costs", "Spent", "costliest", "merged", "parse_stat", "spent_by_tree"]

STARTING, ENDING = "(start of sessions)", "(end of sessions)"
"""What is spent before the first test and after the last: imports, collection; servers that stop."""
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor seconds of a process so far, and those of its children that have ended."""

    name: str
    parent: int
    own: float
    ended: float


def parse_stat(text: str) -> Spent:
    """A line of `/proc/<pid>/stat`; the name may hold spaces and parentheses."""
    opening, closing = text.index("("), text.rindex(")")
    fields = text[closing + 2 :].split()
    user, system, ended_user, ended_system = (int(value) / TICK for value in fields[11:15])
    return Spent(text[opening + 1 : closing], int(fields[1]), user + system, ended_user + ended_system)


def spent_by_tree(root: int, processes: Mapping[int, Spent]) -> dict[str, float]:
    """Seconds of a process and all below it, by the name of the child of the root that they descend from.

    Children of the root that have ended count as `ended`, the root itself as `session`.
    """
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, process in processes.items():
        children[process.parent].append(pid)
    found: defaultdict[str, float] = defaultdict(float)
    found["session"], found["ended"] = processes[root].own, processes[root].ended
    for child in children[root]:
        below = [child]
        while below:
            pid = below.pop()
            found[processes[child].name] += processes[pid].own + processes[pid].ended
            below += children[pid]
    return dict(found)


@dataclass(slots=True)
class Costs:
    """Counts the processor seconds of this session by test file and kind of process."""

    by_file: dict[str, dict[str, float]] = field(default_factory=dict)
    path: str = STARTING
    before: dict[str, float] = field(default_factory=dict)

    def turn_to(self, path: str) -> None:
        """Counts from now on for this file."""
        if path == self.path:
            return
        now = spent_by_tree(os.getpid(), _running())
        spent = self.by_file.setdefault(self.path, {})
        ended = 0.0
        for kind in now.keys() | self.before.keys():
            more = now.get(kind, 0.0) - self.before.get(kind, 0.0)
            if kind == "ended" or more < 0:  # a child that has ended is counted there with all it ever spent
                ended += more
            else:
                spent[kind] = spent.get(kind, 0.0) + more
        spent["ended"] = max(0.0, spent.get("ended", 0.0) + ended)
        self.path, self.before = path, now


def merged(sessions: Iterable[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """The costs of several sessions as one table."""
    total: dict[str, dict[str, float]] = {}
    for by_file in sessions:
        for path, spent in by_file.items():
            row = total.setdefault(path, {})
            for kind, seconds in spent.items():
                row[kind] = row.get(kind, 0.0) + seconds
    return total


def costliest(by_file: Mapping[str, Mapping[str, float]], number: int) -> list[str]:
    """Lines with the costliest files, each with its kinds of processes, and the sum of all; none for `number` 0."""
    if not number or not by_file:
        return []
    sums = {path: sum(spent.values()) for path, spent in by_file.items()}
    rows = sorted(sums, key=lambda path: -sums[path])[:number]
    everything = merged({"all": spent} for spent in by_file.values())["all"]
    return [
        f"{'processor seconds':<60}{'all':>8}  by kind of process",
        *(f"{path:<60}{sums[path]:>8.1f}  {_kinds(by_file[path])}" for path in rows),
        f"{'all':<60}{sum(sums.values()):>8.1f}  {_kinds(everything)}",
    ]


def _kinds(spent: Mapping[str, float]) -> str:
    ordered = sorted(spent.items(), key=lambda item: -item[1])
    return ", ".join(f"{kind} {seconds:.1f}" for kind, seconds in ordered if seconds >= 0.1)


def _running() -> dict[int, Spent]:
    """All processes of the machine that can be read; none on systems without `/proc`, where only we ourselves count."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(entry.parent.name)] = parse_stat(entry.read_text("utf-8", errors="replace"))
        except OSError:  # it has ended
            continue
    own = os.times()
    found.setdefault(os.getpid(), Spent("session", 0, own.user + own.system, own.children_user + own.children_system))
    return found
