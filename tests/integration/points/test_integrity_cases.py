"""Cases over points: what a flag holds back, what clearing gives back, who may read and settle."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from services.points.ingest.handlers import Policy
from services.points.ingest.stream import IngestStream
from services.points.integrity import handlers
from services.points.integrity.domain import CaseStatus
from services.points.rules import documents
from services.points.rules import store as rule_store
from services.points.rules.handlers import Rulebooks
from shared.auth.tokens import Role
from shared.errors import Conflict
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import OTHER_SITE, SITE, Api, Ledger, message, record
from tests.support.databases import TestDatabase
from tests.support.documents import rule_from
from tests.support.integrity_cases import MORNING, OPERATOR, api, available, flag, ledger, opened, pair, proven, settled

__all__ = ["api", "ledger"]


async def test_two_sites_hold_points_back_until_a_person_clears_them(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    volunteer_id = new_id()
    one, other = pair(volunteer_id)
    await ledger.feed(one, other, record(volunteer_id, 60, started_at=MORNING + timedelta(days=3)))
    assert await available(points_db, volunteer_id) == (70, 0)
    found = flag(one, other)
    assert await opened(points_db, found) == 1
    assert await available(points_db, volunteer_id) == (30, 2), "an hour, and the first service moved to it"
    assert await opened(points_db, found) == 0, "finding it again changes nothing"
    await proven(test_database)
    await settled(points_db, found, CaseStatus.CLEARED)
    assert await available(points_db, volunteer_id) == (70, 0)
    assert await opened(points_db, found) == 0, "what was cleared stays cleared, whatever is replayed"
    assert await available(points_db, volunteer_id) == (70, 0)
    with pytest.raises(Conflict) as refused:
        await settled(points_db, found, CaseStatus.CONFIRMED)
    assert (refused.value.type, refused.value.extra["case_status"]) == ("case-settled", "cleared")
    await proven(test_database)
    told = await points_db.pool.fetch("select headers, value from outbox where topic = 'integrity' order by id")
    assert [orjson.loads(row["headers"])["ce_aggregateversion"] for row in told] == ["1", "2"]
    settled_event = orjson.loads(told[1]["value"])
    assert (settled_event["outcome"], settled_event["settled_by"]) == ("cleared", str(OPERATOR.subject))
    assert settled_event["record_ids"] == sorted([str(one.record_id), str(other.record_id)])


async def test_confirmed_stays_held_back_and_hours_stay_hours(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    volunteer_id = new_id()
    one, other = pair(volunteer_id)
    await ledger.feed(one, other)
    await opened(points_db, flag(one, other))
    await settled(points_db, flag(one, other), CaseStatus.CONFIRMED)
    assert await available(points_db, volunteer_id) == (0, 2)
    minutes = await points_db.pool.fetchval(
        "select credit_minutes from volunteers where volunteer_id = $1", volunteer_id
    )
    assert minutes == 240, "hours are the legal record: only a correction changes them"
    await proven(test_database)


async def test_a_flag_may_come_before_its_record_and_outlasts_revisions(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    volunteer_id = new_id()
    one, other = pair(volunteer_id)
    assert await opened(points_db, flag(one, other)) == 1, "integrity may be faster than the ingest"
    assert await available(points_db, volunteer_id) == (0, 2)
    await ledger.feed(one)
    await ledger.feed(other)
    assert await available(points_db, volunteer_id) == (0, 2)
    shorter = one.model_copy(update={"revision": 2, "minutes": 30, "ended_at": MORNING + timedelta(minutes=30)})
    await ledger.feed(shorter)
    assert await available(points_db, volunteer_id) == (0, 2), "a person decides, not a correction"
    await proven(test_database)
    await settled(points_db, flag(one, other), CaseStatus.CLEARED)
    assert await available(points_db, volunteer_id) == (45, 0)
    await proven(test_database)


async def test_a_flag_uses_up_no_cap_and_counts_once_for_two_cases(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    volunteer_id = new_id()
    one = record(volunteer_id, 480)
    other = record(volunteer_id, 300, started_at=MORNING + timedelta(hours=9), site_id=OTHER_SITE)
    third = record(volunteer_id, 300, started_at=MORNING + timedelta(hours=7), site_id=UUID(int=3))
    await ledger.feed(one, other, third)
    assert await available(points_db, volunteer_id) == (100, 0)
    await opened(points_db, flag(one, third), flag(one, other))
    assert await available(points_db, volunteer_id) == (0, 4)
    await settled(points_db, flag(one, third), CaseStatus.CLEARED)
    assert await available(points_db, volunteer_id) == (70, 2), "the third counts, the first is in another case yet"
    await proven(test_database)


async def test_other_kinds_open_a_case_and_hold_nothing_back_unless_the_rule_says_so(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    volunteer_id = new_id()
    served = record(volunteer_id, 120)
    await ledger.feed(served)
    long_day = flag(served, kind="long-day", about="2026-01-10")
    assert await opened(points_db, long_day) == 1
    assert await available(points_db, volunteer_id) == (40, 1)
    await proven(test_database)

    text = documents.VERSIONS.joinpath("0001.yaml").read_text("utf-8")
    stricter = text.replace("version: 1", "version: 2").replace("2000-01-01", "2026-01-11")
    async with points_db.transaction() as tx:
        await rule_store.install(tx, rule_from(stricter + "integrity: {holds_back: [long-day]}\n"))
        await tx.execute("update rule_generations set versions = '{1,2}'")
        policy = Policy(Rulebooks(), ledger.policy.criteria)
    under_it = Ledger(points_db, policy)
    later = record(volunteer_id, 120, started_at=MORNING + timedelta(days=1))
    await under_it.feed(later)
    assert (await available(points_db, volunteer_id))[0] == 60
    assert await opened(points_db, flag(later, kind="long-day", about="2026-01-11")) == 1
    assert (await available(points_db, volunteer_id))[0] == 40
    day = record(volunteer_id, 60, started_at=MORNING + timedelta(days=1, hours=5), site_id=OTHER_SITE)
    await under_it.feed(day)
    await opened(points_db, flag(later, day))
    assert (await available(points_db, volunteer_id))[0] == 50, "that rule heeds long days only"
    await proven(test_database)


async def test_a_flag_goes_with_a_record_that_was_somebody_elses(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    first, second = new_id(), new_id()
    one, other = pair(first)
    await ledger.feed(one, other)
    await opened(points_db, flag(one, other))
    moved = one.model_copy(update={"revision": 2, "volunteer_id": second})
    await IngestStream(points_db, ledger.policy).handle([message(moved)])
    assert await available(points_db, first) == (0, 1)
    assert await available(points_db, second) == (0, 1)
    await proven(test_database)
    await settled(points_db, flag(one, other), CaseStatus.CLEARED)
    assert (await available(points_db, first), await available(points_db, second)) == ((40, 0), (40, 0))
    await proven(test_database)


async def test_a_flag_of_a_cleared_case_goes_with_its_record_too(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    first, second = new_id(), new_id()
    one, other = pair(first)
    await ledger.feed(one, other)
    await opened(points_db, flag(one, other))
    await settled(points_db, flag(one, other), CaseStatus.CLEARED)
    moved = one.model_copy(update={"revision": 2, "volunteer_id": second})
    await IngestStream(points_db, ledger.policy).handle([message(moved)])
    assert (await available(points_db, first), await available(points_db, second)) == ((40, 0), (40, 0))
    await proven(test_database)


async def test_who_reads_and_who_settles(ledger: Ledger, points_db: Database, api: Api) -> None:
    volunteer_id = new_id()
    one, other = pair(volunteer_id)
    await ledger.feed(one, other)
    await opened(points_db, flag(one, other), flag(one, kind="long-day", about="2026-01-10"))
    listed = (await api.operator.get("/cases", limit=1)).json()
    following = (await api.operator.get("/cases", limit=1, cursor=listed["next_cursor"])).json()
    assert {listed["items"][0]["kind"], following["items"][0]["kind"]} == {"two-sites", "long-day"}
    assert following["next_cursor"] is None
    (case,) = (await api.operator.get("/cases", kind="two-sites", status="open")).json()["items"]
    assert (case["subject"], case["records"], case["evidence"]["measured"]) == (str(volunteer_id), 2, 60)
    assert (await api.operator.get("/cases", status="cleared")).json()["items"] == []
    report = (await api.operator.get("/reports/integrity")).json()["cases"]
    assert report == {"two-sites": {"open": 1}, "long-day": {"open": 1}}

    path = f"/cases/{case['case_id']}"
    full = (await api.operator.get(path)).json()
    assert (full["measured"], full["still_so"]) == (60, True)
    assert [row["record_id"] for row in full["seen_records"]] == [str(one.record_id), str(other.record_id)]
    await ledger.feed(one.model_copy(update={"revision": 2, "minutes": 60, "ended_at": MORNING + timedelta(hours=1)}))
    full = (await api.operator.get(path)).json()
    assert (full["measured"], full["still_so"], full["status"]) == (0, False, "open")

    assert len((await api.station.get("/cases")).json()["items"]) == 2
    elsewhere = api.person(Role.STATION, sites=[new_id()])
    assert (await elsewhere.get("/cases")).json()["items"] == []
    assert (await elsewhere.get(path)).status_code == 404
    body = {"reason": "两处签到间隔很近，经核实为同一活动"}
    assert (await api.station.post(f"{path}/clear", body)).status_code == 403
    assert (await api.operator.post(f"{path}/clear", {"reason": ""})).status_code == 422
    own = api.person(Role.OPERATOR, volunteer_id=volunteer_id, sites=None)
    assert (await own.post(f"{path}/clear", body)).json()["type"] == "own-case"
    cleared = await api.operator.post(f"{path}/clear", body)
    assert (cleared.status_code, cleared.json()["status"], cleared.json()["reason"]) == (200, "cleared", body["reason"])
    again = await api.operator.post(f"{path}/confirm", body)
    assert (again.status_code, again.json()["type"]) == (409, "case-settled")
    assert (await api.operator.get(f"/cases/{new_id()}")).status_code == 404


async def test_the_statement_says_what_is_held_back_and_by_which_case(
    ledger: Ledger, points_db: Database, api: Api
) -> None:
    volunteer_id = new_id()
    one, other = pair(volunteer_id)
    await ledger.feed(one, other)
    await opened(points_db, flag(one, other))
    me = api.volunteer(volunteer_id)
    explanations = (await me.get(f"/accounts/{volunteer_id}/explanations")).json()["items"]
    (day,) = [found for found in explanations if found["bucket"] == "day/2026-01-10"]
    assert day["points"] == 0
    for told in day["explanation"]["records"]:
        assert (told["reason"], told["reason_text"]) == ("flagged", "记录正在核查，核查清楚前不计分")
        (case,) = told["cases"]
        assert (case["case_id"], case["kind"]) == (str(handlers.case_id_of(flag(one, other))), "two-sites")
        assert case["status"] == "open"
    line = (await me.get(f"/accounts/{volunteer_id}/statement")).json()["items"]
    reversal = next(found for found in line if found["code"] == "reversal" and found["bucket"] == "day/2026-01-10")
    assert reversal["explanation"]["records"][0]["cases"][0]["kind"] == "two-sites"


async def test_the_database_keeps_cases_as_they_were_settled(ledger: Ledger, points_db: Database) -> None:
    volunteer_id = new_id()
    one, other = pair(volunteer_id)
    await opened(points_db, flag(one, other))
    await settled(points_db, flag(one, other), CaseStatus.CONFIRMED)
    for statement in ("update cases set status = 'open', settled_at = null, settled_by = null, reason = null",
                      "delete from cases", "delete from record_flags"):  # fmt: skip
        with pytest.raises(Exception, match=r"settled once|permission denied"):
            await points_db.pool.execute(statement)


async def test_the_reports_of_sites_are_where_the_case_was(ledger: Ledger, points_db: Database, api: Api) -> None:
    one, other = pair(new_id())
    await opened(points_db, flag(one, other))
    (case,) = (await api.operator.get("/cases")).json()["items"]
    assert case["site_ids"] == [str(SITE), str(OTHER_SITE)]
    full = (await api.operator.get(f"/cases/{case['case_id']}")).json()
    assert (full["measured"], full["still_so"]) == (None, None), "points has not seen the records yet"
