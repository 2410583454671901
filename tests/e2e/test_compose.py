"""docker-compose.yml without an engine: every command, variable, port and health path in it works."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from dev.mailcatcher import MailCatcher
from dev.stack import forking
from dev.stack.broker import Broker, make_broker
from dev.stack.kafka import KafkaBroker
from dev.stack.layout import PROCESSES
from dev.stack.postgres import Postgres, forget
from dev.stack.processes import ChildProcess, spawn, stop
from dev.stack.units import tail
from shared.production import faults
from tests.support.brokers import broker_name
from tests.support.compose import Compose, Service
from tests.support.databases import ROOT
from tests.support.depth import DEEP
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]


def _environment(service: Service, home: Path, incarnation: str) -> dict[str, str]:
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    values = {**base, **service.environment}
    if "WEIGUANG_FAUST_DATA_DIR" in values:  # a path of the image
        values["WEIGUANG_FAUST_DATA_DIR"] = str(home / service.name)
    if broker_name() == "embedded":  # the file says Apache Kafka, which is idempotent and authenticates clients
        values |= {"WEIGUANG_BROKER": "embedded", "WEIGUANG_BROKER_INCARNATION": incarnation}
        if service.name != "provision":  # production refuses this broker
            values["WEIGUANG_ENVIRONMENT"] = "test"
        values |= {"WEIGUANG_KAFKA_SECURITY": "plaintext", "WEIGUANG_KAFKA_ALLOW_PLAINTEXT": "true"}
    return values


@asynccontextmanager
async def _third_parties(compose: Compose, home: Path) -> AsyncIterator[tuple[dict[tuple[str, int], int], str]]:
    """PostgreSQL, the broker and the mail catcher in place of their images: (host, port) → here; the incarnation."""
    postgres = Postgres(home / "postgres", home / "postgres.log", compose.variables["POSTGRES_PASSWORD"], durable=False)
    broker = _broker(compose, home)
    mail = MailCatcher(home / "mail")
    try:
        await postgres.start()
        await broker.start(topic_prefix="unused.")
        await mail.start()
        kafka = int(broker.bootstrap.rpartition(":")[2])
        yield {("postgres", 5432): postgres.port, ("kafka", 9092): kafka, ("mail", 1025): mail.port}, broker.incarnation
    finally:
        await mail.stop()
        await broker.stop()
        await postgres.stop()
        forget(home / "postgres")


def _broker(compose: Compose, home: Path) -> Broker:
    """The embedded one, or Apache Kafka as the file configures it, with its users and permissions."""
    if broker_name() == "embedded":
        return make_broker("embedded", home)
    client = {
        "kafka_security": "sasl_plaintext",
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_user": "admin",
        "kafka_password": compose.variables["KAFKA_ADMIN_PASSWORD"],
    }
    return KafkaBroker(home / "kafka", home / "broker.log", properties=compose.kafka_properties(), client=client)


async def _once(service: Service, home: Path, env: Mapping[str, str]) -> None:
    """Run a one-shot service to its end; one of a package whose role starts by its own command may be a fork."""
    log = home / f"{service.name}.log"
    start = spawn if DEEP or not service.command[2].startswith("services.") else forking.spawn
    process = await start(service.command, log=log, env=env, cwd=ROOT)
    assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0, f"{service.name}:\n{tail(log)}"


async def _healthy(service: Service, env: Mapping[str, str]) -> bool:
    """Run the service's own health check."""
    process = await asyncio.create_subprocess_exec(
        *service.healthcheck, env=dict(env), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    return await process.wait() == 0


async def _ready(service: Service) -> bool:
    """What the health check asks for, without a process for each try."""
    try:
        async with aiohttp.ClientSession() as session, session.get(service.healthcheck[-1]) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _by_command(service: Service, running: Sequence[Service]) -> bool:
    """Whether the service is started and checked by its own commands: in breadth, one role of each package.

    The rest are forks of a process that has imported all, which costs a tenth. In depth, none is.
    """
    packages = [one.command[2] for one in running]
    return DEEP or running.index(service) == packages.index(service.command[2])


async def _start(service: Service, running: Sequence[Service], home: Path, env: Mapping[str, str]) -> ChildProcess:
    start = spawn if _by_command(service, running) else forking.spawn
    return await start(service.command, log=home / f"{service.name}.log", env=env, cwd=ROOT)


@pytest.mark.grows
async def test_every_service_runs_as_the_file_says(tmp_path: Path) -> None:
    compose = Compose()
    async with _third_parties(compose, tmp_path) as (servers, incarnation):
        ports = {**compose.ports(), **servers}
        ours = [compose.service(name, ports) for name in compose.services if name not in compose.third_party]
        environments = {service.name: _environment(service, tmp_path, incarnation) for service in ours}
        for service in ours:
            if not service.healthcheck:
                await _once(service, tmp_path, environments[service.name])
        running = [service for service in ours if service.healthcheck]
        processes = {
            service.name: await _start(service, running, tmp_path, environments[service.name]) for service in running
        }
        try:
            for service in running:
                check = partial(_healthy, service, environments[service.name])
                try:
                    await eventually(partial(_ready, service), every=0.2)
                    if _by_command(service, running):
                        await eventually(check, every=2.0)
                except AssertionError:
                    pytest.fail(f"{service.name} is not healthy:\n{tail(tmp_path / f'{service.name}.log')}")
            await _paths_answer(running)
            await _time_is_not_driven(servers["postgres", 5432], compose.variables["POSTGRES_PASSWORD"])
        finally:
            await asyncio.gather(*(stop(process, patience=5) for process in processes.values()))
        for name, process in processes.items():
            assert process.returncode in (0, -signal.SIGKILL), f"{name}:\n{tail(tmp_path / f'{name}.log')}"


async def _paths_answer(running: list[Service]) -> None:
    """Beyond the health path: alive, and metrics."""
    async with aiohttp.ClientSession() as session:
        for service in running:
            base = urlsplit(service.healthcheck[-1])
            for path in ("/healthz", "/metrics", base.path):
                async with session.get(f"{base.scheme}://{base.netloc}{path}") as answer:
                    assert answer.status == 200, f"{service.name}{path}: {await answer.text()}"


async def _time_is_not_driven(port: int, password: str) -> None:
    """The file starts production, in which nobody moves business time."""
    conn = await asyncpg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/weiguang")
    try:
        assert not await conn.fetchval("select drivable from business.clock")
    finally:
        await conn.close()


def test_the_file_names_every_process_of_the_stack() -> None:
    compose = Compose()
    commands = {
        tuple(service["command"]) for name, service in compose.services.items() if name not in compose.third_party
    }
    for spec in PROCESSES:
        assert ("python", "-m", f"services.{spec.service}", spec.role) in commands
    assert {"postgres", "kafka", "mail", "proxy"} == compose.third_party


def test_health_checks_and_ports_agree() -> None:
    compose = Compose()
    for name, entry in compose.services.items():
        if name in compose.third_party or "healthcheck" not in entry:
            continue
        values = entry["environment"]
        listening = [values[key] for key in ("WEIGUANG_OPS_PORT", "WEIGUANG_HTTP_PORT") if key in values]
        assert entry["healthcheck"]["test"][-1] == f"http://127.0.0.1:{listening[0]}/readyz"
        published = [str(part).rpartition(":")[2] for part in (*entry.get("expose", ()), *entry.get("ports", ()))]
        assert published == listening


def test_people_come_through_the_proxy_alone() -> None:
    compose = Compose()
    open_to_all = {
        name
        for name, entry in compose.services.items()
        for port in entry.get("ports", ())
        if not str(port).startswith("127.0.0.1:")
    }
    assert open_to_all == {"proxy"}
    assert compose.networks("proxy") == {"edge"}
    assert "web-api:8000" in (ROOT / "ops/proxy/Caddyfile").read_text("utf-8")
    assert compose.variables["PUBLIC_URL"].startswith("https://")


def test_containers_are_confined() -> None:
    compose = Compose()
    for name, entry in compose.services.items():
        assert entry["cap_drop"] == ["ALL"], name
        assert entry["security_opt"] == ["no-new-privileges:true"], name
        assert entry.get("read_only") or name == "kafka", name
        assert "privileged" not in entry, name
        if name in compose.third_party:
            assert entry["image"].startswith("${"), f"{name}'s image can be pinned by a digest"


def test_production_accepts_what_the_file_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Compose()
    ports = {**compose.ports(), ("postgres", 5432): 1, ("kafka", 9092): 2, ("mail", 1025): 3}
    for spec in PROCESSES:
        values = compose.service(spec.name, ports).environment
        assert values["WEIGUANG_ENVIRONMENT"] == "production"
        with monkeypatch.context() as patched:
            for key, value in values.items():
                patched.setenv(key, value)
            module = import_module(f"services.{spec.service}.settings")
            settings = getattr(module, f"{spec.service.capitalize()}Settings")()
        assert list(faults(settings)) == [], spec.name


def test_the_example_environment_is_complete_and_holds_no_secret() -> None:
    compose = Compose()
    ports = compose.ports()
    for name in compose.services:
        if name not in compose.third_party:
            compose.service(name, {**ports, ("postgres", 5432): 1, ("kafka", 9092): 2, ("mail", 1025): 3})
        for value in compose.services[name].get("environment", {}).values():
            compose.resolve(str(value))
        entry = compose.services[name]
        images = [entry["image"], *entry.get("build", {}).get("args", {}).values()]
        for value in (*entry.get("ports", ()), *entry.get("command", ()), *images):
            compose.resolve(str(value))
    assert set(compose.variables) == compose.asked
    example = (ROOT / ".env.example").read_text("utf-8")
    for name, value in compose.variables.items():
        if name.endswith(("_PASSWORD", "_KEY")) and name != "SMTP_PASSWORD":  # the mail server's own
            assert f"\n{name}=\n" in example
            assert len(value) >= 16


def test_only_who_must_is_on_a_network() -> None:
    compose = Compose()
    on = {
        network: {name for name in compose.services if network in compose.networks(name)}
        for network in compose.document["networks"]
    }
    assert all(compose.networks(name) for name in compose.services)
    assert "web-api" not in on["data"]
    assert on["edge"] & on["data"] == set()
    assert "kafka" not in on["edge"] | on["core"] | on["data"]
    assert "postgres" not in on["edge"] | on["core"] | on["bus"]
    for name in ("data", "bus"):
        assert compose.document["networks"][name] == {"internal": True}


def test_each_process_has_the_credentials_of_its_service_alone() -> None:
    compose = Compose()
    for name, entry in compose.services.items():
        if name in compose.third_party or name == "provision":
            continue
        values = entry["environment"]
        service, _, role = name.partition("-")
        speaks = name == "web-api" or role in ("worker", "relay", "agents", "teams")
        expected = service if speaks else None
        assert values.get("WEIGUANG_KAFKA_USER") == expected, name
        password = f"${{KAFKA_{expected.upper()}_PASSWORD:?}}" if expected else None
        assert values.get("WEIGUANG_KAFKA_PASSWORD") == password, name
        assert "WEIGUANG_KAFKA_ALLOW_PLAINTEXT" not in values, name


def test_the_broker_admits_nobody_without_credentials() -> None:
    properties = Compose().kafka_properties()
    protocols = dict(part.split(":") for part in properties["listener.security.protocol.map"].split(","))
    assert set(protocols.values()) == {"SASL_PLAINTEXT"}
    assert properties["authorizer.class.name"].endswith(".StandardAuthorizer")
    assert properties["allow.everyone.if.no.acl.found"] == "false"
    assert properties["super.users"] == "User:admin"
    assert properties["listener.name.bus.scram-sha-512.sasl.jaas.config"].endswith("ScramLoginModule required;")


def test_the_image_installs_from_the_lock_and_runs_unprivileged() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert "--require-hashes -r /tmp/requirements.lock" in text
    assert "\nUSER weiguang\n" in text
