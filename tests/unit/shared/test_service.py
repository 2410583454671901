"""The command line that every service has: one role or command, run with the settings."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from services.notify.__main__ import SERVICE as NOTIFY
from services.operations.__main__ import SERVICE as OPERATIONS
from services.points.__main__ import SERVICE as POINTS
from services.recruitment.__main__ import SERVICE as RECRUITMENT
from services.web.__main__ import SERVICE as WEB
from shared import service
from shared.errors import TransientError
from shared.service import ServiceCommand, ServiceRunner, keys_command, readiness
from shared.settings import Settings

RAN: list[tuple[str, Any]] = []


@pytest.fixture(autouse=True)
def forget() -> None:
    RAN.clear()


def service_of(settings: Settings, *, migrations: Path | None = None) -> ServiceRunner[Settings]:
    return ServiceRunner(
        "sample",
        lambda: settings,
        roles={"api": lambda given: RAN.append(("api", given))},
        migrations=migrations,
        commands={
            "keys": keys_command(lambda given, chosen: RAN.append((chosen.what, given))),
            "count": ServiceCommand(
                _count, lambda parser: parser.add_argument("--to", type=int, required=True), "count"
            ),
        },
    )


def _count(given: Settings, chosen: argparse.Namespace) -> None:
    RAN.append(("count", chosen.to))


def test_the_role_or_command_that_is_named_runs_with_the_settings() -> None:
    settings = Settings(environment="test")
    for arguments in (["api"], ["keys", "status"], ["keys", "rewrap"], ["count", "--to", "3"]):
        service_of(settings).main(arguments)
    assert [("api", settings), ("status", settings), ("rewrap", settings), ("count", 3)] == RAN


@pytest.mark.parametrize("arguments", [[], ["worker"], ["api", "extra"], ["keys", "drop"], ["count"], ["migrate"]])
def test_anything_else_is_refused_before_the_settings_are_read(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        service_of(Settings(environment="test")).main(arguments)
    assert RAN == []


def test_production_refuses_unsafe_settings_before_the_role_begins() -> None:
    with pytest.raises(SystemExit, match="Production refuses to start"):
        service_of(Settings(environment="production", broker="embedded")).main(["api"])
    assert RAN == []


def test_migrations_are_applied_by_the_owner_for_the_services_role(monkeypatch: pytest.MonkeyPatch) -> None:
    async def migrate(*arguments: Any) -> None:
        RAN.append(("migrate", arguments))

    monkeypatch.setattr(service, "migrate", migrate)
    settings = Settings(environment="test", migration_database_url="postgresql://owner")
    service_of(settings, migrations=Path("here")).main(["migrate"])
    assert [("migrate", ("postgresql://owner", "sample", "sample_app", Path("here")))] == RAN


async def test_a_process_is_ready_when_database_and_broker_are(monkeypatch: pytest.MonkeyPatch) -> None:
    class Database:
        async def ready(self) -> None:
            raise TransientError("away")

    async def broker_ready(settings: Settings) -> None:
        RAN.append(("broker", settings))

    monkeypatch.setattr(service, "broker_ready", broker_ready)
    database: Any = Database()
    settings = Settings(environment="test")
    checks = readiness(settings, lambda: database)
    await checks["broker"]()
    assert [("broker", settings)] == RAN
    with pytest.raises(TransientError, match="away"):
        await checks["database"]()


@pytest.mark.parametrize(
    ("of", "roles"),
    [
        (RECRUITMENT, {"api", "worker", "relay"}),
        (POINTS, {"api", "worker", "teams", "relay"}),
        (NOTIFY, {"api", "worker", "relay"}),
        (OPERATIONS, {"api", "worker", "agents", "relay"}),
        (WEB, {"api"}),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_every_service_has_its_roles(of: ServiceRunner[Any], roles: set[str]) -> None:
    assert set(of.roles) == roles
    assert (of.migrations is None) == (of.name == "web")
