"""Settings as a service would read them, for one test's database and broker."""

from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from dev.stack.layout import GENEROUS_LIMITS
from ops.secrets import Secrets, make_secrets
from shared.settings import Settings
from tests.support.brokers import TestBroker
from tests.support.databases import TestDatabase

__all__ = ["SECRETS", "SettingsFactory", "SettingsFor"]

SECRETS: Secrets = make_secrets()
"""One set of keys for the whole session: tokens minted in one test file are good in another."""


class SettingsFor(Protocol):
    """Type of the `settings_for` fixture."""

    def __call__(self, service: str, **overrides: Any) -> Any: ...


@dataclass(slots=True)
class SettingsFactory:
    """Makes settings; what the test's fixtures started is filled in as they start."""

    directory: Path
    database: TestDatabase
    broker: TestBroker | None = None
    topic_partitions: int = 4
    made: list[Settings] = field(default_factory=list)

    def __call__(self, service: str, **overrides: Any) -> Any:
        """The service's own settings class, environment `test`."""
        values: dict[str, Any] = {
            "environment": "test",
            "auth_public_keys": SECRETS.public_keys,
            "report_age_seconds": 0.0,
            "topic_partitions": self.topic_partitions,
            "public_url": "http://127.0.0.1:8000",
            "vault_key": SECRETS.vault_key,
            "lookup_key": SECRETS.lookup_key,
            "credential_signing_key": SECRETS.credential_key,
            "evidence_key": SECRETS.evidence_key,
            "message_log": self.directory / "messages.jsonl",
            "faust_data_dir": self.directory / "faust",
            "stream_seconds": 0.3,
        }
        if service == "recruitment":
            values |= GENEROUS_LIMITS
        if service in SECRETS.signing_keys:
            values["auth_signing_key"] = SECRETS.signing_keys[service]
        if service != "web":
            values["database_url"] = self.database.dsn_for(f"{service}_app")
            values["migration_database_url"] = self.database.dsn_for(f"{service}_owner")
        if self.broker is not None:
            values["kafka_bootstrap"] = self.broker.bootstrap
            values["broker"] = self.broker.name
            values["broker_incarnation"] = self.broker.incarnation
            values["topic_prefix"] = self.broker.topic_prefix
        settings: Settings = _settings_class(service)(**{**values, **overrides})
        self.made.append(settings)
        return settings


@cache
def _settings_class(service: str) -> type[Settings]:
    module = import_module(f"services.{service}.settings")
    found: type[Settings] = getattr(module, f"{service.capitalize()}Settings")

    class Given(found):  # type: ignore[misc, valid-type]
        """The service's settings as a test gives them: looking for each in the environment takes 20 ms a time."""

        @classmethod
        def settings_customise_sources(cls, *sources: Any, init_settings: Any, **others: Any) -> tuple[Any, ...]:
            return (init_settings,)

    return Given
