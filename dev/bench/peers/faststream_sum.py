"""FastStream on aiokafka: a subscriber and a dict. Its line of log per message is turned off, in its favour."""

import asyncio
from typing import Any

import uvloop
from faststream import FastStream
from faststream.kafka import KafkaBroker

from dev.bench.peers.counting import Counting, arguments


async def _raw(message: Any) -> Any:
    return message.body


async def run(*, batch: bool) -> None:
    """Run until killed."""
    chosen = arguments(__doc__)
    counting = Counting(chosen.count)
    sums: dict[str, int] = {}
    embedded = chosen.broker == "embedded"
    broker = KafkaBroker(chosen.bootstrap, logger=None)
    options: dict[str, Any] = {
        "group_id": chosen.group,
        "auto_offset_reset": "earliest",
        "decoder": _raw,
        "session_timeout_ms": 6_000 if embedded else 10_000,
        "fetch_max_wait_ms": 20 if embedded else 500,
    }
    if batch:

        @broker.subscriber(chosen.topic, batch=True, max_records=2000, **options)
        async def add_many(bodies: list[bytes]) -> None:
            for body in bodies:
                counting.add(body, sums)
    else:

        @broker.subscriber(chosen.topic, **options)
        async def add(body: bytes) -> None:
            counting.add(body, sums)

    await FastStream(broker, logger=None).run()


def main(*, batch: bool = False) -> None:
    """Run until killed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(batch=batch))


if __name__ == "__main__":
    main()
