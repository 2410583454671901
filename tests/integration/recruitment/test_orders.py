"""Orders through HTTP on a real database: from the menu to the rating, declines, deadlines, privacy, the door."""

import asyncio
from datetime import date

import pytest

from services.recruitment.keys.store import tables
from services.recruitment.vault.cipher import Cipher
from shared.rewrapping import rewrap
from tests.integration.recruitment.ordering import ordering_of, refused, serve, steps
from tests.integration.recruitment.people import ROOT
from tests.integration.recruitment.work import DAY, HOUR, MINUTE, NOW, Work, at
from tests.support.vault_rings import NEXT_VAULT

SECRETS = ("和平路 7 号 3 单元 402", "13512345678", "耳朵不好", "李秀英", "上午还是下午", "剪了头发")


async def everything_readable(work: Work) -> str:
    """All rows of recruitment as text, but for what is sealed."""
    async with work.database.transaction() as tx:
        tables = await tx.fetch(
            "select table_name from information_schema.tables where table_schema = current_schema() "
            "and table_type = 'BASE TABLE'"
        )
        texts = []
        for row in tables:
            name = row["table_name"]
            texts += [str(found["t"]) for found in await tx.fetch(f"select t::text as t from {name} t")]
            if name == "outbox":
                texts += [bytes(found["value"]).decode() for found in await tx.fetch("select value from outbox")]
    return "\n".join(texts)


async def test_an_order_goes_from_the_menu_to_its_rating(work: Work) -> None:
    orders = await ordering_of(work)
    menu = (await work.get("/menu")).json()
    assert [(each["need_tag"], each["minutes"], each["people"]) for each in menu["needs"]] == [("haircut", 60, 1)]
    placed = await orders.placed()
    assert (placed["state"], placed["waits_at"], placed["waits_for"], placed["allowed"]) == (
        "placed",
        "station",
        "staff",
        ["cancel"],
    )
    order = await orders.act(placed, "review", work.station, decision="take")
    assert order["allowed"] == ["offer", "ask", "refuse", "cancel"]
    asked = await orders.act(order, "review", work.station, decision="ask", reason_code="time", words="上午还是下午？")
    assert (asked["state"], asked["waits_for"]) == ("needs_information", "resident")
    own = (await work.get(f"/orders/{order['order_id']}/details", orders.resident)).json()
    assert own["words"][0]["words"] == "上午还是下午？"
    await orders.act(order, "answer", orders.resident, words="上午")
    offered = await orders.act(order, "review", work.station, decision="offer")
    assert offered["state"] == "offered"
    found = (await work.get("/orders/offers", orders.leader)).json()["items"]
    assert [(each["order_id"], each["allowed"], each["teams"][0]["team_id"]) for each in found] == [
        (order["order_id"], ["accept", "decline"], work.team)
    ]
    accepted = await orders.act(order, "accept", orders.leader, team_id=work.team)
    assert (accepted["state"], accepted["team_id"], accepted["allowed"]) == (
        "accepted",
        work.team,
        ["schedule", "decline"],
    )
    scheduled = await orders.act(
        order, "schedule", orders.leader, starts_at=at(2 * DAY), ends_at=at(2 * DAY + HOUR), places=2
    )
    assert (scheduled["state"], scheduled["due_at"]) == ("scheduled", at(5 * DAY + HOUR).replace("+00:00", "Z"))
    activity = (await work.get(f"/activities/{scheduled['activity_id']}", orders.leader)).json()
    assert (activity["title"], activity["place"], activity["visibility"]) == ("理发", "惠民社区", "team")
    early = await orders.post(order, "complete", orders.leader, outcome="served", residents_served=1)
    assert refused(early) == (409, "order-not-begun")
    await work.clock.set(NOW + 2 * DAY + HOUR)
    served = await orders.act(order, "complete", orders.leader, outcome="served", residents_served=1, words="剪了头发")
    assert (served["state"], served["residents_served"]) == ("served", 1)
    activity = (await work.get(f"/activities/{scheduled['activity_id']}", orders.leader)).json()
    assert (activity["state"], activity["residents_served"]) == ("closed", 1)
    rated = await orders.act(order, "rating", orders.resident, stars=5, words="谢谢")
    assert (rated["state"], rated["stars"], rated["rated_by_default"], rated["allowed"]) == ("rated", 5, False, [])
    states = [(step["act"], step["state"], step["by_kind"]) for step in rated["history"]]
    assert states == [
        ("place", "placed", "resident"),
        ("take", "under_review", "staff"),
        ("ask", "needs_information", "staff"),
        ("answer", "under_review", "resident"),
        ("offer", "offered", "staff"),
        ("accept", "accepted", "leader"),
        ("schedule", "scheduled", "leader"),
        ("complete", "served", "leader"),
        ("rate", "rated", "resident"),
    ]
    again = await orders.post(order, "rating", orders.resident, stars=1)
    assert refused(again) == (409, "order-state")
    assert again.json()["allowed"] == []


