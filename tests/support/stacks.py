"""Options of the whole stack for a test: files of its own, free ports, and few partitions."""

from pathlib import Path
from typing import Any

from dev.stack.layout import Options
from tests.support.brokers import broker_name

__all__ = ["PARTITIONS", "stack_options"]

PARTITIONS = 3
"""Each is made and flushed to disk by Apache Kafka before a topic has a leader, and fetched from by every consumer."""


def stack_options(var: Path, **more: Any) -> Options:
    """A stack in `var` that is deleted when it ends."""
    values: dict[str, Any] = {"broker": broker_name(), "port": 0, "temporary": True, "topic_partitions": PARTITIONS}
    return Options(var=var, **(values | more))
