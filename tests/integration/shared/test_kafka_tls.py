"""Apache Kafka behind TLS: clients verify the broker by the configured authority, and speak no plain text."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from dev.stack.kafka import ADMIN, KafkaBroker
from ops.kafka.acls import PRINCIPALS
from ops.provision import ProvisionSettings, provision_kafka
from shared.kafka.client import client_options
from shared.kafka.topics import topic_name
from shared.settings import Settings
from tests.support.brokers import broker_name, secured_properties
from tests.support.certificates import authority, keystore
from tests.support.waiting import WAIT_LIMIT

pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(broker_name() != "kafka", reason="the embedded broker has no TLS"),
]


async def test_clients_verify_the_broker_and_encrypt(tmp_path: Path) -> None:
    ca, other = tmp_path / "ca.pem", tmp_path / "other.pem"
    keystore(tmp_path / "broker.pem", *authority(ca))
    authority(other)
    properties = secured_properties("admin-secret") | {
        "listener.security.protocol.map": "BUS:SASL_SSL,CONTROLLER:SASL_PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(tmp_path / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(ca),
    }
    admin = {"kafka_user": ADMIN, "kafka_password": "admin-secret", "kafka_sasl_mechanism": "PLAIN"}
    client = {"kafka_security": "sasl_ssl", "kafka_ca_file": str(ca), "topic_partitions": "1", **admin}
    broker = KafkaBroker(tmp_path / "kafka", tmp_path / "kafka.log", properties=properties, client=client)
    try:
        await broker.start()
        passwords = dict.fromkeys(PRINCIPALS, "secret")
        chosen = {**broker.settings().model_dump(), "environment": "production", "kafka_passwords": passwords}
        assert await provision_kafka(ProvisionSettings.model_validate(chosen)) == []
        service: dict[str, Any] = {
            "kafka_bootstrap": broker.bootstrap,
            "kafka_security": "sasl_ssl",
            "kafka_ca_file": ca,
            "kafka_user": "recruitment",
            "kafka_password": "secret",
        }
        await write(service)
        for wrong in ({"kafka_ca_file": other}, {"kafka_ca_file": None}, {"kafka_security": "sasl_plaintext"}):
            with pytest.raises(KafkaConnectionError):
                await write({**service, **wrong})
    finally:
        await broker.stop()


async def write(values: dict[str, Any]) -> None:
    """Write one record with these settings, in production."""
    settings = Settings.model_validate({"environment": "production", **values})
    producer = AIOKafkaProducer(**client_options(settings), acks="all", request_timeout_ms=5_000)
    try:
        await asyncio.wait_for(producer.start(), WAIT_LIMIT)
        await asyncio.wait_for(producer.send_and_wait(topic_name(settings, "attendance"), b"{}", key=b"k"), WAIT_LIMIT)
    finally:
        await producer.stop()
