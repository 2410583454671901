"""Who settles a case: none of those who recorded its hours, and only who is responsible for all of its sites."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.points.ingest.handlers import ingest
from services.points.integrity import handlers
from services.points.integrity.domain import CaseStatus
from services.points.records.decoding import decode
from shared.auth.tokens import Role
from shared.errors import TransientError
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, OTHER_SITE, SITE, Api, Ledger, message, record, serving
from tests.support.databases import Clock, TestDatabase
from tests.support.integrity_cases import available, flag, opened, pair, proven, settled
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually


@pytest.fixture
async def ledger(points_db: Database, clock: Clock) -> Ledger:
    await clock.set(NOW)
    return await Ledger.open(points_db)


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    async with serving(points_db, settings_for) as running:
        yield running


async def test_who_recorded_the_hours_does_not_settle_the_case_about_them(
    ledger: Ledger, points_db: Database, api: Api
) -> None:
    recorder, corrector, other = (api.operator for _ in range(3))
    entered = record(new_id(), 300, provenance="backfilled", recorded_by=recorder.subject)
    found = flag(entered, kind="no-check-in", about="2026-01-10")
    await ledger.feed(entered)
    await opened(points_db, found)
    await ledger.feed(entered.model_copy(update={"revision": 2, "minutes": 290, "recorded_by": corrector.subject}))
    path, body = f"/cases/{handlers.case_id_of(found)}", {"reason": "有监控录像"}
    for person in (recorder, corrector):
        for act in ("clear", "confirm"):
            answer = await person.post(f"{path}/{act}", body)
            assert (answer.status_code, answer.json()["type"]) == (403, "own-case")
    assert (await other.get(path)).json()["status"] == "open"
    assert (await other.post(f"{path}/clear", body)).json()["status"] == "cleared"


async def test_a_case_is_settled_by_who_is_responsible_for_all_of_its_sites(
    ledger: Ledger, points_db: Database, api: Api
) -> None:
    one, other = pair(new_id())
    here = record(new_id(), 1000)
    await ledger.feed(one, other, here)
    two_sites, long_day = flag(one, other), flag(here, kind="long-day", about="2026-01-10")
    await opened(points_db, two_sites, long_day)
    north, both = api.person(Role.OPERATOR, sites=[SITE]), api.person(Role.OPERATOR, sites=[SITE, OTHER_SITE])
    body = {"reason": "两处相邻"}
    path = f"/cases/{handlers.case_id_of(two_sites)}"
    assert (await north.get(path)).status_code == 200, "it touches their site"
    for act in ("clear", "confirm"):
        answer = await north.post(f"{path}/{act}", body)
        assert (answer.status_code, answer.json()["type"]) == (403, "case-at-other-sites")
    assert (await both.post(f"{path}/clear", body)).json()["status"] == "cleared"
    report = (await api.person(Role.OPERATOR, sites=[OTHER_SITE]).get("/reports/integrity")).json()["cases"]
    assert report == {"two-sites": {"cleared": 1}}

    moved = here.model_copy(update={"revision": 2, "site_id": OTHER_SITE})
    await ledger.feed(moved)
    path = f"/cases/{handlers.case_id_of(long_day)}"
    answer = await north.post(f"{path}/clear", body)
    assert answer.json()["type"] == "case-at-other-sites", "its record lies elsewhere by now"
    await ledger.feed(moved.model_copy(update={"revision": 3, "site_id": SITE}))
    assert (await north.post(f"{path}/clear", body)).json()["status"] == "cleared"


async def test_a_record_that_changes_hands_while_its_case_is_settled_is_seen(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    first, second = new_id(), new_id()
    one, other = pair(first)
    await ledger.feed(one, other)
    await opened(points_db, flag(one, other))
    moved = one.model_copy(update={"revision": 2, "volunteer_id": second})
    async with points_db.transaction() as tx:
        await ingest(tx, [decode(message(moved))], ledger.policy, also_lock={first})
        settling = asyncio.create_task(settled(points_db, flag(one, other), CaseStatus.CLEARED))
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"

        async def waiting() -> bool:
            return bool(await points_db.pool.fetchval(waits))

        await eventually(waiting, what="the settlement waits for the volunteer's lock")
    with pytest.raises(TransientError):
        await settling
    assert (await available(points_db, first), await available(points_db, second)) == ((0, 1), (0, 1))
    await proven(test_database)
    await settled(points_db, flag(one, other), CaseStatus.CLEARED)
    assert (await available(points_db, first), await available(points_db, second)) == ((40, 0), (40, 0))
    await proven(test_database)