async def test_nothing_but_what_is_sealed_says_who_needs_what_where(
    work: Work, capfd: pytest.CaptureFixture[str]
) -> None:
    orders = await ordering_of(work)
    order = await orders.scheduled(beneficiary={"name": "李大爷", "phone": "13612345678"})
    await orders.post(order, "cancel", orders.resident, reason_code="no-longer-needed", words="上午还是下午")
    found = await everything_readable(work)
    assert order["order_id"] in found
    told = [secret for secret in (*SECRETS, "李大爷", "13612345678") if secret in found]
    assert told == []
    written = capfd.readouterr()
    log = work.district.log.read_text("utf-8") + written.out + written.err
    assert [secret for secret in SECRETS if secret in log] == []


async def test_details_open_after_the_vault_moved_to_another_key(work: Work) -> None:
    orders = await ordering_of(work)
    order = await orders.placed()
    vault, lookup = (
        key.get_secret_value() for key in (work.district.settings.vault_key, work.district.settings.lookup_key)
    )
    moved = await rewrap(work.database, tables(Cipher(f"2:{NEXT_VAULT},1:{vault}", lookup)), limit=7)
    assert (moved["order_texts"].rewrapped, moved["order_texts"].failed) == (1, 0)
    work.district.app.state.cipher = Cipher(f"2:{NEXT_VAULT}", lookup)
    details = await work.get(f"/orders/{order['order_id']}/details", orders.resident)
    assert details.json()["address"] == SECRETS[0]


async def test_orders_of_others_are_answered_like_none(work: Work) -> None:
    orders = await ordering_of(work)
    order = await orders.scheduled()
    stranger = await work.volunteer()
    for token in (stranger.token, work.other_station):
        for path in ("", "/details", "/looks", "/door-code"):
            answer = await work.get(f"/orders/{order['order_id']}{path}", token)
            assert answer.status_code in (403, 404), (path, answer.text)
        assert refused(await orders.read(order, token)) == (404, "order-unknown")
    assert refused(await orders.post(order, "cancel", stranger.token, reason_code="other")) == (404, "order-unknown")
    assert refused(await work.get(f"/activities/{order['activity_id']}", stranger.token)) == (404, "activity-unknown")
    assert refused(await work.get(f"/shifts/{order['shift_id']}", stranger.token)) == (404, "shift-unknown")
    assert refused(await work.sign_up(order["shift_id"], stranger)) == (404, "shift-unknown")
    listed = (await work.get("/shifts", stranger.token)).json()["items"]
    assert order["shift_id"] not in [each["shift_id"] for each in listed]
    own = (await work.get("/orders/mine", orders.resident)).json()["items"]
    assert [each["order_id"] for each in own] == [order["order_id"]]
    assert (await work.get("/orders/mine", stranger.token)).json()["items"] == []


async def test_two_leaders_accept_at_once_and_one_has_it(work: Work) -> None:
    orders = await ordering_of(work)
    phone = work.district.phone()
    made = await work.district.register("赵队长", phone=phone)
    await work.district.made(f"/teams/{work.other_team}/leader", {"volunteer_id": made["volunteer_id"]})
    second = (await work.district.sign_in(phone)).json()["access_token"]
    await serve(work, work.other_team, orders.tag_id)
    order = await orders.offered()
    answers = await asyncio.gather(
        orders.post(order, "accept", orders.leader, team_id=work.team),
        orders.post(order, "accept", second, team_id=work.other_team),
    )
    assert sorted(each.status_code for each in answers) in ([200, 404], [200, 409])
    assert [step[0] for step in await steps(orders, order)].count("accept") == 1
    mine = await orders.post(order, "accept", orders.leader, team_id=work.other_team)
    assert mine.status_code in (403, 404)


