"""Roles as processes: over the wire, with signals and exit codes."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from dev.stack.forking import spawn
from dev.stack.processes import ChildProcess
from tests.support.databases import ROOT
from tests.support.waiting import WAIT_LIMIT, eventually


@dataclass(frozen=True, slots=True)
class Role:
    """A running role: its process, its output, and its port."""

    process: ChildProcess
    output: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), WAIT_LIMIT)


async def start(role: str, output: Path, **environment: str) -> ChildProcess:
    command = [sys.executable, "-m", "tests.integration.shared.http_roles", role]
    return await spawn(command, env={**os.environ, **environment}, log=output, cwd=ROOT)


def logged(output: Path) -> list[dict[str, Any]]:
    """The whole lines of a log so far."""
    lines = output.read_text("utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines if line.startswith("{")]


@asynccontextmanager
async def running(role: str, **environment: str) -> AsyncIterator[Role]:
    """The role, once it listens; killed at the end if it still runs."""
    with TemporaryDirectory() as directory:
        output = Path(directory) / "output"
        process = await start(role, output, **environment)

        def port() -> int | None:
            assert process.returncode is None, f"{role} ended: {output.read_text('utf-8')}"
            listening = [line for line in logged(output) if line["event"].endswith(".listening")]
            return int(listening[0]["port"]) if listening else None

        try:
            yield Role(process, output, await eventually(port))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def ended(role: str, output: Path, **environment: str) -> tuple[int, str]:
    """The exit code of a role that ends by itself, and its output."""
    process = await start(role, output, **environment)
    code = await asyncio.wait_for(process.wait(), WAIT_LIMIT)
    return code, output.read_text("utf-8")


@pytest.fixture(scope="module")
async def api() -> AsyncIterator[Role]:
    async with running("api") as role:
        yield role


@pytest.fixture(scope="module")
async def client(api: Role) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=api.url, timeout=WAIT_LIMIT) as client:
        yield client


async def test_a_body_of_ten_megabytes_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.post("/length", content=b'{"text": "' + b"x" * 10_000_000 + b'"}')
    assert (answer.status_code, answer.json()["type"]) == (413, "body-too-large")
    assert (await client.post("/length", json={"text": "微光"})).json() == {"length": 2}


async def test_so_is_one_that_does_not_say_how_long_it_is(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        for _ in range(100):
            yield b"x" * 100_000
        yield b'"}'

    answer = await client.post("/length", content=chunks(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "body-too-large")
    assert (await client.post("/length", json={"text": "微光"})).json() == {"length": 2}


async def test_a_body_of_almost_the_limit_passes_the_guard(client: httpx.AsyncClient) -> None:
    answer = await client.post("/length", json={"text": "x" * 1_000_000})
    assert (answer.status_code, answer.json()["detail"]) == (422, "text must have at most 4000 characters.")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/length?q=%00", 400),
        (b"/%00", 400),
        (b"/%ed%a0%80", 400),
        (b"/" + b"x" * 9000, 414),
        ("/微光".encode(), 400),
    ],
)
async def test_odd_targets_are_answered_with_a_client_error(api: Role, target: bytes, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    line = await asyncio.wait_for(reader.readline(), WAIT_LIMIT)
    writer.close()
    assert int(line.split()[1]) == status


async def test_the_answer_names_no_server_software(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert "server" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_api_in_order(number: signal.Signals) -> None:
    async with running("api") as role, httpx.AsyncClient(base_url=role.url, timeout=WAIT_LIMIT) as client:
        async with client.stream("GET", "/until-stopped") as answer:
            parts = answer.aiter_bytes()
            assert await anext(parts) == b"begun\n"
            code = await role.stop(number)
            assert await anext(parts) == b"ended\n", "an answer that heeds the stop is finished"
        assert code == 0


async def test_a_request_under_way_is_still_answered() -> None:
    async with running("api") as role, httpx.AsyncClient(base_url=role.url, timeout=WAIT_LIMIT) as client:
        request = asyncio.create_task(client.get("/slow"))
        await client.get("/healthz")  # answered after the slow one was taken on: it was sent later
        code = await role.stop()
        assert (await request).json() == {"length": 1}
    assert code == 0


async def test_an_answer_that_never_ends_does_not_hold_up_the_stop() -> None:
    async with running("api") as role, httpx.AsyncClient(base_url=role.url, timeout=WAIT_LIMIT) as client:
        async with client.stream("GET", "/forever") as answer:
            assert await anext(answer.aiter_bytes()) == b"begun\n"
            code = await role.stop()
    assert code == 0


async def test_a_worker_answers_health_and_metrics_and_stops_in_order() -> None:
    async with running("worker") as role, httpx.AsyncClient(base_url=role.url, timeout=WAIT_LIMIT) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json() == {"status": "ok", "checks": {"database": "ok"}}
        assert "weiguang_outbox_depth" in (await client.get("/metrics")).text
        assert (await client.get("/else")).status_code == 404
        code = await role.stop()
    assert code == 0


async def test_the_watchdog_ends_the_process_with_its_code(tmp_path: Path) -> None:
    code, output = await ended("stuck", tmp_path / "output")
    assert code == 70
    assert "records wait" in output


async def test_an_api_that_cannot_start_ends_with_a_code(tmp_path: Path) -> None:
    code, output = await ended("broken-api", tmp_path / "output")
    assert code == 1
    assert "the database is away" in output


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output = await ended("api", tmp_path / "output", WEIGUANG_HTTP_PORT=str(port))
    assert code == 1
    assert f"port {port}" in output


async def test_a_second_signal_ends_what_does_not_stop() -> None:
    async with running("stubborn") as role:
        role.process.send_signal(signal.SIGTERM)
        await eventually(lambda: any(line["event"] == "process.stopping" for line in logged(role.output)))
        code = await role.stop()
    assert code == 1


async def test_what_does_not_stop_is_ended_all_the_same() -> None:
    async with running("stubborn") as role:
        code = await role.stop()
    assert code == 1
