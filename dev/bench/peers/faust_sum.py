"""faust: an agent and a table in memory with its changelog topic."""

from typing import Any

import faust

from dev.bench.peers.counting import Counting, arguments


def main() -> None:
    """Run until killed."""
    chosen = arguments(__doc__)
    embedded = chosen.broker == "embedded"
    counting = Counting(chosen.count)
    app = faust.App(
        chosen.group,
        broker=f"aiokafka://{chosen.bootstrap}",
        store="memory://",
        datadir=chosen.directory,
        topic_partitions=chosen.partitions,
        topic_replication_factor=1,
        topic_disable_leader=True,
        broker_session_timeout=6.0 if embedded else 10.0,
        broker_heartbeat_interval=1.5,
        # its changelog in batches, as our own agents do it: in its favour
        producer_linger=0.02,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
    )
    source = app.topic(chosen.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    sums = app.Table("sums", default=int, partitions=chosen.partitions)

    async def add(stream: Any) -> None:
        async for value in stream:
            found = counting.read(value)
            if found is not None:
                sums[found[0]] += found[1]
            counting.check()

    app.agent(source, name="sum")(add)
    app.finalize()
    worker = faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