async def test_an_order_by_phone_is_taken_up_at_once_and_dispatched_until_three_declined(work: Work) -> None:
    orders = await ordering_of(work)
    body = orders.body(taken_by="phone", resident={"name": "孙奶奶", "phone": "13712345678"}, frail=True)
    assert refused(await work.post("/orders", orders.body(), work.station)) == (422, "order-resident-missing")
    assert refused(await work.post("/orders", body, work.other_station)) == (403, "site-out-of-bounds")
    order = await work.district.made("/orders", body, work.station)
    assert (order["state"], order["taken_by"], order["people"]) == ("under_review", "phone", 2)
    await orders.act(order, "review", work.station, decision="offer")
    for _ in range(3):
        suggested = (await work.get(f"/orders/{order['order_id']}/suggestions", work.station)).json()["items"]
        dispatched = await orders.act(order, "dispatch", work.station, team_id=work.team)
        assert dispatched["state"] == "dispatched"
        last = await orders.act(order, "decline", orders.leader, team_id=work.team, reason_code="no-people")
    assert suggested == [], "a team that declined is suggested no more"
    assert (last["state"], last["reason_code"], last["declines"]) == ("unfulfilled", "no-people", 3)


async def test_details_are_open_to_those_who_serve_for_a_time_and_each_look_is_kept(work: Work) -> None:
    orders = await ordering_of(work)
    order = await orders.scheduled()
    path = f"/orders/{order['order_id']}/details"
    member = await work.volunteer()
    await work.district.made(f"/teams/{work.team}/members", {"volunteer_id": member.volunteer_id})
    assert (await work.sign_up(order["shift_id"], member)).status_code == 201
    for token in (orders.leader, member.token):
        assert refused(await work.get(path, token)) == (403, "order-details-closed")
    assert (await work.get(path, work.station)).json()["address"] == SECRETS[0]
    await work.clock.set(NOW + DAY)
    for token in (orders.leader, member.token):
        answer = await work.get(path, token)
        assert (answer.status_code, answer.json()["know"]) == (200, "耳朵不好，请大声敲门")
    looks = (await work.get(f"/orders/{order['order_id']}/looks", orders.resident)).json()["items"]
    assert [(each["reader_kind"], each["site_name"], each["team_name"]) for each in looks] == [
        ("volunteer", None, "红纽带"),
        ("leader", None, "红纽带"),
        ("staff", "惠民社区", None),
    ]
    await orders.act(order, "cancel", orders.resident, reason_code="helped-otherwise")
    signups = (await work.get("/signups", member.token)).json()["items"]
    assert [each["status"] for each in signups] == ["cancelled"]
    assert (await work.get(path, orders.leader)).status_code == 200
    await work.clock.set(NOW + 8 * DAY)
    for token in (orders.leader, member.token, work.station):
        assert refused(await work.get(path, token)) == (403, "order-details-closed"), token
    assert (await work.get(path, orders.resident)).status_code == 200


async def test_the_code_at_the_door_checks_in_and_another_one_checks_out(work: Work) -> None:
    orders = await ordering_of(work)
    order = await orders.scheduled()
    member = await work.volunteer()
    await work.district.made(f"/teams/{work.team}/members", {"volunteer_id": member.volunteer_id})
    assert (await work.sign_up(order["shift_id"], member)).status_code == 201
    path = f"/orders/{order['order_id']}/door-code"
    assert refused(await work.get(path, orders.resident)) == (409, "door-not-open")
    await work.clock.set(NOW + 2 * DAY)
    code = (await work.get(path, orders.resident)).json()["code"]
    assert (await work.get(path, orders.resident)).json()["code"] == code
    assert await work.count("select count(*) from orders where door_salt::text like '%' || $1 || '%'", code) == 0
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert refused(await orders.post(order, "door", member.token, code=wrong)) == (403, "door-code-wrong")
    came = await orders.post(order, "door", member.token, code=code)
    assert (came.status_code, came.json()["provenance"], came.json()["ended_at"]) == (201, "scanned", None)
    await work.clock.set(NOW + 2 * DAY + 50 * MINUTE)
    assert refused(await orders.post(order, "door", member.token, code=code)) == (403, "door-code-wrong")
    other = (await work.get(path, orders.resident)).json()["code"]
    went = (await orders.post(order, "door", member.token, code=other)).json()
    assert (went["status"], went["minutes"], went["recorded_by"]) == ("confirmed", 50, None)
    stranger = await work.volunteer()
    assert refused(await orders.post(order, "door", stranger.token, code=other)) == (404, "order-unknown")
    for _ in range(5):
        await orders.post(order, "door", member.token, code=wrong)
    assert refused(await orders.post(order, "door", member.token, code=wrong)) == (429, "too-many-attempts")


