"""Records as faust's agents see them, as plain messages."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.kafka.messages import Message

__all__ = ["message_of"]


def message_of(message: Any, entities: Mapping[str, str]) -> Message:
    """A faust message as the plain record that it was on the topic."""
    entity = entities.get(message.topic, message.topic)
    raw: Iterable[tuple[str, bytes | None]] = (
        message.headers.items() if isinstance(message.headers, Mapping) else message.headers or ()
    )
    return Message(
        message.topic,
        entity,
        message.partition,
        message.offset,
        message.key,
        message.value,
        [(name, value) for name, value in raw],
        int((message.timestamp or 0.0) * 1000),
    )
