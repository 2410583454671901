"""Rehearsals over HTTP, and the worker that takes them up."""

import csv
import io
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest

from dev.stack.processes import alive
from services.points import __main__ as points
from services.points.policy import stored_policy
from services.points.rehearsals import handlers
from shared.auth.tokens import Role
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.rehearsing import ask, draft, draft_text, look, rehearsing, results
from tests.integration.points.serving import SITE, Api, Ledger, Person, record
from tests.support.brokers import TestBroker
from tests.support.databases import Clock
from tests.support.points_workers import running
from tests.support.settings import SettingsFor
from tests.support.waiting import eventually

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFor, clock: Clock) -> AsyncIterator[Api]:
    await clock.set(NOW)
    app = points.api(settings_for("points"))
    app.state.database = points_db
    app.state.policy = stored_policy()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://points") as client:
        yield Api(client, settings_for("recruitment"))


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]


async def every(person: Person, path: str, **params: Any) -> list[dict[str, Any]]:
    """All pages of a listing, of two items each."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = await person.get(path, limit=2, **params, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


def lines(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text[1:])))


async def test_a_rehearsal_is_asked_for_watched_read_and_downloaded(
    api: Api, points_db: Database, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "EXPORT_ROWS", 2)
    ledger = await Ledger.open(points_db)
    begin = datetime(2026, 1, 10, 1, tzinfo=UTC)
    people = [new_id() for _ in range(5)]
    for number, volunteer_id in enumerate(people):
        for week in range(number + 1):
            site_id = (SITE, UUID(int=0x5180), None)[week % 3]
            await ledger.feed(
                record(volunteer_id, 30 + 90 * number, started_at=begin + timedelta(weeks=week * 2), site_id=site_id)
            )
    operator = api.operator
    version = (await operator.post("/rules", {"document": draft_text("2026-01-20")})).json()["version"]
    made = await operator.post(f"/rules/{version}/rehearsals", {}, key="once")
    assert made.status_code == 201, made.text
    rehearsal = made.json()
    assert (rehearsal["status"], rehearsal["progress"], rehearsal["totals"]) == ("queued", 0, None)
    path = f"/rehearsals/{rehearsal['rehearsal_id']}"
    assert (await operator.post(f"/rules/{version}/rehearsals", {}, key="once")).json() == rehearsal
    for part in ("/volunteers", "/budget", "/volunteers.csv", "/budget.csv"):
        assert slug(await operator.get(path + part)) == (409, "rehearsal-not-done")

    async with rehearsing(settings_for("points"), UUID(rehearsal["rehearsal_id"])) as process:
        assert await process.wait() == 0
    found = (await operator.get(path)).json()
    assert (found["status"], found["progress"], found["problem"]) == ("done", 1, None)
    assert found["watermark"]
    assert found["seconds"] > 0
    totals = found["totals"]
    assert totals["difference"] == totals["after"] - totals["before"] == totals["gained"] + totals["lost"]
    assert totals["winners"] + totals["losers"] + totals["unchanged"] == totals["volunteers"] == 5

    gains = await every(operator, f"{path}/volunteers")
    losses = await every(operator, f"{path}/volunteers", order="loss")
    assert [one["difference"] for one in gains] == sorted((one["difference"] for one in gains), reverse=True)
    assert gains == losses[::-1]
    assert len({one["volunteer_id"] for one in gains}) == 5
    assert (gains[0]["difference"], losses[0]["difference"]) == (
        totals["largest_gain"],
        min(0, losses[0]["difference"]),
    )
    stored = await results(points_db, UUID(rehearsal["rehearsal_id"]))
    assert {UUID(one["volunteer_id"]): (one["records"], one["before"], one["after"]) for one in gains} == stored

    downloaded = lines(await operator.get(f"{path}/volunteers.csv"))
    assert downloaded == sorted(
        ({name: str(value) for name, value in one.items()} for one in gains), key=lambda one: one["volunteer_id"]
    )
    budget = await every(operator, f"{path}/budget")
    assert lines(await operator.get(f"{path}/budget.csv")) == [
        {name: "" if value is None else str(value) for name, value in one.items()} for one in budget
    ]
    assert sum(one["before"] for one in budget) == totals["before"]
    assert sum(one["after"] for one in budget) == totals["after"]
    keys = [(one["month"], one["site_id"] or "~") for one in budget]
    assert keys == sorted(keys)
    assert None in {one["site_id"] for one in budget}

    async with points_db.transaction() as tx:
        await tx.execute("update rehearsals set finished_at = finished_at - interval '91 days'")
    assert await handlers.forget_old(points_db) == 1
    for part in ("/volunteers", "/volunteers.csv"):
        assert slug(await operator.get(path + part)) == (409, "rehearsal-forgotten")
    assert await every(operator, f"{path}/budget") == budget
    old = (await operator.get(path)).json()
    assert (old["totals"], old["status"]) == (totals, "done")
    assert old["forgotten_at"] is not None


async def test_only_operators_and_only_drafts_and_one_at_a_time(api: Api, points_db: Database) -> None:
    await Ledger.open(points_db)
    operator = api.operator
    version = await draft(points_db, draft_text())
    assert slug(await operator.post("/rules/1/rehearsals", {})) == (409, "rule-not-draft")
    assert slug(await operator.post("/rules/77/rehearsals", {})) == (404, "rule-unknown")
    assert slug(await api.person(Role.STATION).post(f"/rules/{version}/rehearsals", {})) == (403, "role-not-allowed")
    made = (await operator.post(f"/rules/{version}/rehearsals", {})).json()
    again = await operator.post(f"/rules/{version}/rehearsals", {})
    assert slug(again) == (409, "rehearsal-under-way")
    assert again.json()["rehearsal_id"] == made["rehearsal_id"]
    assert made["rehearsal_id"] in again.json()["detail"]

    path = f"/rehearsals/{made['rehearsal_id']}"
    assert slug(await api.station.get(path)) == (403, "role-not-allowed")
    cancelled = await operator.post(f"{path}/cancel", {})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert slug(await operator.post(f"{path}/cancel", {})) == (409, "rehearsal-ended")
    assert slug(await operator.get(f"/rehearsals/{new_id()}")) == (404, "rehearsal-unknown")
    other = await draft(points_db, draft_text("2026-02-01"))
    ids = [
        (await operator.post(f"/rules/{number}/rehearsals", {})).json()["rehearsal_id"] for number in (version, other)
    ]
    listed = await every(operator, "/rehearsals")
    assert [one["rehearsal_id"] for one in listed] == [ids[1], ids[0], made["rehearsal_id"]]
    only = await every(operator, "/rehearsals", version=other)
    assert [one["rehearsal_id"] for one in only] == [ids[1]]


async def test_a_draft_that_takes_effect_later_says_so_and_can_be_rehearsed_as_if_it_had(
    api: Api, points_db: Database, settings_for: SettingsFor
) -> None:
    ledger = await Ledger.open(points_db)
    await ledger.volunteers(3, 120)
    operator = api.operator
    version = await draft(points_db, draft_text("2026-04-01"))
    plain = (await operator.post(f"/rules/{version}/rehearsals", {})).json()
    assert (plain["effective_from"], plain["as_if_from"]) == ("2026-04-01", None)
    assert "takes effect on 2026-04-01" in plain["notice"]
    assert "as_if_from" in plain["notice"]
    async with rehearsing(settings_for("points"), UUID(plain["rehearsal_id"])) as process:
        assert await process.wait() == 0
    assert (await operator.get(f"/rehearsals/{plain['rehearsal_id']}")).json()["totals"]["difference"] == 0

    early = await operator.post(f"/rules/{version}/rehearsals", {"as_if_from": "2026-03-21"})
    assert slug(early) == (422, "as-if-in-future")
    assumed = (await operator.post(f"/rules/{version}/rehearsals", {"as_if_from": "2026-01-01"})).json()
    assert (assumed["effective_from"], assumed["as_if_from"], assumed["notice"]) == ("2026-01-01", "2026-01-01", None)
    async with rehearsing(settings_for("points"), UUID(assumed["rehearsal_id"])) as process:
        assert await process.wait() == 0
    since = await draft(points_db, draft_text("2026-01-01"))
    same = (await operator.post(f"/rules/{since}/rehearsals", {})).json()
    async with rehearsing(settings_for("points"), UUID(same["rehearsal_id"])) as process:
        assert await process.wait() == 0
    found = [(await operator.get(f"/rehearsals/{one['rehearsal_id']}")).json() for one in (assumed, same)]
    assert found[0]["totals"] == found[1]["totals"]
    assert found[0]["totals"]["difference"] != 0

    body = {"rehearsal_id": assumed["rehearsal_id"], "reason": "试算过"}
    assert slug(await operator.post(f"/rules/{version}/activation", body)) == (409, "rehearsal-as-if")


@pytest.mark.broker
@pytest.mark.deep
async def test_the_worker_takes_up_what_waits_and_a_dead_worker_takes_its_replay_along(
    broker: TestBroker, points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    volunteers = await ledger.volunteers(20, 120)
    version = await draft(points_db, draft_text())
    async with points_db.pool.acquire() as conn:
        blocking = conn.transaction()
        await blocking.start()
        rehearsal_id = await ask(points_db, version)
        # Whoever writes the result of this volunteer waits: it might be there already.
        await conn.execute("insert into rehearsal_results values ($1, $2, 0, 0, 0)", rehearsal_id, volunteers[3])
        async with running(settings_for("points")) as worker:
            replays = await eventually(lambda: _replays(worker.pid))
            await eventually(lambda: len(replays[0].children()) > 1)
            everybody = [replays[0], *replays[0].children(recursive=True)]
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
            await eventually(lambda: not any(alive(one.pid) for one in everybody))
        await blocking.rollback()
    assert (await look(points_db, rehearsal_id)).status in ("queued", "running")
    async with running(settings_for("points")) as worker:
        await eventually(lambda: _ended(points_db, rehearsal_id))
        found = await look(points_db, rehearsal_id)
        assert found.status == "done", found
        second = await ask(points_db, version)
        await eventually(lambda: _ended(points_db, second))
        assert (await look(points_db, second)).summary == found.summary
        await eventually(lambda: not _replays(worker.pid))


def _replays(worker: int) -> list[psutil.Process]:
    found = []
    for one in psutil.Process(worker).children():
        with suppress(psutil.NoSuchProcess):  # also what has ended and was not waited for yet
            found += [one] if "rehearse" in one.cmdline() else []
    return found


async def _ended(database: Database, rehearsal_id: UUID) -> bool:
    return (await look(database, rehearsal_id)).status not in ("queued", "running")
