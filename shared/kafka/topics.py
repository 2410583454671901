"""The registry of topics: created from here, never by accident."""

import asyncio
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidTopicError,
    KafkaError,
    NoError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    for_code,
)

from shared.errors import PermanentError, TransientError
from shared.kafka.client import client_options
from shared.settings import Settings

__all__ = [
    "CONTROL_TOPIC",
    "INDEXED",
    "LIVE",
    "LIVE_DEAD_LETTERS",
    "NAMESPACE",
    "READERS",
    "TOPICS",
    "Topic",
    "TopicReader",
    "ensure_topics",
    "topic_configs",
    "topic_name",
]

NAMESPACE = "volunteering"


@dataclass(frozen=True, slots=True)
class Topic:
    """A logical topic: its owner and ``writers`` alone write it; ``key`` says what keeps its order."""

    entity: str
    owner: str
    key: str
    about: str
    partitions: int | None = None
    """None: as many as the settings say. Quiet topics have few: each partition that is read costs idle fetches."""
    retention_hours: int | None = None
    """None: kept for as long as the broker keeps anything."""
    writers: tuple[str, ...] = ()
    """Services that write it beside the owner."""


_ALL = (
    Topic("sites", "recruitment", "site_id", "a site was founded, renamed, moved or closed", 1),
    Topic("activities", "recruitment", "activity_id", "an activity was published, changed or closed", 2),
    Topic("volunteers", "recruitment", "volunteer_id", "a volunteer was registered or imported"),
    Topic("drives", "recruitment", "drive_id", "a recruitment drive was opened", 1),
    Topic(
        "signups",
        "recruitment",
        "volunteer_id",
        "a sign-up for a shift was placed or cancelled, passed on, waited for or is near",
    ),
    Topic("attendance", "recruitment", "volunteer_id", "a service record at a revision, whole"),
    Topic(
        "assertions",
        "recruitment",
        "volunteer_id",
        "another account asserted, changed or decided something about a service record",
        2,
    ),
    Topic("orders", "recruitment", "order_id", "a resident's order took a step", 2),
    Topic("points", "points", "volunteer_id", "a balance changed, and why"),
    Topic("badges", "points", "volunteer_id", "a badge was awarded or revoked"),
    Topic("team-badges", "points", "team_id", "a team's badge was awarded or revoked", 1),
    Topic("redemptions", "points", "volunteer_id", "a reward was held, handed over, released or refunded", 2),
    Topic(
        "integrity",
        "points",
        "subject",
        "a case was opened or settled: what looks like fraud, and what a person decided",
        1,
    ),
    Topic("proposals", "recruitment", "case_id", "records of a confirmed case wait, or another site decided", 1),
    Topic("pulse", "operations", "district", "records and points of the last minute, each second", 1, 1),
    Topic(
        "beats",
        "operations",
        "service",
        "processes, consumers and outbox of each service, every few seconds",
        1,
        1,
        writers=("notify", "points", "recruitment"),
    ),
    Topic("alerts", "operations", "watched", "a monitor tripped or cleared", 1),
    Topic("notifications", "notify", "volunteer_id", "a message reached a channel"),
    Topic("attendance.points-ingest.dlq", "points", "volunteer_id", "attendance that points could not apply", 1),
    Topic("attendance.points-teams.dlq", "points", "volunteer_id", "attendance that could not be counted for teams", 1),
    Topic("assertions.points-denials.dlq", "points", "volunteer_id", "assertions that integrity could not read", 1),
    Topic("integrity.recruitment-integrity.dlq", "recruitment", "subject", "cases that recruitment could not read", 1),
    Topic("signups.points-context.dlq", "points", "volunteer_id", "sign-ups that integrity could not read", 1),
    Topic("volunteers.points-context.dlq", "points", "volunteer_id", "registrations that integrity could not read", 1),
    Topic("drives.points-context.dlq", "points", "drive_id", "drives that integrity could not read", 1),
    Topic("proposals.points-context.dlq", "points", "case_id", "decisions on voids that integrity could not read", 1),
    Topic("orders.points-orders.dlq", "points", "order_id", "order events that points could not read", 1),
    Topic("points.notify.dlq", "notify", "volunteer_id", "points events that notify could not apply", 1),
    Topic("badges.notify.dlq", "notify", "volunteer_id", "badge events that notify could not apply", 1),
    Topic("signups.notify.dlq", "notify", "volunteer_id", "sign-up events that notify could not apply", 1),
    Topic("redemptions.notify.dlq", "notify", "volunteer_id", "redemption events that notify could not apply", 1),
    Topic("assertions.notify.dlq", "notify", "volunteer_id", "assertions that notify could not apply", 1),
    Topic("orders.notify.dlq", "notify", "order_id", "order events that notify could not apply", 1),
    Topic("proposals.notify.dlq", "notify", "case_id", "proposed voids that notify could not apply", 1),
    Topic("alerts.notify.dlq", "notify", "watched", "alerts that notify could not apply", 1),
    Topic(
        "audit",
        "operations",
        "service",
        "an operator read a dead letter or acted on dead letters or a consumer, of any service",
        1,
        writers=("notify", "points", "recruitment"),
    ),
    Topic("control", "ops", "incarnation", "which life of the broker's log this is", 1),
)

