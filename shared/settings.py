"""Settings, all from environment variables named ``WEIGUANG_…``; each service extends this class with its own."""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings"]


class Settings(BaseSettings):
    """The settings that every role of every service needs to start.

    ``environment`` is ``production`` unless said otherwise: the one in which business time cannot be driven and
    one-time codes are not written to a log.
    """

    model_config = SettingsConfigDict(env_prefix="WEIGUANG_", extra="ignore")

    environment: Literal["production", "embedded", "test"] = "production"
    """``production`` refuses unsafe settings, and a database whose business time can be driven."""
    service: str = "unnamed"
    """Name of the service in logs and tokens; each service sets its own."""

    database_url: str = ""
    """DSN of the role the service runs as; it cannot change the schema."""
    migration_database_url: str = ""
    """DSN of the role that owns the service's schema; used by ``migrate`` only."""
    database_pool_size: int = 8
    """Connections of one process to the database."""
    database_acquire_seconds: float = 5.0
    """A request that gets no connection within this time is answered 503 with ``Retry-After``."""
    database_statement_seconds: float = 20.0
    """Longest statement of a request."""
    database_lock_seconds: float = 10.0
    """Longest wait of a request for a lock."""
    database_idle_seconds: float = 60.0
    """A transaction of a request that does nothing for so long is rolled back."""
    report_pool_size: int = 2
    """Connections for reports and exports, apart from those of all other requests."""
    report_statement_seconds: float = 60.0
    """Longest statement of a report."""
    report_age_seconds: float = 2.0
    """How old a public report may be: many readers cost the database one reading."""

    kafka_bootstrap: str = "127.0.0.1:9092"
    """Addresses of brokers, separated by commas."""
    kafka_security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    """How clients connect. Production refuses ``plaintext``; ``sasl_ssl`` encrypts and authenticates."""
    kafka_allow_plaintext: bool = False
    """Lets production use a broker without authentication, on a network that admits these services only."""
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    """How clients authenticate where ``kafka_security`` says SASL."""
    kafka_user: str = ""
    """The principal of this process: the service's name, which the broker's ACLs are made for."""
    kafka_password: SecretStr = SecretStr("")
    """Password of the principal."""
    kafka_ca_file: Path | None = None
    """PEM of the authority that signed the brokers' certificates; the system's authorities if unset."""
    kafka_cert_file: Path | None = None
    """PEM of this client's certificate, where brokers ask for one."""
    kafka_key_file: Path | None = None
    """PEM of the certificate's key; unset if it is in the same file."""
    kafka_replication_factor: int = Field(default=1, ge=1)
    """Copies of each partition of topics that are created; 3 where there are as many brokers."""
    kafka_min_insync_replicas: int = Field(default=1, ge=1)
    """Copies that must have a record before it is acknowledged; 2 of 3 outlives the loss of one broker."""
    broker: Literal["embedded", "kafka"] = "kafka"
    """``embedded``: an in-memory broker without idempotent producers that loses its log when it stops."""
    broker_incarnation: str = "durable"
    """Identity of the broker's log. A new value means that the log began anew: relays send everything again."""
    embedded_fetch_ms: int = Field(default=0, ge=0)
    """Least milliseconds that the embedded broker holds an empty fetch: each one answered costs processor time."""
    topic_prefix: str = ""
    """Before the name of every topic; keeps tests on one broker apart."""
    topic_partitions: int = 12
    """Partitions of topics that are created and name no number of their own."""

    http_host: str = "127.0.0.1"
    """Address on which the process listens."""
    http_port: int = 0
    """Port of the API; 0 takes any free one."""
    http_connections: int = 1024
    """Connections that one process keeps open; beyond, the one that waited longest for a request is closed."""
    http_connections_per_address: int = 256
    """Connections of one address, IPv6 by /64; trusted proxies are not counted."""
    http_header_seconds: float = 10.0
    """Time for the head of a request to arrive."""
    http_idle_seconds: float = 30.0
    """A connection without a request for so long is closed."""
    ops_port: int = 0
    """Port for health and metrics of roles that serve no API; 0 takes any free one."""

    trusted_proxies: list[str] = ["127.0.0.0/8", "::1"]
    """Networks (CIDR) of the proxies before this process, whose ``X-Forwarded-For`` is believed."""

    auth_public_keys: dict[str, str] = {}
    """Issuer → raw Ed25519 public key, base64; several while keys are rotated, as a ring: ``2:…,1:…``."""
    auth_signing_key: SecretStr = SecretStr("")
    """Raw Ed25519 seed, base64, or a ring whose first key signs: ``2:…,1:…``. Held by the services that mint tokens."""

    recruitment_url: str = "http://127.0.0.1:8101"
    """Base address of recruitment's API, inside."""
    points_url: str = "http://127.0.0.1:8102"
    """Base address of points' API, inside."""
    notify_url: str = "http://127.0.0.1:8103"
    """Base address of notify's API, inside."""
    operations_url: str = "http://127.0.0.1:8104"
    """Base address of operations' API, inside."""

    log_level: str = "INFO"
    """Lowest level that is logged."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for text in value:
            ip_network(text, strict=False)
        return value
