"""One record, or a range of offsets without one, as consumers handle it."""

from typing import NamedTuple

from shared.cloudevents import Headers

__all__ = ["Message"]


class Message(NamedTuple):
    """One record as it lay on the topic. ``entity`` is the topic's logical name.

    With ``unreadable_to`` it stands for the offsets from ``offset`` to that one, which the client cannot read; its
    value is the beginning of their bytes.
    """

    topic: str
    entity: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int
    unreadable_to: int | None = None

    @property
    def next_offset(self) -> int:
        """The offset behind it."""
        return (self.offset if self.unreadable_to is None else self.unreadable_to) + 1
