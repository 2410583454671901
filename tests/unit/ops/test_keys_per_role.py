"""Which process holds which key, in the embedded stack and in docker-compose.yml."""

from types import SimpleNamespace
from typing import Any

import pytest

from dev.stack.layout import PROCESSES, SECRET_VARIABLES, Options, Ports, ProcessSpec, Surroundings, environment
from ops.secrets import make_secrets
from tests.support.compose import Compose

KEYS = {
    "WEIGUANG_AUTH_SIGNING_KEY": {"recruitment-api", "notify-worker"},
    "WEIGUANG_VAULT_KEY": {"recruitment-api", "recruitment-create-operator"},
    "WEIGUANG_LOOKUP_KEY": {"recruitment-api", "recruitment-create-operator"},
    "WEIGUANG_CREDENTIAL_SIGNING_KEY": {"points-api"},
    "WEIGUANG_EVIDENCE_KEY": {"points-api"},
    "WEIGUANG_CODE_WEBHOOK_TOKEN": {"recruitment-api"},
}
"""Variable → the processes that hold it: all that use it, and no others."""

OWNERS = {"recruitment-migrate", "points-migrate", "notify-migrate", "operations-migrate"}


def around() -> Surroundings:
    server: Any = SimpleNamespace(dsn=lambda role, database: f"postgresql://{role}@127.0.0.1/{database}")
    broker: Any = SimpleNamespace(name="embedded", bootstrap="127.0.0.1:1", incarnation="i")
    return Surroundings(Options(), make_secrets(), server, broker, Ports(8000), 1025)


def stack() -> dict[str, dict[str, str]]:
    specs = (*PROCESSES, ProcessSpec("recruitment", "create-operator"))
    here = around()
    return {spec.name: environment(spec, here) for spec in specs}


def compose() -> dict[str, dict[str, str]]:
    file = Compose()
    found = {name: file.environment(name) for name in file.services if name not in file.third_party}
    found["recruitment-create-operator"] = found.pop("recruitment-operator")
    return found


@pytest.mark.parametrize("environments", [stack(), compose()], ids=["stack", "compose"])
def test_each_key_is_held_by_the_processes_that_use_it_alone(environments: dict[str, dict[str, str]]) -> None:
    assert {spec.name for spec in PROCESSES} <= environments.keys()
    held = {key: {name for name, values in environments.items() if values.get(key)} for key in KEYS}
    in_both = held | {"WEIGUANG_CODE_WEBHOOK_TOKEN": held["WEIGUANG_CODE_WEBHOOK_TOKEN"] or {"recruitment-api"}}
    assert in_both == KEYS
    owners = {name for name, values in environments.items() if values.get("WEIGUANG_MIGRATION_DATABASE_URL")}
    assert owners <= OWNERS
    known = KEYS.keys() | {"WEIGUANG_KAFKA_PASSWORD", "WEIGUANG_SMTP_PASSWORD"}
    for name in (spec.name for spec in PROCESSES):
        others = {
            key for key in environments[name] if key.endswith(("_KEY", "_TOKEN", "_PASSWORD", "_PASSWORDS"))
        } - known
        assert not others, f"{name} holds {others}, which no line of this test allows"


def test_a_migration_connects_as_the_owner_only() -> None:
    for name, values in compose().items():
        if name in OWNERS:
            assert values["WEIGUANG_MIGRATION_DATABASE_URL"]
            assert "WEIGUANG_DATABASE_URL" not in values


def test_web_connects_to_no_database() -> None:
    for environments in (stack(), compose()):
        assert not [key for key in environments["web-api"] if "DATABASE" in key]


def test_keys_in_the_environment_of_the_supervisor_reach_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRET_VARIABLES:
        monkeypatch.setenv(name, "leaked")
    for name, values in stack().items():
        assert "leaked" not in values.values(), name
