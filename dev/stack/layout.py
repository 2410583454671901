"""Which processes make up the stack, and the environment that each is started with."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.stack.broker import EMBEDDED_PARTITIONS, PARTITIONS, Broker
from dev.stack.forking import spawn
from dev.stack.processes import Spawn, free_port
from ops.database import Server
from ops.secrets import Secrets

__all__ = [
    "DATABASE",
    "GENEROUS_LIMITS",
    "KEYS",
    "PROCESSES",
    "ROOT",
    "SECRET_VARIABLES",
    "Options",
    "Ports",
    "ProcessSpec",
    "environment",
]

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "weiguang"
GENEROUS_LIMITS = {
    "limit_codes_per_phone": 200,
    "limit_codes_per_phone_and_day": 2000,
    "limit_codes_per_address": 1_000_000,
    "limit_codes_in_all": 1_000_000,
    "limit_tries_per_address": 100_000,
    "limit_passwords_per_address": 10_000,
    "limit_orders_per_resident": 1_000,
    "limit_orders_per_address": 1_000_000,
}
"""Everybody of the embedded stack comes from one address, and its demo registers thousands in minutes."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: `python -m services.<service> <role>`."""

    service: str
    role: str

    @property
    def name(self) -> str:
        """`points-worker`: as in log files, in `Stack.kill` and in the state file."""
        return f"{self.service}-{self.role}"

    @property
    def command(self) -> list[str]:
        """What is run."""
        return [sys.executable, "-m", f"services.{self.service}", self.role]

    @property
    def speaks_kafka(self) -> bool:
        """Whether it holds connections to the broker, and so must be started again when that is reborn elsewhere."""
        return self.role != "api" or self.service == "web"


PROCESSES = tuple(
    ProcessSpec(service, role)
    for service, roles in {
        "recruitment": ("api", "worker", "relay"),
        "points": ("api", "worker", "teams", "relay"),
        "notify": ("api", "worker", "relay"),
        "operations": ("api", "worker", "agents", "relay"),
        "web": ("api",),
    }.items()
    for role in roles
)

KEYS: Mapping[str, tuple[str, ...]] = {
    "recruitment-api": ("WEIGUANG_AUTH_SIGNING_KEY", "WEIGUANG_VAULT_KEY", "WEIGUANG_LOOKUP_KEY"),
    "recruitment-create-operator": ("WEIGUANG_VAULT_KEY", "WEIGUANG_LOOKUP_KEY"),
    "recruitment-keys": ("WEIGUANG_VAULT_KEY", "WEIGUANG_LOOKUP_KEY"),
    "points-api": ("WEIGUANG_CREDENTIAL_SIGNING_KEY", "WEIGUANG_EVIDENCE_KEY"),
    "points-keys": ("WEIGUANG_EVIDENCE_KEY",),
    "notify-worker": ("WEIGUANG_AUTH_SIGNING_KEY",),
}
"""Process → the keys that it uses. Relays, agents and all other workers hold none."""

SECRET_VARIABLES = frozenset(
    {
        *(name for names in KEYS.values() for name in names),
        "WEIGUANG_DATABASE_URL",
        "WEIGUANG_MIGRATION_DATABASE_URL",
        "WEIGUANG_SUPERUSER_DATABASE_URL",
        "WEIGUANG_DATABASE_PASSWORDS",
        "WEIGUANG_KAFKA_PASSWORDS",
        "WEIGUANG_OPERATOR_PASSWORD",
        "WEIGUANG_SECOND_OPERATOR_PASSWORD",
        "WEIGUANG_CODE_WEBHOOK_TOKEN",
    }
)
"""Never passed on from the environment of the supervisor."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is started, and where its state lies."""

    var: Path = ROOT / "var"
    broker: str = field(default_factory=lambda: os.environ.get("BROKER") or "embedded")
    port: int = field(default_factory=lambda: int(os.environ.get("WEIGUANG_PORT") or "8000"))
    """Port of the gateway; 0 takes any free one."""
    processes: tuple[str, ...] = tuple(spec.name for spec in PROCESSES)
    driven_time: bool = True
    """Whether business time may be driven in this database (decided when it is first made)."""
    topic_partitions: int | None = None
    """None: as many as suit the broker, see `partitions`."""
    temporary: bool = False
    """Whether the data is deleted when the stack ends: for tests (as root it may lie outside of `var`)."""
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    """Given to every process, over everything else."""
    spawn: Spawn = spawn
    """Starts the services' processes."""
    patience: float = field(default_factory=lambda: float(os.environ.get("WEIGUANG_STACK_PATIENCE") or "5"))
    """Seconds that processes get to end by themselves; with 5 all of the stack's end stays within 10 s."""

    @property
    def partitions(self) -> int:
        """Partitions of a topic that names no number of its own: the embedded broker has one worker of each kind."""
        return self.topic_partitions or (EMBEDDED_PARTITIONS if self.broker == "embedded" else PARTITIONS)


