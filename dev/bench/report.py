"""What the bench found: one document of plain data, and the table that is printed of it."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from dev.bench.rounds import Round

__all__ = ["machine", "row", "show"]


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": model,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
    }


def row(rounds: Sequence[Round]) -> dict[str, Any]:
    """One row: medians over its rounds, the rate with its range; memory is the most of any round."""

    def per_million(seconds: float, events: int) -> float:
        return seconds / events * 1e6

    rates = sorted(one.events_per_s for one in rounds)
    found: dict[str, Any] = {
        "events_per_s": round(statistics.median(rates)),
        "events_per_s_min": round(rates[0]),
        "events_per_s_max": round(rates[-1]),
        "rounds": [round(one.events_per_s) for one in rounds],
        "join_s": round(statistics.median(one.join_seconds for one in rounds), 1),
        "ok": all(one.ok for one in rounds),
    }
    for name in ("python", "postgres", "broker"):
        used = [getattr(one, name) for one in rounds]
        seconds = statistics.median(per_million(one.cpu, rounds[0].events) for one in used)
        found[f"cpu_s_per_million_{name}"] = round(seconds, 1)
        found[f"peak_mb_{name}"] = round(max(one.peak_mb for one in used))
    if why := [one.why for one in rounds if one.why]:
        found["why"] = why
    return found


def show(document: dict[str, Any], console: Console) -> None:
    """Print it for people."""
    about = document["machine"]
    title = (
        f"{document['records']:,} records, {document['rounds']} rounds, {document['workers']} worker(s), "
        f"{document['broker']}, {about['cores']} cores, {about['memory_gib']} GiB"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("Row")
    for column in (
        "events/s",
        "min … max",
        "CPU s/M: Python",
        "PostgreSQL",
        "broker",
        "MB: Python",
        "PostgreSQL",
        "join s",
    ):
        table.add_column(column, justify="right")
    named = {"(a) ours, complete": document["ours"]}
    named |= {f"(a) {number} workers": found for number, found in document.get("more_workers", {}).items()}
    named |= {"(b) limit": document["limit"]}
    named |= {f"(c) {name}": found for name, found in document["peers"].items()}
    for key, label in (("with_kill", "(a) kill -9 at half"), ("with_agents", "(a) beside the agents")):
        if key in document:
            named[label] = document[key]
    for name, found in named.items():
        if "events_per_s" not in found:
            table.add_row(name, "–", str(found.get("why", "")))
            continue
        table.add_row(
            name,
            f"{found['events_per_s']:,}",
            f"{found['events_per_s_min']:,} … {found['events_per_s_max']:,}",
            *(f"{found[f'cpu_s_per_million_{one}']:.1f}" for one in ("python", "postgres", "broker")),
            *(f"{found[f'peak_mb_{one}']:,}" for one in ("python", "postgres")),
            f"{found['join_s']:.1f}",
            style=None if found["ok"] else "red",
        )
    console.print(table)
    _lines(document, console)


def _lines(document: dict[str, Any], console: Console) -> None:
    def say(text: str, **style: Any) -> None:
        console.print(text, highlight=False, markup=False, **style)

    if document["ratio_to_limit"] is not None:
        say(f"(a) is {document['ratio_to_limit']:.2f} of (b)")
    for name, ratio in document["ratio_to_peers"].items():
        say(f"(a) is {ratio:.2f} × {name}")
    if (latency := document.get("latency")) is not None:
        say(
            f"produce → commit at {latency['rate']:,.0f}/s: p50 {latency['p50_ms']:.1f} ms, "
            f"p99 {latency['p99_ms']:.1f} ms, most {latency['max_ms']:.1f} ms "
            f"(by the server's stamp p99 {latency['p99_stamp_ms']:.1f} ms)"
        )
        say(
            f"without flushing: p50 {latency['p50_unflushed_ms']:.1f} ms, p99 {latency['p99_unflushed_ms']:.1f} ms; "
            f"the disk alone flushes in p50 {latency['flush_p50_ms']:.1f} ms, p99 {latency['flush_p99_ms']:.1f} ms, "
            f"most {latency['flush_max_ms']:.1f} ms"
        )
    for role, lag in document.get("with_agents", {}).get("agents", {}).items():
        after = lag["drained_after_s"]
        drained = "not done in time" if after is None else f"done {after} s later"
        say(f"faust's {role}: {lag['lag_at_end']:,} records behind when the ingest was done, {drained}")
    for problem in document["problems"]:
        say(f"✗ {problem}", style="red")
    say(f"audit {'clean' if document['audit_ok'] else 'BREACHED'} in every round of (a)")
