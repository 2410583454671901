"""Audits of the ledger in the background: asked for once, run over one snapshot, their reports kept."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from services.points.audits import api as audits
from services.points.audits import store
from services.points.audits.worker import run_waiting
from services.points.invariants.domain import Check
from services.points.invariants.store import CHECKS
from shared.auth.tokens import Role
from shared.postgres import Database, Tx
from tests.integration.points.serving import Api, Ledger, Person, routed
from tests.support.settings import SettingsFactory

REASON = {"reason": "月末对账"}


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    async with routed(points_db, settings_for("points"), [audits.router]) as client:
        yield Api(client, settings_for("recruitment"))


def engineer(api: Api) -> Person:
    return api.person(Role.ENGINEER, sites=None)


async def ask(api: Api) -> str:
    answer = await engineer(api).post("/ledger-audits", REASON)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run_id"])


async def read(api: Api, run_id: str) -> dict[str, Any]:
    answer = await api.person(Role.AUDITOR, sites=None).get(f"/ledger-audits/{run_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_clean_ledger_is_audited_once_and_its_report_kept(api: Api, points_db: Database) -> None:
    await (await Ledger.open(points_db)).volunteers(3)
    run_id = await ask(api)
    again = await engineer(api).post("/ledger-audits", REASON)
    assert (again.status_code, again.json()["type"].rsplit("/", 1)[-1]) == (409, "audit-under-way")
    assert await run_waiting(points_db, asyncio.Event()) == 1
    assert await run_waiting(points_db, asyncio.Event()) == 0
    found = await read(api, run_id)
    assert (found["state"], found["checks_done"], found["violations"]) == ("done", len(CHECKS), 0)
    assert [(check["code"], check["ok"]) for check in found["report"]] == [(code, True) for code, _check in CHECKS]
    assert found["report"][0]["examined"] == 6
    await ask(api)
    listed = (await engineer(api).get("/ledger-audits")).json()["items"]
    assert [one["state"] for one in listed] == ["waiting", "done"]
    acts = await points_db.pool.fetch(
        "select act, reason, target ->> 'subject' as subject from operator_acts order by at"
    )
    assert [tuple(act) for act in acts] == [("audit", "月末对账", str(one["run_id"])) for one in reversed(listed)]


async def test_a_balance_that_was_changed_behind_the_ledger_is_an_offender(api: Api, points_db: Database) -> None:
    volunteer_id = await (await Ledger.open(points_db)).volunteer()
    await points_db.pool.execute("update volunteers set available = available + 7, earned = earned + 7")
    run_id = await ask(api)
    await run_waiting(points_db, asyncio.Event())
    found = await read(api, run_id)
    assert found["violations"] > 0
    broken = {check["code"]: check["offenders"] for check in found["report"] if not check["ok"]}
    assert f"volunteer {volunteer_id}" in {one["subject"] for one in broken["A1"]}
    assert {"A1", "A2", "A6"} <= broken.keys()


async def test_only_engineers_ask_and_the_centre_reads(api: Api) -> None:
    for person in (api.operator, api.station, api.person(Role.AUDITOR, sites=None)):
        assert (await person.post("/ledger-audits", REASON)).status_code == 403
    assert (await api.station.get("/ledger-audits")).status_code == 403
    assert (await api.operator.get("/ledger-audits")).json()["items"] == []


async def test_a_run_whose_worker_died_is_claimed_again_and_the_old_worker_writes_nothing(
    api: Api, points_db: Database
) -> None:
    run_id = await ask(api)
    async with points_db.transaction() as tx:
        dead = await store.claim(tx, 0.0)
    assert dead is not None
    assert await run_waiting(points_db, asyncio.Event()) == 1
    async with points_db.transaction() as tx:
        assert not await store.progress(tx, dead, [Check("A1", "late")])
        await store.finish(tx, dead, "late")
    assert (await read(api, run_id))["state"] == "done"


async def test_a_run_that_ends_its_worker_each_time_fails(api: Api, points_db: Database) -> None:
    run_id = await ask(api)
    for _attempt in range(3):
        async with points_db.transaction() as tx:
            assert await store.claim(tx, 0.0) is not None
    assert await run_waiting(points_db, asyncio.Event()) == 1
    found = await read(api, run_id)
    assert (found["state"], found["report"]) == ("failed", [])
    assert "3 attempts" in found["problem"]


async def test_a_check_that_cannot_run_ends_its_audit_alone_and_progress_shows_meanwhile(
    api: Api, points_db: Database
) -> None:
    run_id = await ask(api)
    seen: list[tuple[str, int]] = []

    async def one(_tx: Tx) -> Check:
        return Check("A1", "one", examined=1)

    async def two(tx: Tx) -> Check:
        now = await read(api, run_id)
        seen.append((now["state"], now["checks_done"]))
        await tx.fetchval("select 1 from no_such_table")
        raise AssertionError

    assert await run_waiting(points_db, asyncio.Event(), checks=[("A1", one), ("A2", two)]) == 1
    assert seen == [("running", 1)]
    assert "no_such_table" in (await read(api, run_id))["problem"]


async def test_a_worker_that_stops_leaves_the_run_to_the_next(api: Api, points_db: Database) -> None:
    run_id = UUID(await ask(api))
    stop = asyncio.Event()
    stop.set()
    assert await run_waiting(points_db, stop, lease=0.0) == 0
    assert await run_waiting(points_db, asyncio.Event()) == 1
    assert (await read(api, str(run_id)))["state"] == "done"
