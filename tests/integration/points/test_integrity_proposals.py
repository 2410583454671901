"""Voids that a confirmed case proposed: what became of each is shown; a person decides about flags that are left."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.points.integrity import handlers
from services.points.integrity.domain import CaseStatus
from services.points.integrity.patterns.stream import ContextStream
from shared import outbox
from shared.auth.tokens import Role
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded, VoidsDecided, VoidsProposed
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.postgres import Database
from tests.integration.points.serving import SITE, Api, Ledger
from tests.support.databases import TestDatabase
from tests.support.integrity_cases import api, available, flag, ledger, opened, pair, proven, settled

__all__ = ["api", "ledger"]

AT = datetime(2026, 1, 12, 3, tzinfo=UTC)


def sent(data: Any) -> Message:
    headers, value = encode(outbox.event(data, source="weiguang/recruitment", aggregate_version=2, time=AT))
    return Message("volunteering.proposals.v1", "proposals", 0, 0, b"k", value, headers, 0)


def decided(case_id: UUID, record: AttendanceRecorded, outcome: Any) -> Message:
    return sent(
        VoidsDecided(
            case_id=case_id,
            record_ids=(record.record_id,),
            outcome=outcome,
            decided_by=new_id(),
            site_id=SITE,
            settled_by=new_id(),
            decided_at=AT,
        )
    )


def proposed(case_id: UUID, *records: AttendanceRecorded) -> Message:
    ids = tuple(one.record_id for one in records)
    return sent(VoidsProposed(case_id=case_id, record_ids=ids, settled_by=new_id(), proposed_at=AT))


async def confirmed_case(ledger: Ledger, db: Database) -> tuple[UUID, UUID, tuple[AttendanceRecorded, ...]]:
    """A volunteer whose two records a confirmed case holds back; and the case."""
    volunteer_id = new_id()
    records = pair(volunteer_id)
    await ledger.feed(*records)
    await opened(db, flag(*records))
    await settled(db, flag(*records), CaseStatus.CONFIRMED)
    return volunteer_id, handlers.case_id_of(flag(*records)), records


async def test_a_case_shows_what_became_of_each_void_whichever_event_comes_first(
    ledger: Ledger, points_db: Database, api: Api
) -> None:
    _, case_id, (one, other) = await confirmed_case(ledger, points_db)
    stream = ContextStream(points_db)
    await stream.handle([decided(case_id, one, "voided"), proposed(case_id, one, other)])
    case = (await api.operator.get(f"/cases/{case_id}")).json()
    outcomes = {found["record_id"]: found["outcome"] for found in case["proposals"]}
    assert outcomes == {str(one.record_id): "voided", str(other.record_id): None}
    assert case["undecided"] == 0
    kept = decided(case_id, other, "kept")
    await stream.handle([kept, decided(case_id, other, "voided"), kept, decided(new_id(), one, "kept")])
    case = (await api.operator.get(f"/cases/{case_id}")).json()
    (found,) = [found for found in case["proposals"] if found["record_id"] == str(other.record_id)]
    assert (found["outcome"], found["site_id"], found["flag"]) == ("kept", str(SITE), None)
    assert case["undecided"] == 1
    listed = (await api.operator.get("/cases", undecided="true")).json()["items"]
    assert [found["case_id"] for found in listed] == [str(case_id)]


async def test_a_person_clears_the_flag_of_a_record_that_was_not_voided_and_its_points_come(
    ledger: Ledger, points_db: Database, api: Api, test_database: TestDatabase
) -> None:
    volunteer_id, case_id, (one, other) = await confirmed_case(ledger, points_db)
    body = {"outcome": "cleared", "reason": "两站核对了签到表"}
    path = f"/cases/{case_id}/flags"
    assert (await api.operator.post(path, body)).json()["type"] == "flags-decided", "nothing was decided yet"
    await ContextStream(points_db).handle([proposed(case_id, one, other), decided(case_id, one, "kept")])
    assert await available(points_db, volunteer_id) == (0, 2)
    own = api.person(Role.OPERATOR, volunteer_id=volunteer_id, sites=None)
    assert (await own.post(path, body)).json()["type"] == "own-case"
    assert (await api.station.post(path, body)).status_code == 403
    answers = await asyncio.gather(*(api.operator.post(path, body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert await available(points_db, volunteer_id) == (40, 1)
    case = (await api.operator.get(f"/cases/{case_id}")).json()
    (found,) = [found for found in case["proposals"] if found["record_id"] == str(one.record_id)]
    assert (found["flag"], found["flag_reason"], case["undecided"]) == ("cleared", body["reason"], 0)
    events = "select count(*) from outbox where topic = 'integrity' and headers::text like '%flags-decided%'"
    assert await points_db.pool.fetchval(events) == 1
    await proven(test_database)


async def test_a_flag_that_is_kept_holds_on_and_is_asked_about_no_more(
    ledger: Ledger, points_db: Database, api: Api, test_database: TestDatabase
) -> None:
    volunteer_id, case_id, (one, other) = await confirmed_case(ledger, points_db)
    await ContextStream(points_db).handle([decided(case_id, one, "kept"), decided(case_id, other, "lapsed")])
    body = {"outcome": "kept", "reason": "仍有疑点"}
    assert (await api.operator.post(f"/cases/{case_id}/flags", body)).json()["undecided"] == 0
    assert (await api.operator.post(f"/cases/{case_id}/flags", body)).status_code == 409
    assert await available(points_db, volunteer_id) == (0, 2)
    assert (await api.operator.get("/cases", undecided="true")).json()["items"] == []
    await proven(test_database)