TOPICS: dict[str, Topic] = {topic.entity: topic for topic in _ALL}
CONTROL_TOPIC = "control"
INDEXED = tuple(topic.entity for topic in _ALL if topic.entity not in {CONTROL_TOPIC, "pulse", "beats"})
"""The topics that operations indexes: events and dead letters, but not pulse and beats, which repeat themselves."""
LIVE = ("attendance", "points")
LIVE_DEAD_LETTERS = tuple(entity for entity in INDEXED if entity.endswith(".dlq"))
"""The topics that the live view of operations counts; tables of faust follow the number of their topics' partitions."""


@dataclass(frozen=True, slots=True)
class TopicReader:
    """A service that reads topics, in a consumer group or (``group`` is None) as a tail without one."""

    service: str
    topics: tuple[str, ...]
    group: str | None = None
    tables: bool = False
    """Whether it is a faust app, which creates and writes changelog topics named after its group."""
    dead_letters: bool = True
    """Whether it has dead letters; operations stores or counts whatever it reads, and has none."""


READERS = (
    TopicReader("points", ("attendance",), "points-ingest"),
    TopicReader("points", ("attendance",), "points-teams"),
    TopicReader("points", ("assertions",), "points-denials"),
    TopicReader("points", ("signups", "volunteers", "drives", "proposals"), "points-context"),
    TopicReader("points", ("orders",), "points-orders"),
    TopicReader("recruitment", ("integrity",), "recruitment-integrity"),
    TopicReader(
        "notify",
        ("points", "badges", "signups", "redemptions", "assertions", "alerts", "orders", "proposals"),
        "notify",
    ),
    TopicReader("operations", INDEXED, "operations-index", dead_letters=False),
    TopicReader("operations", (*LIVE, *LIVE_DEAD_LETTERS, "beats"), "operations-live", tables=True, dead_letters=False),
    TopicReader("web", ("pulse",)),
)
"""Who reads what: the broker's ACLs are made from this, so a reader that is not named here reads nothing."""

_NEVER = (
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidTopicError,
    PolicyViolationError,
)


def topic_name(settings: Settings, entity: str) -> str:
    """The topic's name on the broker: ``volunteering.<entity>.v1``, after the prefix that tests set."""
    base, dot, rest = entity.partition(".")
    return f"{settings.topic_prefix}{NAMESPACE}.{base}.v1{dot}{rest}"


async def ensure_topics(settings: Settings, *, attempts: int = 20) -> None:
    """Create every topic of the registry that the broker lacks.

    Raises:
        TransientError: the broker does not answer.
        PermanentError: the settings of the client or of the topics are refused.
    """
    options = client_options(settings)
    for attempt in range(attempts):
        client = AIOKafkaAdminClient(**options, client_id="weiguang-topics")
        try:
            await client.start()
            present = set(await client.list_topics())
            missing = [
                _new_topic(settings, name, topic)
                for topic in _ALL
                if (name := topic_name(settings, topic.entity)) not in present
            ]
            if not missing or _created(await client.create_topics(missing)):
                return
            continue
        except (KafkaError, OSError) as error:
            if attempt + 1 == attempts:
                raise TransientError(
                    f"the broker at {settings.kafka_bootstrap} does not create the topics: {error}"
                ) from error
            await asyncio.sleep(0.25)
        finally:
            await client.close()


def _created(answer: Any) -> bool:
    """Whether every topic is there now; False when a concurrent start created one and the rest must be looked up.

    Raises:
        PermanentError: the broker will never create one of them as it is asked to.
        KafkaError: it could not do so now.
    """
    complete = True
    for name, code, *more in answer.topic_errors:
        kind = for_code(code)
        if kind is TopicAlreadyExistsError:
            complete = False
        elif kind in _NEVER:
            reason = more[0] if more and more[0] else kind.__name__
            raise PermanentError(f"the broker does not create the topic {name}: {reason}")
        elif kind is not NoError:
            raise kind(f"{name}: {more[0] if more else ''}")  # a cluster that is still starting has too few brokers
    return complete


def _new_topic(settings: Settings, name: str, topic: Topic) -> NewTopic:
    partitions = topic.partitions or settings.topic_partitions
    return NewTopic(name, partitions, settings.kafka_replication_factor, topic_configs=topic_configs(settings, topic))


def topic_configs(settings: Settings, topic: Topic) -> dict[str, str]:
    """The configuration that a topic is created with and checked against; the embedded broker keeps none."""
    if settings.broker == "embedded":
        return {}
    configs = {"min.insync.replicas": str(settings.kafka_min_insync_replicas)}
    if topic.retention_hours is not None:
        configs["retention.ms"] = str(topic.retention_hours * 3_600_000)
    return configs