@dataclass(slots=True)
class Ports:
    """Where each process listens; the same over its restarts."""

    gateway: int
    of: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> int:
        if name == "web-api":
            return self.gateway
        if name not in self.of:
            self.of[name] = free_port()
        return self.of[name]

    def url(self, name: str) -> str:
        """Base address of a process."""
        return f"http://127.0.0.1:{self[name]}"

    def health_url(self, name: str) -> str:
        """Where a process says whether it is ready: for the gateway a port of its own, as its other one is public."""
        return self.url("web-ops" if name == "web-api" else name)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What processes are told of."""

    options: Options
    secrets: Secrets
    server: Server
    broker: Broker
    ports: Ports
    smtp_port: int


def environment(spec: ProcessSpec, around: Surroundings) -> dict[str, str]:
    """The whole environment of a process; variables of the caller pass only if they are WEIGUANG_… and not set here."""
    values = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("WEIGUANG_") and name not in SECRET_VARIABLES and name != "WEIGUANG_PORT"
    }
    values |= {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # glibc's arenas double the memory of small processes
    }
    values |= _common(around)
    values |= _of_role(spec, around)
    port = str(around.ports[spec.name])
    values |= {"WEIGUANG_HTTP_PORT": port} if spec.role == "api" else {"WEIGUANG_OPS_PORT": port}
    if spec.name == "web-api":
        urls = {name: around.ports.health_url(name) for name in around.options.processes}
        values |= {
            "WEIGUANG_OPS_PORT": str(around.ports["web-ops"]),
            "WEIGUANG_PROCESS_URLS": json.dumps(urls),
        }
    values |= {"WEIGUANG_FAUST_DATA_DIR": str(around.options.var / "faust" / spec.name)}
    return {**values, **around.options.extra_environment}


def _common(around: Surroundings) -> dict[str, str]:
    return {
        "WEIGUANG_ENVIRONMENT": "embedded",
        "WEIGUANG_BROKER": around.broker.name,
        "WEIGUANG_KAFKA_BOOTSTRAP": around.broker.bootstrap,
        "WEIGUANG_BROKER_INCARNATION": around.broker.incarnation,
        "WEIGUANG_TOPIC_PARTITIONS": str(around.options.partitions),
        "WEIGUANG_HTTP_HOST": "127.0.0.1",
        "WEIGUANG_AUTH_PUBLIC_KEYS": json.dumps(around.secrets.public_keys),
        "WEIGUANG_RECRUITMENT_URL": around.ports.url("recruitment-api"),
        "WEIGUANG_POINTS_URL": around.ports.url("points-api"),
        "WEIGUANG_NOTIFY_URL": around.ports.url("notify-api"),
        "WEIGUANG_OPERATIONS_URL": around.ports.url("operations-api"),
        "WEIGUANG_PUBLIC_URL": around.ports.url("web-api"),
    }


def _of_role(spec: ProcessSpec, around: Surroundings) -> dict[str, str]:
    """Each role is given the secrets that it uses, and no others."""
    values: dict[str, str] = {}
    if spec.service != "web":
        values["WEIGUANG_DATABASE_URL"] = around.server.dsn(f"{spec.service}_app", DATABASE)
    secrets = secrets_by_variable(around.secrets)
    values |= {name: secrets[spec.service, name] for name in KEYS.get(spec.name, ())}
    if spec.service == "recruitment":
        values["WEIGUANG_MESSAGE_LOG"] = str(around.options.var / "messages.jsonl")
        values |= {f"WEIGUANG_{name.upper()}": str(most) for name, most in GENEROUS_LIMITS.items()}
    if spec.name == "notify-worker":
        values["WEIGUANG_SMTP_HOST"] = "127.0.0.1"
        values["WEIGUANG_SMTP_PORT"] = str(around.smtp_port)
        values["WEIGUANG_SMTP_FROM"] = "weiguang@localhost"
    return values


def secrets_by_variable(secrets: Secrets) -> dict[tuple[str, str], str]:
    """(service, variable) → value."""
    return {
        **{(issuer, "WEIGUANG_AUTH_SIGNING_KEY"): key for issuer, key in secrets.signing_keys.items()},
        ("recruitment", "WEIGUANG_VAULT_KEY"): secrets.vault_key,
        ("recruitment", "WEIGUANG_LOOKUP_KEY"): secrets.lookup_key,
        ("points", "WEIGUANG_CREDENTIAL_SIGNING_KEY"): secrets.credential_key,
        ("points", "WEIGUANG_EVIDENCE_KEY"): secrets.evidence_key,
    }
