"""The district report: figures of a period, as they stand and as they were known."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.recruitment.attendance.handlers import record_imported
from services.recruitment.orders.figures.domain import TOTAL_FORMULAS
from services.recruitment.reports import handlers
from services.recruitment.reports.domain import FORMULAS
from shared.postgres import Database
from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Work, at, instant
from tests.support.uploads import a_row, upload

DAY = timedelta(days=1)


async def test_the_figures_count_what_their_formulas_say(work: Work) -> None:
    await work.district.drive(work.sites["惠民社区"], starts=NOW)
    await work.district.made("/projects", {"name": "晨光问候", "site_id": work.sites["centre"], "pillar": "showcase"})
    activity = await work.activity((HOUR, 3 * HOUR), capacity=50)
    await work.activity((40 * DAY, 40 * DAY + HOUR))
    await work.activity((HOUR, 3 * HOUR), draft=True)
    people, device = await work.people(4), await work.device()
    async with work.database.transaction() as tx:
        await record_imported(tx, [(UUID(people[3].volunteer_id), "r/1", 6000, NOW)])
    await work.clock.set(NOW + 5 * HOUR)
    shift_id = activity["shifts"][0]["shift_id"]
    rows = [a_row(n, person, shift_id) for n, person in enumerate(people[:3])]
    rows.append(a_row(9, people[0], shift_id, 2 * HOUR, 3 * HOUR))
    uploaded = await upload(work, work.batch(device, *rows))
    why = {"reason": "冒名", "evidence": "照片"}
    await work.post(f"/attendance/records/{uploaded['records'][2]['record_id']}/void", why)
    closing = {"residents_served": 86}
    await work.post(f"/activities/{activity['activity_id']}/close", closing)

    answer = await work.district.get("/reports/district", None, **{"from": at(-DAY), "to": at(DAY)})
    assert answer.status_code == 200, "sums are for everybody to read"
    report = answer.json()
    assert report["sites"] == {"total": 5, "centre": 1, "institute": 2, "station": 2, "service_point": 1}
    assert report["teams"] == {"total": 2, "corps": 0, "detachment": 0, "team": 2}
    assert report["drives"] == {"total": 1, "square": 1, "enterprise": 0, "compound": 0}
    assert (report["themes"], report["projects"], report["activities"]) == (1, 1, 1)
    assert report["volunteers"] == {"registered": 5, "participants": 2, "participations": 2}
    assert (report["records"], report["minutes"], report["residents_served"]) == (3, 180, 86)
    assert report["records_by_provenance"] == {"scanned": 0, "kiosk": 3, "leader": 0, "backfilled": 0}
    assert (report["imported_minutes"], report["honour_minutes"], report["credit_minutes"]) == (6000, 0, 180)
    assert report["coverage"] == {"district": 0.0, "township": 0.0, "community": 0.5}
    assert report["coverage_counts"]["community"] == {"covered": 1, "total": 2}
    assert (report["docking"], report["pillars"]) == (1.0, {"shared": 1})
    assert set(report["formulas"]) == {*FORMULAS, *(f"orders.{name}" for name in TOTAL_FORMULAS)}
    assert (instant(report["from"]), instant(report["to"])) == (NOW - DAY, NOW + DAY)


async def test_without_bounds_it_is_the_year_so_far(work: Work) -> None:
    report = (await work.get("/reports/district")).json()
    assert report["from"] == "2025-12-31T16:00:00Z", "the year begins at midnight in the district"
    assert instant(report["to"]) == NOW
    empty = (await work.get("/reports/district", **{"from": at(-9 * DAY), "to": at(-8 * DAY)})).json()
    assert (empty["records"], empty["volunteers"]["participants"], empty["coverage"]["community"]) == (0, 0, 0.0)
    assert (await work.get("/reports/district", **{"from": at(DAY), "to": at(HOUR)})).status_code == 422
    assert (await work.get("/reports/district", **{"from": "2026-03-04"})).status_code == 422


async def test_as_of_gives_what_was_known_then(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 2 * HOUR)
    await work.check("out", shift_id, somebody)
    await work.clock.set(NOW + 5 * HOUR)
    body = {"started_at": at(HOUR), "ended_at": at(HOUR + 30 * MINUTE), "reason": "r", "evidence": "e"}
    assert (await work.post(f"/attendance/records/{record['record_id']}/corrections", body)).status_code == 201

    async def minutes(as_of: timedelta | None) -> tuple[int, int]:
        params = {"from": at(-DAY), "to": at(DAY)} | ({} if as_of is None else {"as_of": at(as_of)})
        report = (await work.get("/reports/district", **params)).json()
        return report["records"], report["minutes"]

    assert await minutes(None) == (1, 30)
    assert await minutes(4 * HOUR) == (1, 60)
    assert await minutes(90 * MINUTE) == (0, 0), "still open then"
    report = (await work.get("/reports/district", as_of=at(9 * DAY))).json()
    assert instant(report["as_of"]) == instant(report["horizon"]) == NOW + 5 * HOUR, "not later than what is certain"


async def test_what_was_known_then_is_for_staff(work: Work) -> None:
    somebody = await work.volunteer()
    stranger = await work.district.get("/reports/district", None, as_of=at(HOUR))
    assert (stranger.status_code, stranger.json()["type"]) == (401, "token-missing")
    refused = await work.get("/reports/district", somebody.token, as_of=at(HOUR))
    assert (refused.status_code, refused.json()["type"]) == (403, "role-not-allowed")
    assert (await work.get("/reports/district", work.station, as_of=at(HOUR))).status_code == 200


async def test_parameters_that_a_report_does_not_know_are_refused(work: Work) -> None:
    assert (await work.get("/reports/district", site_id=work.sites["centre"])).status_code == 422


async def test_a_public_report_is_read_once_for_many(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work.district.settings, "report_age_seconds", 60.0)
    day = {"from": at(-DAY), "to": at(DAY)}
    before = (await work.district.get("/reports/district", None, **day)).json()
    await work.volunteer()
    assert (await work.district.get("/reports/district", None, **day)).json() == before
    after = (await work.get("/reports/district", **day)).json()
    assert after["volunteers"]["registered"] == before["volunteers"]["registered"] + 1, "staff see what is"


async def test_reports_that_hold_their_pool_hold_up_no_check_in(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = handlers.district
    release, under_way = asyncio.Event(), 0

    async def slow(database: Database, *period: Any) -> handlers.ReportFigures:
        nonlocal under_way
        async with database.snapshot() as tx:
            await tx.now()
            under_way += 1
            await release.wait()
        return await reading(database, *period)

    monkeypatch.setattr(handlers, "district", slow)
    settings = work.district.settings
    reports = [asyncio.create_task(work.get("/reports/district")) for _ in range(settings.database_pool_size)]
    while under_way < settings.report_pool_size:
        await asyncio.sleep(0.01)
    _, _, record = await work.serving()
    assert record["revision"] == 1
    release.set()
    statuses = {answer.status_code for answer in await asyncio.gather(*reports)}
    assert statuses <= {200, 503}


async def test_a_report_that_finds_no_connection_says_when_to_come_back(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = work.district.app.state.reports
    monkeypatch.setattr(pool, "_acquire_seconds", 0.1)
    held = [await pool.pool.acquire() for _ in range(work.district.settings.report_pool_size)]
    try:
        refused = await work.get("/reports/district")
    finally:
        for connection in held:
            await pool.pool.release(connection)
    assert (refused.status_code, refused.json()["type"]) == (503, "temporarily-unavailable")
    assert refused.headers["retry-after"]


async def test_the_horizon_of_real_time_lies_before_whatever_is_in_progress(work: Work) -> None:
    await work.clock.set(None)
    async with work.database.transaction() as tx:
        began = await tx.now()
        figures = await handlers.district(work.database, None, None, began + DAY)
        assert figures.as_of is not None
        assert figures.as_of == figures.horizon < began
    figures = await handlers.district(work.database, None, None, None)
    assert figures.horizon > began
