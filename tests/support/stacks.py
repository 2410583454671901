"""Options of the whole stack for a test: files of its own, free ports, and few partitions."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dev.stack.forking import spawn
from dev.stack.layout import Options
from dev.stack.postgres import forget
from tests.support.brokers import broker_name
from tests.support.databases import ROOT, data_directory

__all__ = ["PARTITIONS", "stack_directory", "stack_options"]

PARTITIONS = 3
"""Each is made and flushed to disk by Apache Kafka before a topic has a leader, and fetched from by every consumer."""

FETCH_MS = 200
"""An idle stack took a quarter of a core, most of it for empty fetches every 20 ms."""


def stack_options(var: Path, **more: Any) -> Options:
    """A stack in `var` that is deleted when it ends."""
    values: dict[str, Any] = {"broker": broker_name(), "port": 0, "temporary": True, "topic_partitions": PARTITIONS}
    values["spawn"] = spawn
    environment = {"WEIGUANG_EMBEDDED_FETCH_MS": str(FETCH_MS), **more.pop("extra_environment", {})}
    return Options(var=var, extra_environment=environment, **(values | more))


@contextmanager
def stack_directory(name: str) -> Iterator[Path]:
    """A directory for the files of this session's stack, in memory if there is room; gone afterwards."""
    directory = data_directory(ROOT / "var" / "tests") / f"{name}-{os.getpid()}"
    directory.mkdir(parents=True, mode=0o755)
    try:
        yield directory
    finally:
        forget(directory / "postgres")
        shutil.rmtree(directory, ignore_errors=True)
