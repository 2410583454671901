"""`async with Stack(Options(…)) as stack:` all of Weiguang on one machine; what dies is started again."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from dev.mailcatcher import MailCatcher
from dev.stack.broker import Broker, make_broker
from dev.stack.errors import StackError
from dev.stack.guards import Lock, require_port, rotate
from dev.stack.layout import DATABASE, PROCESSES, ROOT, Options, Ports, ProcessSpec, Surroundings, environment
from dev.stack.postgres import Postgres, forget
from dev.stack.processes import free_port
from dev.stack.secrets import load_secrets
from dev.stack.units import Unit, describe_exit, tail
from ops import database
from ops.database import SERVICES, Server
from ops.secrets import Secrets
from shared.postgres.migrations import migrate

__all__ = ["Options", "Stack", "read_state"]

_READY_WITHIN = 180.0


class Stack:
    """A running stack. Names of processes: those of `PROCESSES`, and `broker` and `postgres`."""

    def __init__(self, options: Options | None = None, *, progress: Callable[[str], None] = lambda _: None) -> None:
        self.options = options or Options()
        self.var = self.options.var.resolve()
        self.log_directory = self.var / "log"
        self.units: dict[str, Unit] = {}
        self.urls: dict[str, str] = {}
        self._progress = progress
        self._guards = ExitStack()
        self._ours = False
        self._tasks: list[asyncio.Task[None]] = []
        self._restarts = {"broker": 0, "postgres": 0}
        self._started_at = time.time()
        self._ending = asyncio.Event()
        self._revealed = asyncio.Event()
        self.secrets: Secrets
        self.postgres: Postgres
        self.broker: Broker
        self.mail: MailCatcher
        self._around: Surroundings

    async def __aenter__(self) -> Self:
        """Start everything and wait until it is ready.

        Raises:
            StackError: something cannot start; whatever had started is stopped again.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    # -- what users ask

    @property
    def accounts(self) -> dict[str, str]:
        """Username → password of the accounts that the stack makes."""
        return {
            "operator": self.secrets.operator_password,
            "operator2": self.secrets.second_operator_password,
            "engineer": self.secrets.engineer_password,
            "auditor": self.secrets.auditor_password,
        }

    def dsn(self, role: str) -> str:
        """Address of the database for `auditor`, `clock_driver`, `<service>_app`, `<service>_owner` or `postgres`."""
        return self._around.server.dsn(role, DATABASE)

    def pid(self, name: str) -> int | None:
        """Number of a process, None between two."""
        if name in self._restarts:
            process = (self.broker if name == "broker" else self.postgres).process
            return process.pid if process is not None and process.returncode is None else None
        return self.units[name].pid

    def restarts(self, name: str) -> int:
        """How often a process was started again."""
        return self._restarts[name] if name in self._restarts else self.units[name].restarts

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to a process; returns its number.

        Raises:
            StackError: it doesn't run at present.
        """
        pid = self.pid(name)
        if pid is None:
            raise StackError(f"{name} does not run at present")
        os.kill(pid, number)
        return pid

    async def wait_ready(self, timeout: float = _READY_WITHIN) -> None:
        """Wait until every process is ready.

        Raises:
            StackError: one isn't in time.
        """
        await asyncio.gather(*(unit.wait_ready(timeout) for unit in self.units.values()))

    async def wait_restarted(self, name: str, pid: int, timeout: float = _READY_WITHIN) -> None:
        """Wait until the process that was `pid` when it was killed runs anew and everything is ready.

        Raises:
            StackError: not within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while (now := self.pid(name)) is None or now == pid:
            if time.monotonic() > deadline:
                raise StackError(f"{name} was not started again within {timeout:.0f} s")
            await asyncio.sleep(0.05)
        if name == "broker":
            await asyncio.wait_for(self._revealed.wait(), timeout)
        await self.wait_ready(timeout)
        if name in self._restarts:
            await self._all_answer(deadline)

    async def _all_answer(self, deadline: float) -> None:
        for unit in self.units.values():
            while not await unit.answers_ready():
                if time.monotonic() > deadline:
                    raise StackError(f"{unit.spec.name} did not find its servers again. {unit.log}:\n{tail(unit.log)}")
                await asyncio.sleep(0.1)

    def memory_pss(self) -> dict[str, int]:
        """Bytes of each part (proportional set size: what is shared is counted once), and their sum as `total`."""
        found = {name: _pss(pid) for name in (*self.units, "broker", "postgres") if (pid := self.pid(name)) is not None}
        found["supervisor"] = _pss(os.getpid(), children=False)
        found["total"] = sum(found.values())
        return found

    def state(self) -> dict[str, Any]:
        """What `var/run/stack.json` holds."""
        return {
            "pid": os.getpid(),
            "started_at": self._started_at,
            "broker": self.broker.name,
            "broker_version": self.broker.version,
            "kafka_bootstrap": self.broker.bootstrap,
            "incarnation": self.broker.incarnation,
            "postgres": {"port": self.postgres.port, "version": "PostgreSQL 18 (durable)"},
            "urls": self.urls,
            "smtp_port": self.mail.port,
            "mail": str(self.mail.directory),
            "message_log": str(self.var / "messages.jsonl"),
            "accounts": self.accounts,
            "dsns": {role: self.dsn(role) for role in self.secrets.passwords},
            "processes": {
                name: {"pid": unit.pid, "url": unit.url, "restarts": unit.restarts, "ready": unit.ready.is_set()}
                for name, unit in self.units.items()
            }
            | {name: {"pid": self.pid(name), "restarts": count} for name, count in self._restarts.items()},
        }

    # -- starting

    async def _start(self) -> None:
        self._guards.enter_context(Lock(self.var / "run" / "lock"))
        self._ours = True
        require_port(self.options.port)
        rotate(self.log_directory)
        (self.var / "faust").mkdir(exist_ok=True)
        self.secrets = load_secrets(self.var / "secrets.json")
        self._progress("starting PostgreSQL and the broker")
        self.broker = make_broker(self.options.broker, self.var, self.options.partitions)
        self.postgres = Postgres(
            self.var / "postgres", self.log_directory / "postgres.log", self.secrets.passwords["postgres"]
        )
        self.mail = MailCatcher(self.var / "mail")
        await self.mail.start()
        await _all(self._start_database(), self.broker.start())
        self._revealed.set()
        ports = Ports(self.options.port or free_port())
        server = Server("127.0.0.1", self.postgres.port, self.secrets.passwords)
        self._around = Surroundings(self.options, self.secrets, server, self.broker, ports, self.mail.port)
        self.urls = {"gateway": ports.url("web-api")}
        self.urls |= {service: ports.url(f"{service}-api") for service in SERVICES}
        self._progress("starting the services")
        await self._start_units(ports)
        self._tasks = [
            asyncio.create_task(self._keep_postgres(), name="keep postgres"),
            asyncio.create_task(self._keep_broker(), name="keep broker"),
        ]
        await self.wait_ready()
        self._write_state()

    async def _start_database(self) -> None:
        await self.postgres.start()
        await database.bootstrap(
            self.postgres.superuser_dsn,
            DATABASE,
            driven_time=self.options.driven_time,
            passwords=self.secrets.passwords,
        )
        server = Server("127.0.0.1", self.postgres.port, self.secrets.passwords)
        for service in SERVICES:
            directory = ROOT / "services" / service / "migrations"
            await migrate(server.dsn(f"{service}_owner", DATABASE), service, f"{service}_app", directory)

    async def _start_units(self, ports: Ports) -> None:
        for spec in PROCESSES:
            if spec.name in self.options.processes:
                log = self.log_directory / f"{spec.name}.log"
                environment, url = self._environment_of(spec), ports.health_url(spec.name)
                unit = Unit(spec, url, log, environment, self._write_state, self.options.spawn)
                self.units[spec.name] = unit
                unit.start()
        if "recruitment-api" in self.units:
            await self._create_accounts()

    def _environment_of(self, spec: ProcessSpec) -> Callable[[], dict[str, str]]:
        return lambda: environment(spec, self._around)

    async def _create_accounts(self) -> None:
        """The first two operators, the engineer and the auditor, once per data directory."""
        made = self.var / "auditor-made"
        if made.exists():
            return
        await _all(
            self._create_account("operator", "operator", "区志愿服务总队", self.secrets.operator_password),
            self._create_account("operator2", "operator", "区文明办", self.secrets.second_operator_password),
            self._create_account("engineer", "engineer", "运维工程师", self.secrets.engineer_password),
            self._create_account("auditor", "auditor", "运行审计", self.secrets.auditor_password),
        )
        made.touch()

    async def _create_account(self, username: str, role: str, name: str, password: str) -> None:
        spec = ProcessSpec("recruitment", "create-operator")
        log = self.log_directory / f"create-{username}.log"
        command = [*spec.command, "--username", username, "--name", name, "--role", role]
        env = environment(spec, self._around) | {"WEIGUANG_OPERATOR_PASSWORD": password}
        process = await self.options.spawn(command, log=log, env=env, cwd=ROOT)
        if (code := await process.wait()) != 0:
            raise StackError(f"the account {username} could not be made ({describe_exit(code)}):\n{tail(log)}")

    # -- keeping it up

    async def _keep_postgres(self) -> None:
        """PostgreSQL comes back on its port; pools find it again."""
        while not self._ending.is_set():
            assert self.postgres.process is not None
            await self.postgres.process.wait()
            if self._ending.is_set():
                return
            self._restarts["postgres"] += 1
            for attempt in range(20):
                try:
                    await self.postgres.start()
                    break
                except StackError as error:  # its children of before may still hold the shared memory
                    if attempt == 19:
                        self._progress(str(error))
                        raise
                    await asyncio.sleep(0.5)
            self._write_state()

    async def _keep_broker(self) -> None:
        """A broker whose log is gone is reborn on another port, and all who speak to it are started again."""
        while not self._ending.is_set():
            assert self.broker.process is not None
            await self.broker.process.wait()
            if self._ending.is_set():
                return
            self._revealed.clear()
            self._restarts["broker"] += 1
            before = self.broker.incarnation
            for attempt in range(5):
                try:
                    await self.broker.start()
                    break
                except Exception as error:
                    self._progress(f"the broker did not come back: {error}")
                    if attempt == 4:
                        raise
                    await asyncio.sleep(1.0)
            if self.broker.incarnation != before:
                speakers = [unit for unit in self.units.values() if unit.spec.speaks_kafka]
                await asyncio.gather(*(unit.renew() for unit in speakers))
                await self._renew_unready()
            self._revealed.set()
            self._write_state()

    async def _renew_unready(self) -> None:
        """APIs write to their outbox and hardly need the broker: only one that says it misses it is started again."""
        for unit in self.units.values():
            if not unit.spec.speaks_kafka and not await unit.answers_ready():
                await unit.renew()
                await unit.wait_ready(_READY_WITHIN)

    # -- ending

    async def stop(self) -> None:
        """Stop everything; what does not end by itself within `options.patience` seconds is killed."""
        patience = self.options.patience
        self._ending.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(unit.end(patience) for unit in self.units.values()))
        for unit in self.units.values():
            if unit.process is not None and unit.process.returncode == -signal.SIGKILL:
                self._progress(f"{unit.spec.name} did not end within {patience:.0f} s and was killed")
        servers = [part for part in (getattr(self, name, None) for name in ("broker", "postgres")) if part is not None]
        await asyncio.gather(*(server.stop() for server in servers))
        if (mail := getattr(self, "mail", None)) is not None:
            await mail.stop()
        if self._ours:
            (self.var / "run" / "stack.json").unlink(missing_ok=True)
            if self.options.temporary:
                forget(self.var / "postgres")
        self._guards.close()

    def _write_state(self) -> None:
        if self._ending.is_set():
            return
        path = self.var / "run" / "stack.json"
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(self.state(), out, indent=1)
        partial.replace(path)


async def _all(*work: Any) -> None:
    """Like gather, but when one fails the others are ended before the failure goes on."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


def _pss(pid: int, *, children: bool = True) -> int:
    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if children else ())]
    except psutil.Error:
        return 0
    total = 0
    for member in family:
        try:
            total += int(getattr(member.memory_full_info(), "pss", 0)) or member.memory_info().rss
        except psutil.Error:
            continue
    return total


def read_state(var: Path) -> dict[str, Any] | None:
    """The state of the stack that runs on `var`, None when none does."""
    try:
        state: dict[str, Any] = json.loads((var / "run" / "stack.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state if psutil.pid_exists(state["pid"]) else None
