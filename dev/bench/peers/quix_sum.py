"""Quix Streams: a stateful dataframe, its state in RocksDB with its changelog topic; librdkafka underneath."""

from typing import Any

from quixstreams import Application

from dev.bench.peers.counting import Counting, arguments


def main() -> None:
    """Run until killed."""
    chosen = arguments(__doc__)
    counting = Counting(chosen.count)
    app = Application(
        broker_address=chosen.bootstrap,
        consumer_group=chosen.group,
        auto_offset_reset="earliest",
        state_dir=chosen.directory,
        loglevel="WARNING",
        consumer_extra_config={"session.timeout.ms": 6000 if chosen.broker == "embedded" else 10000},
    )
    topic = app.topic(chosen.topic, key_deserializer="str", value_deserializer="bytes")
    # The embedded broker does not tell a topic's retention, and without it Quix stops with a KeyError before it starts.
    topic.broker_config.extra_config.setdefault("retention.ms", "-1")
    frame = app.dataframe(topic)

    def add(value: bytes, state: Any) -> None:
        found = counting.read(value)
        if found is not None:
            state.set(found[0], state.get(found[0], 0) + found[1])
        counting.check()

    frame.apply(add, stateful=True)
    app.run()


if __name__ == "__main__":
    main()