async def test_a_bad_rating_goes_to_the_centre_and_the_team_is_not_asked_again(work: Work) -> None:
    orders = await ordering_of(work)
    order = await orders.scheduled()
    await work.clock.set(NOW + 2 * DAY + HOUR)
    await orders.act(order, "complete", orders.leader, outcome="served", residents_served=1)
    channel = await orders.post(order, "rating", work.station, stars=1, channel="page")
    assert refused(channel) == (422, "rating-channel-wrong")
    rated = await orders.act(order, "rating", work.station, stars=1, channel="phone", complaint=True)
    assert (rated["state"], rated["complaint"], rated["allowed"]) == ("rated", True, ["reopen"])
    again = await orders.act(order, "reopen", orders.resident, same_team=False)
    assert (again["state"], again["waits_at"], again["team_id"]) == ("offered", "centre", None)
    assert (await work.get("/orders/offers", orders.leader)).json()["items"] == []
    async with work.database.transaction() as tx:
        ratings = await tx.fetch("select stars, by_default, channel, complaint from order_ratings")
    assert [tuple(each) for each in ratings] == [(1, False, "phone", True)]


async def test_closing_the_activity_of_an_order_completes_it(work: Work) -> None:
    orders = await ordering_of(work)
    order, empty = await orders.scheduled(), await orders.scheduled()
    await work.clock.set(NOW + 2 * DAY + HOUR)
    for each, served in ((order, 1), (empty, 0)):
        path = f"/activities/{each['activity_id']}/close"
        closed = await work.post(path, {"residents_served": served, "note": None}, orders.leader)
        assert closed.status_code == 200, closed.text
    found = (await orders.read(order, orders.resident)).json()
    assert (found["state"], found["residents_served"], found["history"][-1]["by_kind"]) == ("served", 1, "leader")
    assert (await steps(orders, empty))[-1] == ("complete", "accepted", "unattended")
    again = await orders.post(order, "complete", orders.leader, outcome="served", residents_served=1)
    assert refused(again) == (409, "order-state")


async def test_many_orders_of_one_resident_are_refused_with_a_time_to_try_again(work: Work) -> None:
    orders = await ordering_of(work)
    most = 5
    settings = work.district.settings.model_copy(update={"limit_orders_per_resident": most})
    work.district.app.state.settings = settings
    for _ in range(most):
        await orders.placed()
    over = await work.post("/orders", orders.body(), orders.resident)
    assert refused(over) == (429, "orders-many")
    assert over.json()["retry_after"] > 0
    assert over.json()["most"] == most
    assert await work.count("select count(*) from orders") == most


async def test_the_centre_keeps_the_menu_and_the_calendar(work: Work) -> None:
    orders = await ordering_of(work)
    http, headers = work.district.http, {"authorization": f"Bearer {work.operator}"}
    body = {"version": 0, "what": "上门理发，自带工具", "minutes": 40, "people": 2}
    answer = await http.put(f"{ROOT}/menu/needs/{orders.tag_id}", json=body, headers=headers)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    again = await http.put(f"{ROOT}/menu/needs/{orders.tag_id}", json=body, headers=headers)
    assert refused(again) == (409, "changed-meanwhile")
    order = await orders.placed()
    assert (order["minutes"], order["people"]) == (40, 2)
    day = (NOW + DAY).date().isoformat()
    answer = await http.put(f"{ROOT}/working-days/{day}", json={"works": False}, headers=headers)
    assert answer.status_code == 200, answer.text
    later = await orders.placed()
    assert later["due_at"] == at(2 * DAY).replace("+00:00", "Z")
    days = (await work.get("/working-days", work.station, year=2026)).json()["items"]
    notice = "国务院办公厅关于2026年部分节假日安排的通知"
    assert {"day": day, "works": False, "source": None} in days
    assert {"day": "2026-02-28", "works": True, "source": notice} in days
    assert len(days) == 26
    # a day differs from the usual week, or need not be named
    assert all(each["works"] == (date.fromisoformat(each["day"]).weekday() >= 5) for each in days)
    answer = await http.put(f"{ROOT}/working-days/2026-02-28", json={"works": False}, headers=headers)
    days = (await work.get("/working-days", work.station, year=2026)).json()["items"]
    assert {"day": "2026-02-28", "works": False, "source": None} in days
    withdrawn = {**body, "version": 1, "orderable": False}
    await http.put(f"{ROOT}/menu/needs/{orders.tag_id}", json=withdrawn, headers=headers)
    assert (await work.get("/menu")).json()["needs"] == []
    assert refused(await work.post("/orders", orders.body(), orders.resident)) == (409, "need-not-orderable")
