"""Orders through HTTP on a real database: from the menu to the rating, refusals, declines, escalation, and privacy."""

import httpx

from tests.integration.recruitment.ordering import ordering_of
from tests.integration.recruitment.work import DAY, HOUR, NOW, Work, at


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


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
