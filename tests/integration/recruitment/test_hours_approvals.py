"""Another site's decision, the volunteer's denial, lapsing, and what each tells the volunteer."""

import asyncio
from typing import Any

import pytest

from services.recruitment.approvals import events, timers
from shared.contracts import AssertionNoted
from shared.ids import new_id
from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import DAY, HOUR, MINUTE, NOW, Work, at
from tests.support.approvals import entered, kiosk
from tests.support.hour_doors import WHY, a_row, record_of, slug, upload

REASON = {"reason": "我没有去"}


async def notes(work: Work) -> list[AssertionNoted]:
    return [AssertionNoted.model_validate(event) for event in await work.events("assertions")]


async def test_what_waits_shows_all_that_a_decider_needs(work: Work) -> None:
    (record_id,), _ = await entered(work)
    (waiting,) = await work.approvals(work.other_station)
    assert waiting["record_id"] == record_id
    assert (waiting["minutes"], waiting["reasons"], waiting["has_evidence"]) == (120, ["backfilled"], True)
    assert (waiting["site_name"], waiting["recorder_sites"]) == ("惠民社区", ["惠民社区"])
    assert waiting["volunteer_number"]
    assert "name" not in waiting
    evidence = f"/attendance/records/{record_id}/evidence"
    seen = await work.post(evidence, {"purpose": "核对补录"}, work.other_station)
    assert [each["evidence"] for each in seen.json()["items"]] == ["纸质签到表第3页"]
    assert await work.count("select count(*) from vault_reads where purpose = '核对补录'") == 1
    assert await work.approvals(work.station) == []
    (own,) = await work.approvals(work.station, view="recorded")
    assert (own["record_id"], own["state"]) == (record_id, "open")
    assert await work.approvals(work.leader.token, view="recorded") == [], "another account's"


async def test_leaders_see_what_became_of_their_own_roll_call(work: Work) -> None:
    shift_id, device, (person,) = await work.shift(late=True), await work.device(), await work.people(1)
    await work.clock.set(NOW + 5 * HOUR)
    body = work.batch(device, a_row(1, person, shift_id), provenance="leader")
    (made,) = (await upload(work, body, work.leader.token))["records"]
    assert made["waits_for"] == ["shift-late"]
    assert await work.approvals(work.leader.token) == []
    await work.clock.set(NOW + 40 * DAY)
    await timers.lapse_due(work.database)
    (own,) = await work.approvals(work.leader.token, view="recorded")
    assert (own["record_id"], own["state"]) == (made["record_id"], "lapsed")


@pytest.mark.parametrize(("decision", "status"), [("approve", "confirmed"), ("reject", "void")])
async def test_a_decision_is_made_once_for_all_or_none(work: Work, decision: str, status: str) -> None:
    records, _ = await entered(work, 3)
    assert slug(await work.decide([*records, str(new_id())], work.other_station, decision)) == "approval-unknown"
    assert {(await record_of(work, each))["revision"] for each in records} == {1}
    answer = await work.decide(records, work.other_station, decision)
    assert [each["record_id"] for each in answer.json()["records"]] == records
    assert {each["status"] for each in answer.json()["records"]} == {status}
    again = await work.decide(records[:1], work.operator, decision)
    assert (slug(again), again.json()["record_id"]) == ("approval-decided", records[0])
    assert {(await record_of(work, each))["revision"] for each in records} == {2}
    assert [note.act for note in await notes(work)] == ["recorded"] * 3 + [decision.rstrip("e") + "ed"] * 3
    (own, *_) = await work.approvals(work.station, view="recorded")
    assert (own["state"], own["decision_reason"]) == (decision.rstrip("e") + "ed", "核对过")


async def test_of_two_decisions_at_once_one_wins(work: Work) -> None:
    records, _ = await entered(work, 3)
    answers = await asyncio.gather(
        work.decide(records, work.other_station),
        work.decide(records[::-1], work.operator, "reject"),
        work.decide(records[1:2], work.operator, "reject"),
    )
    assert sorted(answer.status_code for answer in answers) in ([201, 409, 409], [201, 201, 409])
    assert await work.count("select count(*) from attendance_revisions where revision > 2") == 0
    decided = await work.count("select count(*) from attendance_approvals where state in ('approved', 'rejected')")
    assert decided == await work.count("select count(*) from attendance_revisions where revision = 2")


async def test_an_account_must_be_older_than_the_record_and_not_made_by_its_recorder(work: Work) -> None:
    (record_id,), _ = await entered(work)
    young = await work.staff("young", "东湖社区", since=NOW - 6 * DAY)
    assert "7 days" in (await work.decide([record_id], young)).json()["detail"]
    assert await work.approvals(young) == []
    below = await work.staff("window", "窗口")
    assert "subordinate" in (await work.decide([record_id], below)).json()["detail"]
    assert await work.approvals(below) == []
    async with work.database.transaction() as tx:
        await tx.execute("update staff set origin = 'bootstrap' where username = 'young'")
    assert [each["record_id"] for each in await work.approvals(young)] == [record_id], "made at installation: no age"
    old = await work.staff("old", "东湖社区", since=NOW - 8 * DAY)
    assert (await work.decide([record_id], old)).status_code == 201


