"""Topics are created with the copies that the settings name, and what the broker answers is heeded."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import InvalidReplicationFactorError, KafkaConnectionError

from shared.errors import PermanentError, TransientError
from shared.kafka.topics import TOPICS, ensure_topics, topic_configs, topic_name
from shared.settings import Settings

NO_ERROR, ALREADY_EXISTS, INVALID_REPLICATION, INVALID_CONFIG = 0, 36, 38, 40


class Broker:
    """Stands in for the admin client: answers creations with the codes given, one batch of codes after the other."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.asked: list[list[Any]] = []
        self.present: list[str] = []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def list_topics(self) -> list[str]:
        return self.present

    async def create_topics(self, topics: list[Any]) -> Any:
        self.asked.append(topics)
        code = self.codes.pop(0)
        if code == ALREADY_EXISTS:
            self.present = [topics[0].name]
        return SimpleNamespace(
            topic_errors=[(topics[0].name, code, "because")] + [(topic.name, 0, None) for topic in topics[1:]]
        )


def broker_of(monkeypatch: pytest.MonkeyPatch, *codes: int) -> Broker:
    broker = Broker(*codes)
    monkeypatch.setattr("shared.kafka.topics.AIOKafkaAdminClient", lambda **_: broker)
    return broker


SETTINGS = Settings(
    environment="test", kafka_replication_factor=3, kafka_min_insync_replicas=2, topic_partitions=5, broker="kafka"
)


async def test_topics_have_the_copies_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = broker_of(monkeypatch, NO_ERROR)
    await ensure_topics(SETTINGS)
    (created,) = broker.asked
    assert len(created) == len(TOPICS)
    assert {topic.replication_factor for topic in created} == {3}
    assert {topic.topic_configs["min.insync.replicas"] for topic in created} == {"2"}
    wanted = {topic_name(SETTINGS, topic.entity): topic.partitions or 5 for topic in TOPICS.values()}
    assert {topic.name: topic.num_partitions for topic in created} == wanted


def test_the_embedded_broker_keeps_no_configuration() -> None:
    embedded = SETTINGS.model_copy(update={"broker": "embedded"})
    assert topic_configs(embedded, TOPICS["pulse"]) == {}
    assert topic_configs(SETTINGS, TOPICS["pulse"]) == {"min.insync.replicas": "2", "retention.ms": "3600000"}


async def test_a_concurrent_start_may_create_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = broker_of(monkeypatch, ALREADY_EXISTS, NO_ERROR)
    await ensure_topics(SETTINGS)
    first, second = broker.asked
    assert {topic.name for topic in first} - {topic.name for topic in second} == set(broker.present)


async def test_a_cluster_with_too_few_brokers_is_waited_for_and_then_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = broker_of(monkeypatch, INVALID_REPLICATION, NO_ERROR)
    await ensure_topics(SETTINGS, attempts=2)
    assert len(broker.asked) == 2
    broker_of(monkeypatch, INVALID_REPLICATION)
    with pytest.raises(TransientError, match="because") as caught:
        await ensure_topics(SETTINGS, attempts=1)
    assert isinstance(caught.value.__cause__, InvalidReplicationFactorError)


async def test_what_the_broker_will_never_create_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = broker_of(monkeypatch, INVALID_CONFIG)
    with pytest.raises(PermanentError, match="because"):
        await ensure_topics(SETTINGS)
    assert len(broker.asked) == 1


async def test_a_broker_that_is_away_is_named() -> None:
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:9") as caught:
        await ensure_topics(SETTINGS.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"}), attempts=1)
    assert isinstance(caught.value.__cause__, KafkaConnectionError)


@pytest.mark.parametrize("name", ["kafka_replication_factor", "kafka_min_insync_replicas"])
def test_no_copies_at_all_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.model_validate({name: 0})
