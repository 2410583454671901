"""Apache Kafka behind TLS: clients verify the broker by the authority that they are told, and speak no plain text."""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.stack.kafka import ADMIN, KafkaBroker, secured_properties
from ops.kafka.acls import PRINCIPALS
from ops.provision import ProvisionSettings, provision_kafka
from shared.kafka.client import client_options
from shared.kafka.topics import topic_name
from shared.settings import Settings
from tests.support.brokers import broker_name

pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.skipif(broker_name() != "kafka", reason="the embedded broker has no TLS"),
]
Key = ec.EllipticCurvePrivateKey


def authority(path: Path) -> tuple[x509.Name, Key]:
    """A certificate authority, its certificate written to the path."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.stem)])
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(pem(certificate(name, key, name, key, ca=True)))
    return name, key


def certificate(subject: x509.Name, key: Key, issuer: x509.Name, signer: Key, *, ca: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    )
    return built.sign(signer, hashes.SHA256())


def pem(found: x509.Certificate) -> bytes:
    return found.public_bytes(serialization.Encoding.PEM)


def keystore(path: Path, issuer: x509.Name, signer: Key) -> None:
    """The broker's key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + pem(certificate(subject, key, issuer, signer, ca=False)))


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
        await asyncio.wait_for(producer.start(), 60)
        await asyncio.wait_for(producer.send_and_wait(topic_name(settings, "attendance"), b"{}", key=b"k"), 60)
    finally:
        await producer.stop()
