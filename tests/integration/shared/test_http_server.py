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
from typing import Any

import httpx
import pytest

from tests.support.databases import ROOT


@dataclass(frozen=True, slots=True)
class Role:
    """A running role: its process, what it has logged so far, and its port."""

    process: asyncio.subprocess.Process
    log: list[dict[str, Any]]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 60)


async def start(role: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.shared.http_roles", role,
        cwd=ROOT, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


@asynccontextmanager
async def running(role: str, **environment: str) -> AsyncIterator[Role]:
    """The role, once it listens; killed at the end if it still runs."""
    process = await start(role, **environment)
    try:
        assert process.stdout is not None
        log: list[dict[str, Any]] = []
        while not log or not log[-1]["event"].endswith(".listening"):
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line, f"{role} ended: {log}"
            log.append(json.loads(line))
        yield Role(process, log, int(log[-1]["port"]))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture(scope="module")
async def api() -> AsyncIterator[Role]:
    async with running("api") as role:
        yield role


@pytest.fixture(scope="module")
async def client(api: Role) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=api.url, timeout=10) as client:
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
    line = await asyncio.wait_for(reader.readline(), 60)
    writer.close()
    assert int(line.split()[1]) == status


async def test_the_answer_names_no_server_software(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert "server" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_api_in_order(number: signal.Signals) -> None:
    async with running("api") as role, httpx.AsyncClient(base_url=role.url, timeout=10) as client:
        async with client.stream("GET", "/until-stopped") as answer:
            parts = answer.aiter_bytes()
            assert await anext(parts) == b"begun\n"
            code = await role.stop(number)
            assert await anext(parts) == b"ended\n", "an answer that heeds the stop is finished"
        assert code == 0


async def test_a_request_under_way_is_still_answered() -> None:
    async with running("api") as role, httpx.AsyncClient(base_url=role.url, timeout=10) as client:
        request = asyncio.create_task(client.get("/slow"))
        await client.get("/healthz")  # answered after the slow one was taken on: it was sent later
        code = await role.stop()
        assert (await request).json() == {"length": 1}
    assert code == 0


async def test_an_answer_that_never_ends_does_not_hold_up_the_stop() -> None:
    async with running("api") as role, httpx.AsyncClient(base_url=role.url, timeout=10) as client:
        async with client.stream("GET", "/forever") as answer:
            assert await anext(answer.aiter_bytes()) == b"begun\n"
            code = await role.stop()
    assert code == 0


async def test_a_worker_answers_health_and_metrics_and_stops_in_order() -> None:
    async with running("worker") as role, httpx.AsyncClient(base_url=role.url, timeout=10) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json() == {"status": "ok", "checks": {"database": "ok"}}
        assert "weiguang_outbox_depth" in (await client.get("/metrics")).text
        assert (await client.get("/else")).status_code == 404
        code = await role.stop()
    assert code == 0


async def test_the_watchdog_ends_the_process_with_its_code() -> None:
    process = await start("stuck")
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 70
    assert "records wait" in output.decode()


async def test_an_api_that_cannot_start_ends_with_a_code() -> None:
    process = await start("broken-api")
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "the database is away" in output.decode()


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await start("api", WEIGUANG_HTTP_PORT=str(port))
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert f"port {port}" in output.decode()


async def test_a_second_signal_ends_what_does_not_stop() -> None:
    async with running("stubborn") as role:
        role.process.send_signal(signal.SIGTERM)
        assert role.process.stdout is not None
        assert b"process.stopping" in await role.process.stdout.readline()
        code = await role.stop()
    assert code == 1


async def test_what_does_not_stop_is_ended_all_the_same() -> None:
    async with running("stubborn") as role:
        code = await role.stop()
    assert code == 1
