"""Kafka in: beats of the services, of the groups that the registry names."""

from shared.cloudevents import decode
from shared.contracts import ServiceBeat
from shared.errors import PermanentError
from shared.kafka.messages import Message
from shared.kafka.topics import READERS

__all__ = ["beat_of"]

_GROUPS = frozenset(reader.group for reader in READERS if reader.group is not None)


def beat_of(message: Message) -> ServiceBeat | None:
    """The beat that a record holds, without groups that no release reads with any more; None if it holds none."""
    try:
        data = decode(message.headers, message.value).data
    except PermanentError:
        return None
    if not isinstance(data, ServiceBeat):
        return None
    known = tuple(one for one in data.consumers if one.group in _GROUPS)
    return data.model_copy(update={"consumers": known})
