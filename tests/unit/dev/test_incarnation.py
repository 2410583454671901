"""A new broker's control record is sent until it is accepted, and what never will be is reported at once."""

from typing import Any

import pytest
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
)

from dev.stack import incarnation
from dev.stack.errors import StackError
from shared.settings import Settings

SETTINGS = Settings(environment="test", kafka_bootstrap="broker:9092", broker_incarnation="kafka-one")


class Producers:
    """Makes producers whose sending fails with each of the errors in turn, and succeeds when none is left."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.accepted: list[tuple[str, bytes, bytes]] = []
        self.open = self.attempts = 0

    def __call__(self, **_: Any) -> "Producers":
        return self

    async def start(self) -> None:
        self.attempts += 1
        self.open += 1

    async def stop(self) -> None:
        self.open -= 1

    async def send_and_wait(self, topic: str, *, key: bytes, value: bytes) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.accepted.append((topic, key, value))


def producers_of(monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> Producers:
    async def present(settings: Settings, *, attempts: int) -> None:
        """Stands in for the creation of topics."""

    producers = Producers(*errors)
    monkeypatch.setattr(incarnation, "AIOKafkaProducer", producers)
    monkeypatch.setattr(incarnation, "ensure_topics", present)
    monkeypatch.setattr(incarnation, "_PAUSE", 0)
    return producers


async def test_a_topic_without_a_leader_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    passing = (NotLeaderForPartitionError(), KafkaTimeoutError(), KafkaConnectionError("away"), OSError("reset"))
    producers = producers_of(monkeypatch, *passing)
    await incarnation.announce(SETTINGS)
    assert producers.accepted == [("volunteering.control.v1", b"incarnation", b"kafka-one")]
    assert (producers.attempts, producers.open) == (5, 0)


@pytest.mark.parametrize("error", [AuthenticationFailedError("password"), TopicAuthorizationFailedError()])
async def test_a_refusal_that_does_not_pass_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch, error: KafkaError
) -> None:
    producers = producers_of(monkeypatch, error)
    with pytest.raises(StackError, match="broker:9092") as caught:
        await incarnation.announce(SETTINGS)
    assert caught.value.__cause__ is error
    assert (producers.attempts, producers.open) == (1, 0)


async def test_the_wait_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    producers = producers_of(monkeypatch, *[NotLeaderForPartitionError()] * 3)
    with pytest.raises(StackError, match="NotLeader"):
        await incarnation.announce(SETTINGS, patience=0)
    assert (producers.accepted, producers.open) == ([], 0)