@pytest.mark.parametrize("how", ["created_by", "activated_by", "reset_by"])
async def test_an_account_that_its_recorder_made_activated_or_reset_does_not_decide(work: Work, how: str) -> None:
    (record_id,), _ = await entered(work)
    async with work.database.transaction() as tx:
        await tx.execute(
            f"update staff set {how} = (select staff_id from staff where username = 'huimin') where username = 'donghu'"
        )
    refused = await work.decide([record_id], work.other_station)
    assert "created, activated or reset" in refused.json()["detail"]
    assert await work.approvals(work.other_station) == []


async def test_a_second_account_of_the_same_person_does_not_decide(work: Work) -> None:
    (record_id,), _ = await entered(work)
    async with work.database.transaction() as tx:
        await tx.execute("update staff set state = 'deactivated' where username = 'huimin'")
        await tx.execute(
            "update staff set person_id = (select person_id from staff where username = 'huimin')"
            " where username = 'donghu'"
        )
    assert slug(await work.decide([record_id], work.other_station)) == "another-site-needed"
    assert await work.approvals(work.other_station) == []


async def test_a_closed_account_does_not_decide(work: Work) -> None:
    (record_id,), _ = await entered(work)
    async with work.database.transaction() as tx:
        await tx.execute("update staff set state = 'deactivated' where username = 'donghu'")
    assert slug(await work.decide([record_id], work.other_station)) == "another-site-needed"
    assert await work.approvals(work.other_station) == []


async def test_volunteers_who_are_staff_elsewhere_do_not_decide_on_themselves(work: Work) -> None:
    (record_id,), (person,) = await entered(work)
    async with work.database.transaction() as tx:
        await tx.execute(
            "update staff set volunteer_id = $1, volunteer_said_by = staff_id, volunteer_said_at = now()"
            " where username = 'donghu'",
            person.volunteer_id,
        )
    assert slug(await work.decide([record_id], work.other_station)) == "own-record"
    assert await work.approvals(work.other_station) == []


async def test_a_denial_takes_hours_back_until_another_site_decides(work: Work) -> None:
    record_id, person = await kiosk(work)
    path = f"/attendance/records/{record_id}/denial"
    assert (await work.post(path, REASON, work.leader.token)).status_code == 404
    assert (await work.post(path, REASON, work.station)).status_code == 403
    denied = (await work.post(path, REASON, person.token)).json()
    assert (denied["status"], denied["revision"], denied["minutes"]) == ("provisional", 2, 120)
    assert (await record_of(work, record_id))["waits_for"] == ["denied"]
    confirm = f"/attendance/records/{record_id}/confirm"
    assert slug(await work.post(confirm, {"reason": "来了"}, work.station)) == "another-site-needed"
    assert slug(await work.decide([record_id], work.station)) == "another-site-needed"
    assert (await work.decide([record_id], work.other_station, "reject")).json()["records"][0]["status"] == "void"
    assert slug(await work.post(path, REASON, person.token)) == "record-void"
    assert [(note.act, note.status) for note in await notes(work)] == [
        ("recorded", "confirmed"),
        ("denied", "provisional"),
        ("rejected", "void"),
    ]


async def test_a_denial_is_possible_for_fourteen_days_and_not_of_ones_own_scan(work: Work) -> None:
    record_id, person = await kiosk(work)
    await work.clock.set(NOW + 5 * HOUR + 14 * DAY)
    assert slug(await work.post(f"/attendance/records/{record_id}/denial", REASON, person.token)) == "denial-too-late"
    shift_id, somebody, record = await work.serving(20 * DAY, 20 * DAY + HOUR)
    path = f"/attendance/records/{record['record_id']}/denial"
    assert slug(await work.post(path, REASON, somebody.token)) == "record-open"
    await work.check("out", shift_id, somebody)
    assert slug(await work.post(path, REASON, somebody.token)) == "nothing-to-deny"


async def test_an_undecided_approval_lapses_once_and_never_counts(work: Work) -> None:
    records, _ = await entered(work, 3)
    await work.clock.set(NOW + 5 * HOUR + 30 * DAY - MINUTE)
    assert await timers.lapse_due(work.database) == 0
    await work.clock.set(NOW + 5 * HOUR + 30 * DAY)
    assert slug(await work.decide(records, work.other_station)) == "approval-lapsed"
    lapsed = await asyncio.gather(*(timers.lapse_due(work.database, batch=2) for _ in range(4)))
    assert sum(lapsed) + await timers.lapse_due(work.database) == 3
    assert [note.act for note in await notes(work)] == ["recorded"] * 3 + ["lapsed"] * 3
    for record_id in records:
        record = await record_of(work, record_id)
        assert (record["status"], record["revision"], record["waits_for"]) == ("provisional", 1, [])
    assert slug(await work.decide(records, work.other_station)) == "approval-lapsed"
    confirm = f"/attendance/records/{records[0]}/confirm"
    assert slug(await work.post(confirm, {"reason": "x"}, work.station)) == "another-site-needed"


