"""Which principal may do what on the broker, computed from the registry of topics and readers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from shared.kafka.topics import READERS, TOPICS, TopicReader, topic_name
from shared.settings import Settings

__all__ = ["PRINCIPALS", "Acl", "Operation", "Pattern", "Resource", "acls", "as_command"]

PRINCIPALS = tuple(
    sorted({topic.owner for topic in TOPICS.values() if topic.owner != "ops"} | {r.service for r in READERS})
)
"""One per service that uses the broker; ``admin``, its super user, provisions and writes the control topic."""


class Resource(IntEnum):
    """A kind of resource, by its number in Kafka's protocol."""

    TOPIC = 2
    GROUP = 3


class Pattern(IntEnum):
    """How a resource's name is meant, by its number in Kafka's protocol."""

    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """An operation on a resource, by its number in Kafka's protocol. Reading and writing include describing."""

    READ = 3
    WRITE = 4
    CREATE = 5


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One permission, from any host."""

    principal: str
    resource: Resource
    pattern: Pattern
    name: str
    operation: Operation


def acls(settings: Settings) -> list[Acl]:
    """Every permission of the services, sorted: owners write, readers read, groups and changelogs by their prefix."""
    found = {
        Acl(writer, Resource.TOPIC, Pattern.LITERAL, topic_name(settings, topic.entity), Operation.WRITE)
        for topic in TOPICS.values()
        for writer in (topic.owner, *topic.writers)
        if writer != "ops"
    }
    for reader in READERS:
        found.update(_of_reader(settings, reader))
    return sorted(found)


def _of_reader(settings: Settings, reader: TopicReader) -> Iterable[Acl]:
    for entity in reader.topics:
        yield Acl(reader.service, Resource.TOPIC, Pattern.LITERAL, topic_name(settings, entity), Operation.READ)
    if reader.group is None:
        return
    group = f"{settings.topic_prefix}{reader.group}"
    # By prefix: a raised generation is another group with the same beginning.
    yield Acl(reader.service, Resource.GROUP, Pattern.PREFIXED, group, Operation.READ)
    if reader.tables:
        for operation in (Operation.READ, Operation.WRITE, Operation.CREATE):
            yield Acl(reader.service, Resource.TOPIC, Pattern.PREFIXED, f"{group}-", operation)


def as_command(acl: Acl) -> str:
    """The permission as arguments of Kafka's own `kafka-acls.sh`."""
    pattern = " --resource-pattern-type prefixed" if acl.pattern is Pattern.PREFIXED else ""
    resource = f"--{acl.resource.name.lower()} {acl.name}"
    operation = acl.operation.name.capitalize()
    return f"--add --allow-principal User:{acl.principal} --operation {operation} {resource}{pattern}"
