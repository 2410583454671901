"""Files of the registry: no row comes in without a second person, and exactly the approved rows do."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.recruitment.__main__ import purge_once
from services.recruitment.access.domain import StaffRole
from services.recruitment.imports import batches as importing
from shared.errors import TransientError
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.recruitment.people import Answer, District
from tests.integration.recruitment.work import DAY, NOW, Work
from tests.support.databases import TestDatabase

APPROVE = {"decision": "approve", "reason": "与纸质名册一致"}


@pytest.fixture
def district(work: Work) -> District:
    return work.district


def row(number: int, hours: float = 40.5) -> Answer:
    return {"registry_number": f"LJ{number:06}", "name": "赵建国", "phone": f"139{number:08}", "prior_hours": hours}


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def propose(district: District, *batches: list[Answer], token: str | None = None, **changes: Any) -> str:
    contents = [await district.made("/imports/digests", {"rows": rows}) for rows in batches]
    body = {"registry": "龙江志愿", "file_reference": "f", "batches": contents, "reason": "迁入", **changes}
    proposal_id: str = (await district.made("/imports", body, token))["proposal_id"]
    return proposal_id


async def state_of(district: District, proposal_id: str) -> str:
    state: str = (await district.get(f"/imports/{proposal_id}", district.operator)).json()["state"]
    return state


async def volunteers(database: Database) -> int:
    async with database.transaction() as tx:
        found: int = await tx.fetchval("select count(*) from volunteers where source = 'import'")
    return found


async def send(district: District, proposal_id: str, rows: list[Answer], token: str | None = None) -> httpx.Response:
    return await district.post(f"/imports/{proposal_id}/batches", {"rows": rows}, token or district.operator)


async def test_an_importer_alone_imports_no_row(district: District, recruitment_db: Database) -> None:
    rows = [row(n) for n in range(3)]
    assert slug(await send(district, str(new_id()), rows)) == (404, "import-unknown")
    proposal_id = await propose(district, rows)
    assert slug(await send(district, proposal_id, rows)) == (409, "import-not-approved")
    own = await district.post(f"/imports/{proposal_id}/decision", APPROVE, district.operator)
    assert slug(own) == (403, "import-second-person")
    assert slug(await send(district, proposal_id, rows)) == (409, "import-not-approved")
    assert await volunteers(recruitment_db) == 0
    assert await state_of(district, proposal_id) == "proposed"
    await district.made(f"/imports/{proposal_id}/decision", APPROVE, await district.second_operator())
    assert (await send(district, proposal_id, rows)).json()["imported"] == 3
    assert await state_of(district, proposal_id) == "completed"


@pytest.mark.parametrize("how", ["created_by", "activated_by", "reset_by"])
@pytest.mark.parametrize(("maker", "made"), [("centre", "second-operator"), ("second-operator", "centre")])
async def test_accounts_of_which_one_made_activated_or_reset_the_other_are_no_second_person(
    work: Work, how: str, maker: str, made: str
) -> None:
    district, second = work.district, await work.district.second_operator()
    proposal_id = await propose(district, [row(1)])
    async with work.database.transaction() as tx:
        await tx.execute(
            f"update staff set {how} = (select staff_id from staff where username = $1) where username = $2",
            maker,
            made,
        )
    refused = await district.post(f"/imports/{proposal_id}/decision", APPROVE, second)
    assert slug(refused) == (403, "import-second-person")
    assert slug(await send(district, proposal_id, [row(1)])) == (409, "import-not-approved")
    assert await volunteers(work.database) == 0


async def test_the_same_site_a_young_account_and_a_closed_one_are_no_second_person(work: Work) -> None:
    operator = StaffRole.OPERATOR
    north = await work.staff("north-one", "north", operator)
    proposal_id = await propose(work.district, [row(1)], token=north)
    path = f"/imports/{proposal_id}/decision"
    for name, site in (("north-two", "north"), ("huimin-two", "惠民社区")):
        refused = await work.post(path, APPROVE, await work.staff(name, site, operator))
        assert slug(refused) == (403, "import-second-person")
    closed = await work.staff("south-one", "south", operator)
    async with work.database.transaction() as tx:
        await tx.execute("update staff set state = 'deactivated' where username = 'south-one'")
    assert slug(await work.post(path, APPROVE, closed)) == (403, "staff-needed")
    young = await work.staff("young", "south", operator, NOW - 6 * DAY)
    assert "7 days" in (await work.post(path, APPROVE, young)).json()["detail"]
    assert (await work.post(path, APPROVE, await work.staff("south-two", "south", operator))).status_code == 201
    other = await send(work.district, proposal_id, [row(1)], await work.staff("south-three", "south", operator))
    assert slug(other) == (403, "not-the-proposer")
    assert (await send(work.district, proposal_id, [row(1)], north)).json()["imported"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param([row(1), row(2, 4000)], id="hours-raised"),
        pytest.param([row(1), row(2), row(3)], id="row-added"),
        pytest.param([row(1)], id="row-missing"),
        pytest.param([row(2), row(1)], id="other-order"),
        pytest.param([row(1), {**row(2), "phone": "13999999999"}], id="other-phone"),
    ],
)
async def test_rows_that_changed_after_the_approval_leave_no_trace(
    district: District, test_database: TestDatabase, changed: list[Answer]
) -> None:
    proposal_id = await district.approved([row(1), row(2)])
    conn = await asyncpg.connect(test_database.dsn_for("postgres"))
    tables = ("volunteers", "vault_people", "attendance_records", "outbox", "import_batches", "idempotency")
    counted = [f"select count(*) from recruitment.{table}" for table in tables]
    try:
        before = [await conn.fetchval(sql) for sql in counted]
        assert slug(await send(district, proposal_id, changed)) == (409, "import-differs")
        after = [await conn.fetchval(sql) for sql in counted]
    finally:
        await conn.close()
    assert before[:-1] == after[:-1]
    assert (await send(district, proposal_id, [row(1), row(2)])).json()["imported"] == 2


async def test_a_proposal_with_other_sums_than_its_rows_imports_nothing(
    district: District, recruitment_db: Database
) -> None:
    content = await district.made("/imports/digests", {"rows": [row(1, 4000)]})
    modest = {**content, "minutes": 60}
    proposal_id = await propose(district, batches=[modest])
    await district.made(f"/imports/{proposal_id}/decision", APPROVE, await district.second_operator())
    assert slug(await send(district, proposal_id, [row(1, 4000)])) == (409, "import-sums-differ")
    assert await volunteers(recruitment_db) == 0


async def test_a_file_resumes_after_a_crash_and_repeats_nothing(
    district: District, recruitment_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [row(n) for n in range(5)], [row(n) for n in range(5, 9)]
    proposal_id = await district.approved(first, second)
    assert (await send(district, proposal_id, first)).json()["imported"] == 5

    async def crash(*_: object) -> None:
        raise TransientError("the connection broke")

    with monkeypatch.context() as patched:
        patched.setattr(importing, "record_imported", crash)
        assert (await send(district, proposal_id, second)).status_code >= 500
    assert await volunteers(recruitment_db) == 5
    assert await state_of(district, proposal_id) == "approved"
    answers = [(await send(district, proposal_id, rows)).json() for rows in (first, second, first, second)]
    assert [(answer["imported"], answer["known"]) for answer in answers] == [(0, 5), (4, 0), (0, 5), (0, 4)]
    assert await volunteers(recruitment_db) == 9
    assert await state_of(district, proposal_id) == "completed"


async def test_the_same_batch_sent_twice_at_once_is_imported_once(district: District, recruitment_db: Database) -> None:
    rows = [row(n) for n in range(20)]
    proposal_id = await district.approved(rows)
    answers = await asyncio.gather(*(send(district, proposal_id, rows) for _ in range(3)))
    assert sorted(answer.json()["imported"] for answer in answers) == [0, 0, 20]
    assert await volunteers(recruitment_db) == 20


async def test_a_file_has_one_proposal_until_it_is_turned_down(work: Work) -> None:
    district, second = work.district, await work.district.second_operator()
    contents = [await district.made("/imports/digests", {"rows": [row(1)]})]
    body = {"registry": "龙江志愿", "file_reference": " f ", "batches": contents, "reason": "迁入"}
    answers = await asyncio.gather(*(district.post("/imports", body, district.operator) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    made = next(answer for answer in answers if answer.status_code == 201).json()
    reject = {"decision": "reject", "reason": "行数不对"}
    refused = await district.made(f"/imports/{made['proposal_id']}/decision", reject, second)
    assert (refused["state"], refused["decider"], refused["decision_reason"]) == (
        "rejected",
        "second-operator",
        "行数不对",
    )
    assert slug(await send(district, made["proposal_id"], [row(1)])) == (409, "import-not-approved")
    again = await district.post(f"/imports/{made['proposal_id']}/decision", APPROVE, second)
    assert slug(again) == (409, "import-decided")
    withdrawn = await propose(district, [row(1)])
    assert slug(await district.post(f"/imports/{withdrawn}/withdrawal", {}, second)) == (403, "not-the-proposer")
    assert (await district.made(f"/imports/{withdrawn}/withdrawal", {}))["state"] == "withdrawn"
    lapsed = await propose(district, [row(1)])
    await work.clock.set(NOW + timedelta(days=30))
    assert await state_of(district, lapsed) == "lapsed"
    assert slug(await district.post(f"/imports/{lapsed}/decision", APPROVE, second)) == (409, "import-lapsed")
    await purge_once(district.settings, work.database)
    assert await work.count("select count(*) from import_proposals where state = 'lapsed'") == 1
    await propose(district, [row(1)])


async def test_of_two_decisions_at_once_one_holds(work: Work) -> None:
    second, third = await work.district.second_operator(), await work.staff("third", None, StaffRole.OPERATOR)
    proposal_id = await propose(work.district, [row(1)])
    path = f"/imports/{proposal_id}/decision"
    reject = {"decision": "reject", "reason": "行数不对"}
    answers = await asyncio.gather(work.post(path, APPROVE, second), work.post(path, reject, third))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_the_list_shows_sums_and_no_person_and_the_security_log_says_who_decided(work: Work) -> None:
    proposal_id = await work.district.approved([row(1), row(2)], [row(3, 0)])
    (listed,) = (await work.get("/imports", state="approved")).json()["items"]
    assert (listed["rows"], listed["minutes"], len(listed["batches"])) == (3, 2 * 2430, 2)
    assert (listed["proposer"], listed["decider"]) == ("centre", "second-operator")
    assert "赵建国" not in str(listed)
    assert (await work.get("/imports", work.station)).status_code == 403
    async with work.database.transaction() as tx:
        kinds = [row["kind"] for row in await tx.fetch("select kind from security_events where kind like 'import-%'")]
        state = await tx.fetchval("select state from import_proposals where proposal_id = $1", UUID(proposal_id))
    assert (sorted(kinds), state) == (["import-approved", "import-proposed"], "approved")


async def test_hours_that_rose_are_raised_and_those_that_fell_are_named(work: Work, district: District) -> None:
    before = [row(1, 100), row(2, 100), row(3, 0), row(4, 7)]
    assert (await district.imported(*before))["differences"] == []
    after = [row(1, 150), row(2, 80), row(3, 2), row(4, 7)]
    proposal_id = await district.approved(after, file_reference="2026-02")
    answer = (await send(district, proposal_id, after)).json()
    assert (answer["imported"], answer["known"]) == (0, 4)
    assert [
        (one["row"], one["minutes_before"], one["minutes"], one["raised"]) for one in answer["differences"]
    ] == [(1, 6000, 9000, True), (2, 6000, 4800, False), (3, 0, 120, True)]  # fmt: skip
    stood = "select sum(minutes) from attendance_records where provenance = 'imported'"
    assert await work.count(stood) == 9000 + 6000 + 120 + 420
    assert await work.count("select sum(prior_minutes) from volunteers") == 9000 + 6000 + 120 + 420
    hours = [event for event in await work.events("attendance") if event["minutes"] in (9000, 120)]
    assert sorted((event["revision"], event["minutes"]) for event in hours) == [(1, 120), (2, 9000)]
    (batch,) = (await district.get(f"/imports/{proposal_id}", district.operator)).json()["batches"]
    assert (batch["raised"], batch["raised_minutes"], batch["kept"]) == (2, 3120, 1)
    again = (await send(district, proposal_id, after)).json()
    assert [(one["row"], one["raised"]) for one in again["differences"]] == [(2, False)], "a rise counts once"
    assert await work.count(stood) == 9000 + 6000 + 120 + 420


async def test_hours_of_a_void_record_do_not_rise(work: Work, district: District) -> None:
    await district.imported(row(1, 100))
    async with work.database.transaction() as tx:
        await tx.execute("update attendance_records set status = 'void', minutes = 0 where provenance = 'imported'")
    answer = await district.imported(row(1, 150), file_reference="2026-02")
    assert [(one["minutes_before"], one["raised"]) for one in answer["differences"]] == [(0, False)]
    assert await work.count("select sum(minutes) from attendance_records where provenance = 'imported'") == 0
