"""`make bench-http`: check-ins beside a bare route, a roster of 500, and people among 100,000, on the whole stack.

``python -m dev.bench.http [--people N --rate N --seconds N …]``. Writes var/bench/http.json. The load comes from this
process, whose processor time is reported; each request is due at a fixed time, and its latency counts from then.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import orjson
import uvloop
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from dev.bench.http.load import Call, Load, at_rate
from dev.bench.http.shares import Shares
from dev.bench.latency import percentile
from dev.bench.report import machine
from dev.bench.rig import ROOT
from dev.demo.client import Client, iso
from dev.demo.district import IMPORT_ROWS, RECRUITMENT, all_of
from dev.demo.main import seed_small
from dev.stack.postgres import forget
from dev.stack.processes import free_port, spawn
from dev.stack.supervisor import Options, Stack
from services.recruitment.attendance.codes import ShownBy, code_at
from services.recruitment.consents.domain import CURRENT
from shared.auth.tokens import Caller, Role, mint
from shared.clock import real_now
from shared.ids import new_id
from shared.postgres import load_queries

__all__ = ["bench", "parse"]

SQL = load_queries(__file__)
PLACES = 500
LIMITS = {"check_in_p99_ms": 100, "cpu_ratio_to_bare": 2, "roster_ms": 200, "people_search_ms": 100}
"""The measure → at most what it is to be."""
TRIES = 20
PATIENCE_MS = 250
STEP_SECONDS = 8.0
STEP = 1.4


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench.http", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000, help="volunteers in the district")
    parser.add_argument("--rate", type=int, default=100, help="check-ins a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long")
    parser.add_argument("--broker", default="embedded", help="embedded or kafka")
    parser.add_argument("--output", type=Path, default=ROOT / "var" / "bench")
    return parser.parse_args(arguments)


@dataclass(frozen=True, slots=True)
class _Issuer:
    """The settings that minting a token needs."""

    auth_signing_key: SecretStr
    service: str = "recruitment"


class _Bench:
    """One run on one stack."""

    def __init__(self, chosen: argparse.Namespace, stack: Stack, conn: Any, http: aiohttp.ClientSession) -> None:
        self.chosen = chosen
        self.stack = stack
        self.conn = conn
        self.http = http
        self.base = stack.urls["gateway"]
        self.issuer = _Issuer(SecretStr(stack.secrets.signing_keys["recruitment"]))
        self.operator = ""
        self.unused: list[tuple[UUID, UUID]] = []
        """(volunteer, shift) that have a place and no record yet."""
        self.secrets: dict[UUID, bytes] = {}
        self.found: dict[str, Any] = {}

    async def prepare(self) -> None:
        """A small district, many imported volunteers, and shifts that begin soon and are full."""
        notes = await seed_small(self.stack)
        async with Client(self.base) as client:
            login = {"username": "operator", "password": self.stack.accounts["operator"]}
            second = {"username": "operator2", "password": self.stack.accounts["operator2"]}
            session = f"{RECRUITMENT}/auth/sessions"
            self.operator = (await client.post(session, login, None))["session"]["access_token"]
            other = (await client.post(session, second, None))["session"]["access_token"]
            site = (await client.get(f"{RECRUITMENT}/shifts/{notes['shift_id']}", self.operator))["site_id"]
            await self._import(client, other, site)
            await self._plan(client, notes["shift_id"])

    async def _import(self, client: Client, second: str, site: str) -> None:
        rows = [
            {
                "registry_number": f"BENCH{number:07}",
                "name": "李" + chr(0x4E00 + number % 5000) + chr(0x4E00 + number // 5000),
                "phone": f"17{number:09}", "prior_hours": 0, "birth_date": "1980-05-01", "site_id": site,
            }
            for number in range(self.chosen.people)
        ]  # fmt: skip
        parts = [rows[start : start + IMPORT_ROWS] for start in range(0, len(rows), IMPORT_ROWS)]
        digests = f"{RECRUITMENT}/imports/digests"
        contents = await all_of((client.post(digests, {"rows": part}, self.operator) for part in parts), 4)
        file = {"registry": "bench", "file_reference": "bench", "batches": contents, "reason": "bench over HTTP"}
        path = f"{RECRUITMENT}/imports"
        proposed = await client.post(path, file, self.operator)
        path = f"{path}/{proposed['proposal_id']}"
        await client.post(f"{path}/decision", {"decision": "approve", "reason": "bench over HTTP"}, second)
        answers = await all_of((client.post(f"{path}/batches", {"rows": part}, self.operator) for part in parts), 4)
        if refused := [row for answer in answers for row in answer["refused"]]:
            raise RuntimeError(f"the import refused {len(refused)} rows: {refused[:2]}")

    async def _plan(self, client: Client, like: str) -> None:
        shift = await client.get(f"{RECRUITMENT}/shifts/{like}", self.operator)
        activity = await client.get(f"{RECRUITMENT}/activities/{shift['activity_id']}", self.operator)
        begins = real_now() + timedelta(minutes=12)
        people = [row["volunteer_id"] for row in await self.conn.fetch(SQL["volunteers"])]
        await self.conn.execute(SQL["agree"], people, CURRENT)
        for start in range(0, len(people) - PLACES + 1, PLACES):
            body = {
                "title": "签到压测", "theme_id": activity["theme_id"], "team_id": activity["team_id"],
                "site_id": activity["site_id"], "kind": "服务", "place": "广场",
                "shifts": [
                    {"starts_at": iso(begins), "ends_at": iso(begins + timedelta(hours=3)), "capacity": PLACES}
                ],
            }  # fmt: skip
            made = await client.post(f"{RECRUITMENT}/activities", body, self.operator)
            shift_id, group = UUID(made["shifts"][0]["shift_id"]), people[start : start + PLACES]
            await self.conn.execute(SQL["sign_up"], shift_id, group)
            await self.conn.execute(SQL["count_places"], shift_id)
            self.unused += [(one, shift_id) for one in group]
        self.unused.reverse()
        shifts = list({shift_id for _, shift_id in self.unused})
        self.secrets = {row["shift_id"]: row["secret"] for row in await self.conn.fetch(SQL["secrets"], shifts)}

    def _call(self) -> Call:
        volunteer_id, shift_id = self.unused.pop()
        caller = Caller(subject=new_id(), roles=frozenset({Role.VOLUNTEER}), volunteer_id=volunteer_id)
        headers = {"authorization": f"Bearer {mint(self.issuer, caller)}", "idempotency-key": new_id().hex}

        def call() -> tuple[str, dict[str, str], bytes]:
            code = code_at(self.secrets[shift_id], ShownBy.STAFF, real_now())
            body = {"shift_id": str(shift_id), "code": code, "device_id": volunteer_id.hex}
            return f"{RECRUITMENT}/attendance/check-ins", headers, orjson.dumps(body)

        return call

    def _bare_call(self) -> Call:
        volunteer_id, shift_id = self.unused.pop()
        body = orjson.dumps({"shift_id": str(shift_id), "code": "ABCDEFGH", "volunteer_id": str(volunteer_id)})
        headers = {"idempotency-key": new_id().hex}
        return lambda: ("/check-ins", headers, body)

    async def check_ins(self) -> None:
        """Check-ins at the rate, with the processor time of every process, then the same on the bare route."""
        count = int(self.chosen.rate * self.chosen.seconds)
        shares = Shares(self._processes())
        calls = [self._call() for _ in range(count)]
        shares.begin()
        real = await at_rate(self.base, self.chosen.rate, calls)
        used = shares.end()
        self._note("check_in", real, count)
        by_process = {name: round(spent * 1000 / count, 3) for name, spent in used.items() if spent}
        by_process["load generator"] = round(real.cpu * 1000 / count, 3)
        api, web = by_process["recruitment-api"], by_process["web-api"]
        self.found |= {
            "check_in_api_cpu_ms": api, "check_in_gateway_cpu_ms": web,
            "check_in_postgres_cpu_ms": sum(spent for name, spent in by_process.items() if name.startswith("postgres")),
            "load_generator_cpu_ms": by_process["load generator"], "all_cpu_ms": sum(by_process.values()),
            "cpu_ms_by_process": dict(sorted(by_process.items(), key=lambda each: -each[1])),
        }  # fmt: skip
        await self._bare(count)
        self.found["cpu_ratio_to_bare"] = api / self.found["bare_cpu_ms"]
        self.found["cpu_ratio_to_bare_with_gateway"] = (api + web) / self.found["bare_cpu_ms"]

    def _processes(self) -> dict[str, int]:
        names = (*self.stack.units, "broker", "postgres")
        return {name: pid for name in names if (pid := self.stack.pid(name)) is not None}

    async def _bare(self, count: int) -> None:
        port, dsn = free_port(), self.stack.dsn("recruitment_app")
        command = [sys.executable, "-m", "dev.bench.http.bare", "--dsn", dsn, "--port", str(port)]
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
        process = await spawn(command, log=self.chosen.output / "http-bare.log", env=env, cwd=ROOT)
        try:
            await self._up(f"http://127.0.0.1:{port}/docs")
            calls = [self._bare_call() for _ in range(count)]
            shares = Shares({"bare": process.pid, "postgres": self._processes()["postgres"]})
            shares.begin()
            bare = await at_rate(f"http://127.0.0.1:{port}", self.chosen.rate, calls)
            used = shares.end()
        finally:
            process.terminate()
            await process.wait()
        self._note("bare", bare, count)
        of_bare = used.get("postgres bare", 0.0) + used.get("postgres ended sessions", 0.0)
        self.found |= {
            "bare_cpu_ms": used["bare"] * 1000 / count, "bare_sessions_cpu_ms": of_bare * 1000 / count,
            "bare_postgres_cpu_ms": sum(t for name, t in used.items() if name.startswith("postgres")) * 1000 / count,
        }  # fmt: skip

    async def _up(self, address: str) -> None:
        for _ in range(300):
            try:
                async with self.http.get(address):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
        raise RuntimeError(f"nothing answers at {address}")

    def _note(self, name: str, load: Load, count: int) -> None:
        self.found |= {
            f"{name}s": count, f"{name}_p50_ms": statistics.median(load.latencies),
            f"{name}_p99_ms": percentile(load.latencies, 0.99), f"{name}_failed": load.failed,
        }  # fmt: skip
        if load.failed:
            self.found[f"{name}_first_failure"] = load.first_failure

    async def most(self) -> None:
        """The largest rate at which p99 stays below the limit of patience, by steps."""
        rate, best = self.chosen.rate / 4, 0.0
        while len(self.unused) >= rate * STEP_SECONDS:
            load = await at_rate(self.base, rate, [self._call() for _ in range(int(rate * STEP_SECONDS))])
            if load.failed or percentile(load.latencies, 0.99) > PATIENCE_MS:
                break
            best, rate = rate, rate * STEP
        self.found["most_check_ins_per_s"] = round(best)

    async def reads(self) -> None:
        """A roster of 500 with names, and people by name and by phone."""
        headers = {"authorization": f"Bearer {self.operator}"}
        shift_id = next(iter(self.secrets))
        address = f"{self.base}{RECRUITMENT}"
        rosters, searches = [], []
        for number in range(TRIES):
            began = time.perf_counter()
            async with self.http.get(f"{address}/shifts/{shift_id}/roster", headers=headers) as answer:
                items = (await answer.json())["items"]
            rosters.append((time.perf_counter() - began) * 1000)
            wanted = number * 97 % self.chosen.people
            body = {"phone": f"17{wanted:09}", "purpose": "bench over HTTP"}
            began = time.perf_counter()
            async with self.http.post(f"{address}/volunteers/search", json=body, headers=headers) as answer:
                hits = (await answer.json())["items"]
            searches.append((time.perf_counter() - began) * 1000)
            if len(items) != PLACES or len(hits) != 1:
                raise RuntimeError(f"the roster has {len(items)} people, the search found {len(hits)}")
        self.found |= {
            "people": self.chosen.people, "roster_ms": statistics.median(rosters), "roster_p99_ms": max(rosters),
            "people_search_ms": statistics.median(searches), "people_search_p99_ms": max(searches),
        }  # fmt: skip


async def bench(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure everything on a stack of its own; returns the document that it wrote."""
    console = Console()
    var = chosen.output / "http-stack"
    # A run that was killed leaves its data, of which the secrets are not this run's.
    forget(var / "postgres")
    shutil.rmtree(var, ignore_errors=True)
    chosen.output.mkdir(parents=True, exist_ok=True)
    options = Options(var=var, broker=chosen.broker, port=0, temporary=True)
    async with Stack(options) as stack, AsyncExitStack() as opened:
        conn: Any = await asyncpg.connect(stack.dsn("postgres"))
        opened.push_async_callback(conn.close)
        connector = aiohttp.TCPConnector(limit=200)
        http = await opened.enter_async_context(
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60))
        )
        run = _Bench(chosen, stack, conn, http)
        for step in (run.prepare, run.check_ins, run.reads, run.most):
            console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {step.__name__}", highlight=False)
            await step()
    found = {name: round(value, 2) if isinstance(value, float) else value for name, value in run.found.items()}
    document = {"machine": machine(), "broker": chosen.broker, **found}
    (chosen.output / "http.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    _show(document, console)
    return document


def _show(document: dict[str, Any], console: Console) -> None:
    table = Table(title="HTTP", title_justify="left")
    for column in ("Measure", "Value", "At most"):
        table.add_column(column, justify="left" if column == "Measure" else "right")
    for name, value in document.items():
        if isinstance(value, int | float | str):
            wanted = LIMITS.get(name)
            shown = value if isinstance(value, str) else f"{value:,}"
            table.add_row(name, shown, "" if wanted is None else f"{wanted:,}")
    console.print(table)
    shares = Table(title="Processor time per check-in", title_justify="left")
    shares.add_column("Process")
    shares.add_column("ms", justify="right")
    for name, spent in document["cpu_ms_by_process"].items():
        shares.add_row(name, f"{spent:.2f}")
    console.print(shares)


if __name__ == "__main__":
    uvloop.run(bench(parse(sys.argv[1:])))
