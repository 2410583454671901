"""Settings, all from environment variables named ``WEIGUANG_…``; each service extends this class with its own."""

from ipaddress import ip_network
from typing import Literal

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings"]


class Settings(BaseSettings):
    """What every role of every service needs to start.

    ``environment`` is ``production`` unless said otherwise: the one in which business time cannot be driven and
    one-time codes are not written to a log.
    """

    model_config = SettingsConfigDict(env_prefix="WEIGUANG_", extra="ignore")

    environment: Literal["production", "embedded", "test"] = "production"
    service: str = "unnamed"

    database_url: str = ""
    """DSN of the role the service runs as; it cannot change the schema."""
    migration_database_url: str = ""
    """DSN of the role that owns the service's schema; used by ``migrate`` only."""
    database_pool_size: int = 8

    kafka_bootstrap: str = "127.0.0.1:9092"
    broker: Literal["embedded", "kafka"] = "kafka"
    """``embedded``: an in-memory broker without idempotent producers that loses its log when it stops."""
    broker_incarnation: str = "durable"
    """Identity of the broker's log. A new value means that the log began anew: relays send everything again."""
    topic_prefix: str = ""
    topic_partitions: int = 12

    http_host: str = "127.0.0.1"
    http_port: int = 0
    http_connections: int = 1024
    """Connections that one process keeps open; beyond, the one that waited longest for a request is closed."""
    http_connections_per_address: int = 256
    """Of one address, IPv6 by /64; trusted proxies are not counted."""
    http_header_seconds: float = 10.0
    """Time for the head of a request to arrive."""
    http_idle_seconds: float = 30.0
    """A connection without a request for so long is closed."""
    ops_port: int = 0
    """Port for health and metrics of roles that serve no API; 0 takes any free one."""

    trusted_proxies: list[str] = ["127.0.0.0/8", "::1"]
    """Networks (CIDR) of the proxies before this process, whose ``X-Forwarded-For`` is believed."""

    auth_public_keys: dict[str, str] = {}
    """Issuer → raw Ed25519 public key, base64."""
    auth_signing_key: SecretStr = SecretStr("")
    """Raw Ed25519 seed, base64; held by the services that mint tokens."""

    recruitment_url: str = "http://127.0.0.1:8101"
    points_url: str = "http://127.0.0.1:8102"
    notify_url: str = "http://127.0.0.1:8103"

    log_level: str = "INFO"

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for text in value:
            ip_network(text, strict=False)
        return value
