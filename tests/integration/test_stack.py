"""The supervisor without the services: servers come back when killed, keep their data, and nothing is left behind."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from dev.mailcatcher import MailCatcher
from dev.stack import jars, supervisor
from dev.stack.errors import StackError
from dev.stack.layout import ROOT, Options, ProcessSpec
from dev.stack.postgres import forget
from dev.stack.processes import alive
from dev.stack.supervisor import Stack, read_state
from tests.support.brokers import broker_name
from tests.support.stacks import stack_options
from tests.support.waiting import WAIT_LIMIT, eventually

_ALONE = """
import asyncio, sys
from pathlib import Path
from ops.console import finish
from dev.stack.supervisor import Options, Stack
async def work():
    async with Stack(Options(var=Path(sys.argv[1]), processes=(), port=0)):
        await asyncio.Event().wait()
    return 0
finish(work)
"""


@pytest.fixture
def options(tmp_path: Path) -> Any:
    """A stack of servers only, in a directory that no other user may enter (as root, the data lies elsewhere)."""
    var = tmp_path / "var"
    yield stack_options(var, temporary=False, processes=())
    forget(var / "postgres")


@asynccontextmanager
async def _supervisor_process(var: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _ALONE, str(var), env=env)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _children(var: Path) -> list[int]:
    """Process numbers of a supervisor's children, when it is up."""
    state = await eventually(lambda: read_state(var))
    return [part["pid"] for part in state["processes"].values()]


async def _query(dsn: str, sql: str) -> Any:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(sql)
    finally:
        await conn.close()


@pytest.mark.broker
async def test_data_outlives_the_stack_and_secrets_stay(options: Options) -> None:
    async with Stack(options) as stack:
        await _query(stack.dsn("points_app"), "insert into relay_state (incarnation) values ('kept') returning 1")
        secrets = stack.secrets
    assert (options.var / "secrets.json").stat().st_mode & 0o777 == 0o600
    async with Stack(options) as stack:
        assert await _query(stack.dsn("points_app"), "select incarnation from relay_state") == "kept"
        assert stack.secrets == secrets


@pytest.mark.broker
async def test_servers_that_are_killed_come_back(options: Options) -> None:
    async with Stack(options) as stack:
        await _query(stack.dsn("points_app"), "insert into relay_state (incarnation) values ('kept') returning 1")
        pid = stack.kill("postgres")
        await stack.wait_restarted("postgres", pid)
        await eventually(stack.postgres.answers)
        assert await _query(stack.dsn("points_app"), "select incarnation from relay_state") == "kept"

        address, incarnation = stack.broker.bootstrap, stack.broker.incarnation
        pid = stack.kill("broker")
        await stack.wait_restarted("broker", pid)
        if broker_name() == "embedded":
            assert stack.broker.bootstrap != address
            assert stack.broker.incarnation != incarnation
        else:
            assert (stack.broker.bootstrap, stack.broker.incarnation) == (address, incarnation)
        assert await _last_incarnation(stack.broker.bootstrap) == stack.broker.incarnation
        assert (stack.restarts("postgres"), stack.restarts("broker")) == (1, 1)


async def _last_incarnation(bootstrap: str) -> str:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        partition = TopicPartition("volunteering.control.v1", 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.seek(partition, end - 1)
        value = (await asyncio.wait_for(consumer.getone(), WAIT_LIMIT)).value
        return str(value.decode())
    finally:
        await consumer.stop()


@pytest.mark.broker
async def test_nothing_is_left_when_the_supervisor_is_killed(options: Options) -> None:
    async with _supervisor_process(options.var) as process:
        children = await _children(options.var)
        assert all(alive(pid) for pid in children)
        process.kill()
        await process.wait()
    await eventually(lambda: not any(alive(pid) for pid in children))
    async with Stack(options) as stack:  # and what it left on disk does not disturb the next
        assert await stack.postgres.answers()


@pytest.mark.broker
@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.deep), signal.SIGINT])
async def test_it_ends_in_order_when_asked(options: Options, number: signal.Signals) -> None:
    async with _supervisor_process(options.var) as process:
        children = await _children(options.var)
        process.send_signal(number)
        await asyncio.wait_for(process.wait(), WAIT_LIMIT)
        assert not any(alive(pid) for pid in children)
    assert process.returncode == (0 if number == signal.SIGTERM else 130)
    assert read_state(options.var) is None


@pytest.mark.broker
async def test_two_stacks_do_not_share_a_directory(options: Options) -> None:
    temporary = replace(options, temporary=True)
    async with Stack(options) as stack:
        with pytest.raises(StackError, match=f"process {os.getpid()}"):
            async with Stack(temporary):
                pass
        assert read_state(options.var) is not None  # the second has not torn down the first's
        assert await stack.postgres.answers()
    async with Stack(temporary):
        pass
    assert not (options.var / "postgres").exists()


async def test_a_taken_port_is_named(options: Options, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} is taken by .*WEIGUANG_PORT="):
            async with Stack(Options(var=tmp_path / "other", port=port)):
                pass
    assert not (tmp_path / "other" / "postgres").exists()


@pytest.mark.broker
async def test_a_process_that_cannot_start_is_reported_with_its_log(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(ProcessSpec):
        @property
        def command(self) -> list[str]:
            return [sys.executable, "-c", "raise SystemExit('the sky is down')"]

    monkeypatch.setattr(supervisor, "PROCESSES", (Broken("points", "worker"),))
    broken = replace(options, processes=("points-worker",))
    with pytest.raises(StackError, match=r"points-worker ended 5 times(.|\n)*the sky is down"):
        async with Stack(broken):
            pass


async def test_the_message_says_how_to_get_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(StackError, match="apt-get install openjdk"):
        await jars.find_java()
    monkeypatch.setattr(jars, "ROOT_VAR", Path("/nowhere"))
    with pytest.raises(StackError, match="apt-get install maven"):
        await jars.resolve_jars()


async def test_the_mail_catcher_keeps_what_it_gets(tmp_path: Path) -> None:
    catcher = MailCatcher(tmp_path)
    await catcher.start()
    try:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "a@localhost", "b@localhost", "微光"
        mail.set_content("点滴微光，汇聚成炬")
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=catcher.port)
    finally:
        await catcher.stop()
    (kept,) = tmp_path.glob("*.eml")
    assert b"X-Envelope-To: b@localhost" in kept.read_bytes()


def test_the_state_file_of_a_dead_stack_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "stack.json").write_text(json.dumps({"pid": 2**22 + 1}))
    assert read_state(tmp_path) is None
