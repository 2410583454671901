"""Provision a broker: SCRAM credentials, ACLs, and a report of topics that differ from the registry."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NoError, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DescribeAclsRequest

from ops.kafka.acls import Acl, Pattern, Resource
from ops.kafka.protocol import AlterUserScramCredentials
from shared.errors import PermanentError, TransientError
from shared.kafka.client import client_options
from shared.kafka.topics import TOPICS, topic_configs, topic_name
from shared.settings import Settings

__all__ = ["Present", "ensure_acls", "ensure_users", "topic_differences", "unplanned"]

ANY, ALLOW = 1, 3
"""Of Kafka's protocol: a filter that matches everything; the permission type of a grant."""
ITERATIONS = 8192
_MECHANISMS = {1: "sha256", 2: "sha512"}
"""SCRAM mechanisms by their number in Kafka's protocol, and the digest of each."""
_RESOURCES = {2: "topic", 3: "group", 4: "cluster", 5: "transactional id", 6: "delegation token", 7: "user"}
_OPERATIONS = {
    2: "do anything with",
    3: "read",
    4: "write",
    5: "create",
    6: "delete",
    7: "alter",
    8: "describe",
    9: "act as the cluster on",
    10: "describe configs of",
    11: "alter configs of",
    12: "write idempotently on",
}


class Present(NamedTuple):
    """A permission that the broker has; numbers are those of Kafka's protocol."""

    principal: str
    resource: int
    pattern: int
    name: str
    operation: int
    permission: int
    host: str

    @classmethod
    def of(cls, acl: Acl) -> Present:
        """A planned permission as the broker has it."""
        return cls(f"User:{acl.principal}", acl.resource, acl.pattern, acl.name, acl.operation, ALLOW, "*")

    def __str__(self) -> str:
        kind = "allow" if self.permission == ALLOW else "deny"
        prefixed = " (prefix)" if self.pattern == Pattern.PREFIXED else ""
        operation = _OPERATIONS.get(self.operation, f"operation {self.operation}")
        resource = _RESOURCES.get(self.resource, f"resource {self.resource}")
        return f"{kind} {self.principal} from {self.host} to {operation} {resource} {self.name}{prefixed}"


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(**client_options(settings), client_id="weiguang-provision")
    try:
        await client.bootstrap()
        yield client
    except (KafkaError, OSError) as error:
        raise TransientError(f"the broker at {settings.kafka_bootstrap} cannot be provisioned: {error}") from error
    finally:
        await client.close()


async def _send(client: AIOKafkaClient, request: Any) -> Any:
    return await client.send(client.get_random_node(), request)


async def ensure_users(settings: Settings, passwords: Mapping[str, str]) -> None:
    """Set the credentials of each user for both SCRAM mechanisms; repeating it changes nothing but the salt.

    Raises:
        PermanentError: the broker refuses one.
        TransientError: the broker does not answer.
    """
    async with _connected(settings) as client:
        for mechanism, digest in _MECHANISMS.items():  # the broker alters a user once per request
            upsertions = []
            for user, password in sorted(passwords.items()):
                salt = os.urandom(24)
                salted = await asyncio.to_thread(hashlib.pbkdf2_hmac, digest, password.encode(), salt, ITERATIONS)
                upsertions.append((user, mechanism, ITERATIONS, salt, salted))
            answer = await _send(client, AlterUserScramCredentials(upsertions))
            for user, code, message, *_ in answer.results:
                _require(code, message, f"the credentials of {user}")


async def ensure_acls(settings: Settings, planned: Iterable[Acl]) -> tuple[int, list[Present]]:
    """Create the permissions that the broker lacks.

    Returns:
        How many were created, and the permissions beyond the plan that concern its principals, topics and groups; they
        are left as they are.

    Raises:
        PermanentError: the broker has no authorizer, or refuses one of them.
        TransientError: the broker does not answer.
    """
    due = {Present.of(acl): acl for acl in planned}
    async with _connected(settings) as client:
        present = await _acls(client)
        for acl in (acl for found, acl in due.items() if found not in present):
            answer = await _send(
                client,
                CreateAclsRequest(
                    acl.resource, acl.name, acl.pattern, f"User:{acl.principal}", "*", acl.operation, ALLOW
                ),
            )
            for code, message in answer.creation_responses:
                _require(code, message, f"a permission of {acl.principal}")
    return len(due.keys() - present), unplanned(present, due.values())


def unplanned(present: set[Present], planned: Iterable[Acl]) -> list[Present]:
    """Permissions on the broker beyond the plan, where they concern its principals, topics or groups."""
    due = {Present.of(acl) for acl in planned}
    return sorted(found for found in present - due if _concerns(found, due))


def _concerns(found: Present, due: Iterable[Present]) -> bool:
    """Whether a permission is about something that the plan is about; other systems may share the broker."""
    return found.resource not in (Resource.TOPIC, Resource.GROUP) or any(
        found.principal == planned.principal or (found.resource == planned.resource and _overlap(found, planned))
        for planned in due
    )


def _overlap(one: Present, other: Present) -> bool:
    if one.name == "*" or one.name == other.name:
        return True
    prefix_of = one.pattern == Pattern.PREFIXED and other.name.startswith(one.name)
    return prefix_of or (other.pattern == Pattern.PREFIXED and one.name.startswith(other.name))


async def _acls(client: AIOKafkaClient) -> set[Present]:
    answer = await _send(client, DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))
    _require(answer.error_code, answer.error_message, "the permissions")
    return {
        Present(principal, resource, pattern, name, operation, permission, host)
        for resource, name, pattern, entries in answer.resources
        for principal, host, operation, permission in entries
    }


def _require(code: int, message: str | None, what: str) -> None:
    kind = for_code(code)
    if kind is NoError:
        return
    sentence = f"the broker refuses {what}: {message or kind.__name__}"
    raise (TransientError if kind.retriable else PermanentError)(sentence)


async def topic_differences(settings: Settings) -> list[str]:
    """Sentences on topics of the registry whose partitions, replicas or configuration are not as the settings say.

    Raises:
        TransientError: the broker does not answer.
    """
    due = {topic_name(settings, topic.entity): topic for topic in TOPICS.values()}
    client = AIOKafkaAdminClient(**client_options(settings), client_id="weiguang-provision")
    try:
        await client.start()
        described = await client.describe_topics(list(due))
        configs = await _configs(client, list(due)) if settings.broker == "kafka" else {}
    except (KafkaError, OSError) as error:
        raise TransientError(f"the broker at {settings.kafka_bootstrap} cannot be read: {error}") from error
    finally:
        await client.close()
    found: list[str] = []
    for one in sorted(described, key=lambda one: str(one["topic"])):
        name, partitions = str(one["topic"]), one["partitions"]
        topic = due[name]
        replicas = sorted({len(partition["replicas"]) for partition in partitions})
        kept = {"partitions": str(len(partitions)), "replicas": "/".join(map(str, replicas))}
        wanted = {
            "partitions": str(topic.partitions or settings.topic_partitions),
            "replicas": str(settings.kafka_replication_factor),
        }
        if settings.broker == "kafka":
            kept |= configs.get(name, {})
            wanted |= topic_configs(settings, topic)
        found += [
            f"topic {name}: {key} is {kept.get(key, 'unset')}, the settings say {value}"
            for key, value in wanted.items()
            if kept.get(key) != value
        ]
    return found


async def _configs(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """Topic → its configuration."""
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _, _, _, name, entries in answer.resources
    }
