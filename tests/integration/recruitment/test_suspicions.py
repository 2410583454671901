"""A confirmed case of integrity lets its records wait for another site, once; that site voids or confirms them."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.recruitment.approvals.timers import lapse_due
from services.recruitment.suspicions.stream import SuspicionStream
from shared import outbox
from shared.cloudevents import encode
from shared.contracts import CaseOpened, CaseSettled
from shared.ids import new_id
from shared.kafka.consumer import Message
from tests.integration.recruitment.work import HOUR, NOW, Work
from tests.support.approvals import kiosk
from tests.support.hour_doors import record_of


async def operator_id(work: Work) -> UUID:
    """The account of the centre that settles cases."""
    found: UUID = await work.database.pool.fetchval("select staff_id from staff where role = 'operator' limit 1")
    return found


def subject_of(token: str) -> str:
    """The account of a token."""
    payload = token.split(".")[1]
    found: str = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
    return found


def settled(case_id: UUID, records: list[str], by: UUID, outcome: Any = "confirmed") -> Message:
    data = CaseSettled(
        case_id=case_id,
        kind="many-accounts",
        subject_kind="device",
        subject="kiosk-1",
        outcome=outcome,
        settled_at=datetime(2026, 3, 4, tzinfo=UTC),
        settled_by=by,
        record_ids=tuple(map(UUID, records)),
    )
    headers, value = encode(outbox.event(data, source="weiguang/points", aggregate_version=2))
    return Message("volunteering.integrity.v1", "integrity", 0, 0, b"kiosk-1", value, headers, 0)


@pytest.mark.parametrize(("decision", "status"), [("approve", "confirmed"), ("reject", "void")])
async def test_another_site_voids_or_confirms_what_a_case_is_about(work: Work, decision: str, status: str) -> None:
    record_id, _ = await kiosk(work)
    stream, case_id, by = SuspicionStream(work.database), new_id(), await operator_id(work)
    await stream.handle([settled(case_id, [record_id, str(new_id())], by)])
    assert (await record_of(work, record_id))["status"] == "provisional"
    (waiting,) = await work.approvals(work.other_station)
    assert (waiting["record_id"], waiting["reasons"]) == (record_id, ["suspected"])
    assert (await work.decide([record_id], work.station, decision)).status_code == 403, "the site that recorded it"
    assert (await work.decide([record_id], work.other_station, decision)).status_code == 201
    after = await record_of(work, record_id)
    assert (after["status"], after["revision"]) == (status, 3)
    await stream.handle([settled(case_id, [record_id], by)])
    assert await record_of(work, record_id) == after, "the same case again changes nothing"
    proposed, decided = await work.events("proposals")
    assert (proposed["case_id"], proposed["record_ids"]) == (str(case_id), [record_id])
    assert decided["outcome"] == {"confirmed": "kept", "void": "voided"}[status]
    assert (decided["settled_by"], decided["record_ids"]) == (str(by), [record_id])
    assert decided["decided_by"] == subject_of(work.other_station)


async def test_the_staff_of_the_nearest_other_site_are_named(work: Work) -> None:
    record_id, _ = await kiosk(work)
    await SuspicionStream(work.database).handle([settled(new_id(), [record_id], by := await operator_id(work))])
    (proposed,) = await work.events("proposals")
    nearest = await work.database.pool.fetch(
        "select s.staff_id from staff s join sites c on c.parent_id = s.site_id join attendance_records r"
        " on r.site_id = c.site_id where s.active"
    )
    centre = await work.database.pool.fetch(
        "select staff_id from staff where active and site_id is null and role = 'operator'"
    )
    wanted = {str(row["staff_id"]) for row in (nearest or centre)} - {str(by)}
    assert set(proposed["staff_ids"]) == wanted
    assert subject_of(work.station) not in proposed["staff_ids"], "their own site"


async def test_a_proposal_that_nobody_decides_in_time_lapses_and_says_so(work: Work) -> None:
    record_id, _ = await kiosk(work)
    case_id = new_id()
    await SuspicionStream(work.database).handle([settled(case_id, [record_id], await operator_id(work))])
    await work.clock.set(NOW + timedelta(days=31))
    await lapse_due(work.database)
    _, lapsed = await work.events("proposals")
    assert (lapsed["case_id"], lapsed["outcome"], lapsed["decided_by"]) == (str(case_id), "lapsed", None)


async def test_a_cleared_case_changes_no_record(work: Work) -> None:
    record_id, _ = await kiosk(work)
    before = await record_of(work, record_id)
    await SuspicionStream(work.database).handle(
        [settled(new_id(), [record_id], await operator_id(work), outcome="cleared")]
    )
    assert await record_of(work, record_id) == before
    assert await work.approvals(work.other_station) == []


async def test_an_open_record_is_left_as_it_is(work: Work) -> None:
    _, _, found = await work.serving(HOUR, 3 * HOUR)
    before = await record_of(work, found["record_id"])
    await SuspicionStream(work.database).handle([settled(new_id(), [found["record_id"]], await operator_id(work))])
    assert await record_of(work, found["record_id"]) == before


async def test_what_cannot_be_read_is_a_dead_letter_and_the_rest_is_applied(work: Work) -> None:
    record_id, _ = await kiosk(work)
    broken = settled(new_id(), [record_id], new_id())._replace(value=b"{")
    await SuspicionStream(work.database).handle([broken, settled(new_id(), [record_id], await operator_id(work))])
    assert (await record_of(work, record_id))["status"] == "provisional"
    query = "select count(*) from dead_letters where consumer_group = 'recruitment-integrity'"
    assert await work.count(query) == 1


async def test_cases_that_are_not_settled_are_skipped_by_their_type_before_they_are_decoded(work: Work) -> None:
    settled_case = settled(new_id(), [str(new_id())], await operator_id(work))
    headers = [(n, CaseOpened.type.encode() if n == "ce_type" else v) for n, v in settled_case.headers]
    await SuspicionStream(work.database).handle([settled_case._replace(value=b"{", headers=headers)])
    assert await work.count("select count(*) from dead_letters where consumer_group = 'recruitment-integrity'") == 0