async def test_a_lapse_that_fails_is_made_up_for_by_the_next_round(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    await entered(work, 2)
    await work.clock.set(NOW + 40 * DAY)
    publish = events.publish

    async def broken(*_: Any) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(events, "publish", broken)
    with pytest.raises(RuntimeError):
        await timers.lapse_due(work.database)
    monkeypatch.setattr(events, "publish", publish)
    assert await timers.lapse_due(work.database) == 2
    assert await timers.lapse_due(work.database) == 0


async def test_a_void_is_undone_by_another_site_only(work: Work) -> None:
    record_id, _ = await kiosk(work)
    path = f"/attendance/records/{record_id}"
    assert slug(await work.post(f"{path}/restoration", WHY, work.station)) == "record-not-void"
    assert (await work.post(f"{path}/void", WHY, work.station)).status_code == 201
    assert (await work.post(f"{path}/restoration", WHY, work.leader.token)).status_code == 403
    restored = (await work.post(f"{path}/restoration", WHY, work.station)).json()
    assert (restored["status"], restored["minutes"], restored["revision"]) == ("provisional", 120, 3)
    assert (await record_of(work, record_id))["waits_for"] == ["restored"]
    assert slug(await work.post(f"{path}/confirm", {"reason": "x"}, work.station)) == "another-site-needed"
    approved = (await work.decide([record_id], work.other_station)).json()["records"][0]
    assert (approved["status"], approved["provenance"], approved["minutes"]) == ("confirmed", "kiosk", 120)
    assert [event["revision"] for event in await work.events("attendance")] == [1, 2, 3, 4]


async def test_what_is_void_waits_for_nothing(work: Work) -> None:
    (record_id,), _ = await entered(work)
    assert (await work.post(f"/attendance/records/{record_id}/void", WHY, work.station)).status_code == 201
    assert await work.approvals(work.other_station) == []
    assert slug(await work.decide([record_id], work.other_station)) == "approval-decided"


async def test_overtime_above_the_cap_waits_and_the_record_stands(work: Work) -> None:
    work.district.app.state.settings = work.district.settings.model_copy(update={"asserted_minutes_per_volunteer": 20})
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 4 * HOUR)
    await work.check("out", shift_id, somebody)
    path = f"/attendance/records/{record['record_id']}"
    answer = (await work.post(f"{path}/overtime", {"reason": "收尾"}, work.station)).json()
    assert (answer["status"], answer["minutes"], answer["overtime_minutes"]) == ("confirmed", 120, 0)
    assert (await record_of(work, record["record_id"]))["waits_for"] == ["cap"]
    assert slug(await work.post(f"{path}/overtime", {"reason": "收尾"}, work.station)) == "record-waits"
    (waiting,) = await work.approvals(work.other_station)
    assert (waiting["overtime_minutes"], waiting["reasons"]) == (60, ["cap"])
    (longer,) = (await work.decide([record["record_id"]], work.other_station)).json()["records"]
    assert (longer["status"], longer["minutes"], longer["overtime_minutes"]) == ("confirmed", 180, 60)


async def test_rejected_overtime_leaves_the_record_and_a_correction_withdraws_what_waits(work: Work) -> None:
    work.district.app.state.settings = work.district.settings.model_copy(update={"asserted_minutes_per_volunteer": 20})
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 4 * HOUR)
    await work.check("out", shift_id, somebody)
    path = f"/attendance/records/{record['record_id']}"
    await work.post(f"{path}/overtime", {"reason": "收尾"}, work.station)
    (kept,) = (await work.decide([record["record_id"]], work.other_station, "reject")).json()["records"]
    assert (kept["status"], kept["minutes"], kept["revision"]) == ("confirmed", 120, 2)
    await work.post(f"{path}/overtime", {"reason": "收尾"}, work.station)
    times = {"started_at": at(HOUR), "ended_at": at(2 * HOUR)}
    assert (await work.post(f"{path}/corrections", {**times, **WHY}, work.station)).json()["minutes"] == 60
    assert await work.approvals(work.other_station) == []


async def test_each_act_of_another_account_is_told_once_without_a_word_that_was_typed(work: Work) -> None:
    record_id, person = await kiosk(work)
    path = f"/attendance/records/{record_id}"
    times = {"started_at": at(HOUR), "ended_at": at(2 * HOUR)}
    await work.post(f"{path}/corrections", {**times, **WHY}, work.station)
    await work.post(f"{path}/void", WHY, work.station)
    await work.post(f"{path}/restoration", WHY, work.station)
    told: list[Answer] = await work.events("assertions")
    assert [(each["act"], each["minutes"], each["waits_for"]) for each in told] == [
        ("recorded", 120, []),
        ("corrected", 60, []),
        ("voided", 60, []),
        ("restored", 60, ["restored"]),
    ]
    assert {each["volunteer_id"] for each in told} == {each["key"] for each in told} == {person.volunteer_id}
    assert told[2]["deniable_until"] is None
    assert "核实" not in str(told)


async def test_decidable_approvals_page_by_cursor(work: Work) -> None:
    records, _ = await entered(work, 5)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await work.get("/attendance/approvals", work.other_station, **params)).json()
        seen += [each["record_id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(records)
