"""Rewards over HTTP on a real database: nothing oversold, each end once, codes secret, the audit clean after it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ops.audit.main import audit
from services.points.rewards import handlers
from services.points.rewards.domain import CODE_ALPHABET, CODE_LENGTH
from shared.auth.tokens import Caller, Role
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, OTHER_SITE, SITE, Api, Ledger, serving
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

STAFF = Caller(subject=new_id(), roles=frozenset({Role.STATION}), site_ids=frozenset({SITE}))


@pytest.fixture
async def ledger(points_db: Database, clock: Clock) -> Ledger:
    await clock.set(NOW)
    return await Ledger.open(points_db)


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    async with serving(points_db, settings_for) as api:
        yield api


@pytest.fixture(autouse=True)
async def clean_at_the_end(ledger: Ledger, dsn_for: Callable[[str], str]) -> AsyncIterator[None]:
    """Whatever a test did, the invariants hold after it."""
    yield
    report = await audit(dsn_for("auditor"), settled=True, direct_feed=True)
    assert report.ok, report.as_json()


async def balance(api: Api, volunteer_id: UUID) -> tuple[int, int, int]:
    """Available, held, spent."""
    answer = await api.volunteer(volunteer_id).get(f"/accounts/{volunteer_id}")
    found = answer.json()
    return found["available"], found["held"], found["spent"]


async def shelf(api: Api, reward_id: UUID) -> tuple[int, int, int]:
    """Free, reserved, handed over."""
    (found,) = (await api.station.get(f"/rewards/{reward_id}/stock")).json()
    return found["free"], found["reserved"], found["handed_over"]


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body["detail"]
    return str(body["type"]).rpartition("/")[2].rpartition(":")[2]


async def events(database: Database, topic: str) -> list[str]:
    async with database.transaction() as tx:
        rows = await tx.fetch("select headers->>'ce_type' as type from outbox where topic = $1 order by id", topic)
    return [row["type"].split(".")[2] for row in rows]


async def test_from_hold_to_handover(api: Api, ledger: Ledger, points_db: Database) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(60, stock=1)
    held = await api.hold(volunteer, reward)
    assert held["status"] == "held"
    assert held["points"] == 60
    assert len(held["pickup_code"]) == CODE_LENGTH
    assert set(held["pickup_code"]) <= set(CODE_ALPHABET)
    assert held["expires_at"].startswith((NOW + timedelta(days=30)).date().isoformat())
    assert await balance(api, volunteer) == (40, 60, 0)
    assert await shelf(api, reward) == (0, 1, 0)
    code = held["pickup_code"][:4].lower() + "-" + held["pickup_code"][4:]
    answer = await api.station.post(f"/redemptions/{held['redemption_id']}/capture", {"pickup_code": code})
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "captured"
    assert answer.json()["pickup_code"] is None
    assert await balance(api, volunteer) == (40, 0, 60)
    assert await shelf(api, reward) == (0, 0, 1)
    assert await events(points_db, "redemptions") == ["held", "captured"]


async def test_release_gives_points_and_item_back(api: Api, ledger: Ledger) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(60, stock=1)
    held = await api.hold(volunteer, reward)
    mine = api.volunteer(volunteer)
    answer = await mine.post(f"/redemptions/{held['redemption_id']}/release", {"reason": "changed my mind"})
    assert answer.json()["status"] == "released"
    assert await balance(api, volunteer) == (100, 0, 0)
    assert await shelf(api, reward) == (1, 0, 0)
    again = await mine.post(f"/redemptions/{held['redemption_id']}/release", {})
    assert problem(again, 409) == "redemption-not-open"
    captured = await api.station.post(
        f"/redemptions/{held['redemption_id']}/capture", {"pickup_code": held["pickup_code"]}
    )
    assert problem(captured, 409) == "redemption-not-open"


@pytest.mark.parametrize(("stock_returned", "left"), [(True, (1, 0, 0)), (False, (0, 0, 1))])
async def test_refund_after_handover(api: Api, ledger: Ledger, stock_returned: bool, left: tuple[int, ...]) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(60, stock=1)
    held = await api.hold(volunteer, reward)
    refund = f"/redemptions/{held['redemption_id']}/refund"
    body = {"reason": "spoilt", "stock_returned": stock_returned}
    assert problem(await api.operator.post(refund, body), 409) == "redemption-not-open"
    await api.station.post(f"/redemptions/{held['redemption_id']}/capture", {"pickup_code": held["pickup_code"]})
    assert problem(await api.station.post(refund, body), 403) == "role-not-allowed"
    answer = await api.operator.post(refund, body)
    assert answer.json()["status"] == "refunded"
    assert await balance(api, volunteer) == (100, 0, 0)
    assert await shelf(api, reward) == left
    assert problem(await api.operator.post(refund, body), 409) == "redemption-not-open"


async def test_two_hundred_want_ten(api: Api, ledger: Ledger) -> None:
    volunteers = await ledger.volunteers(200)
    reward = await api.reward(60, stock=10)
    body = {"reward_id": str(reward), "site_id": str(SITE)}

    answers = await asyncio.gather(*(api.volunteer(each).post("/redemptions", body) for each in volunteers))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 190}
    assert {problem(answer, 409) for answer in answers if answer.status_code != 201} == {"reward-sold-out"}
    codes = {answer.json()["pickup_code"] for answer in answers if answer.status_code == 201}
    assert len(codes) == 10
    assert await shelf(api, reward) == (0, 10, 0)
    totals = (await api.station.get("/reports/ledger")).json()
    assert (totals["held"], totals["redemptions"]) == (600, {"held": 10})


async def test_a_hundred_want_to_end_one_hold_and_one_does(api: Api, ledger: Ledger) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(60, stock=1)
    held = await api.hold(volunteer, reward)
    path, mine, station = f"/redemptions/{held['redemption_id']}", api.volunteer(volunteer), api.station
    attempts = [
        station.post(f"{path}/capture", {"pickup_code": held["pickup_code"]})
        if number % 2
        else mine.post(f"{path}/release", {})
        for number in range(100)
    ]
    answers = await asyncio.gather(*attempts)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 99}
    (winner,) = (answer.json()["status"] for answer in answers if answer.status_code == 200)
    expected = {"captured": ((40, 0, 60), (0, 0, 1)), "released": ((100, 0, 0), (1, 0, 0))}[winner]
    assert (await balance(api, volunteer), await shelf(api, reward)) == expected


async def test_one_volunteer_cannot_hold_more_than_they_have(api: Api, ledger: Ledger) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(60, stock=10)
    body = {"reward_id": str(reward), "site_id": str(SITE)}
    mine = api.volunteer(volunteer)
    answers = await asyncio.gather(*(mine.post("/redemptions", body) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert {problem(answer, 409) for answer in answers if answer.status_code == 409} == {"insufficient-points"}


async def test_the_same_key_holds_once(api: Api, ledger: Ledger) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(10)
    body = {"reward_id": str(reward), "site_id": str(SITE)}
    mine = api.volunteer(volunteer)
    first = await mine.post("/redemptions", body, key="one")
    second = await mine.post("/redemptions", body, key="one")
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await balance(api, volunteer) == (90, 10, 0)


async def test_a_limit_per_quarter_counts_what_was_not_given_back(api: Api, ledger: Ledger, clock: Clock) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(10, per_quarter_limit=1)
    body = {"reward_id": str(reward), "site_id": str(SITE)}
    mine = api.volunteer(volunteer)
    held = await api.hold(volunteer, reward)
    assert problem(await mine.post("/redemptions", body), 409) == "reward-limit-reached"
    await mine.post(f"/redemptions/{held['redemption_id']}/release", {})
    await api.hold(volunteer, reward)
    await clock.set(NOW.replace(month=4))
    await api.hold(volunteer, reward)


async def test_the_window_of_a_reward(api: Api, ledger: Ledger, clock: Clock) -> None:
    volunteer = await ledger.volunteer()
    window: dict[str, Any] = {
        "available_from": NOW.isoformat(),
        "available_until": (NOW + timedelta(days=1)).isoformat(),
    }
    reward = await api.reward(10, **window)
    mine, body = api.volunteer(volunteer), {"reward_id": str(reward), "site_id": str(SITE)}
    for at in (NOW - timedelta(seconds=1), NOW + timedelta(days=1)):
        await clock.set(at)
        assert problem(await mine.post("/redemptions", body), 409) == "reward-not-available"
    backwards = {"name": "x", "price": 1, "available_from": NOW.isoformat(), "available_until": NOW.isoformat()}
    assert problem(await api.operator.post("/rewards", backwards), 422)


async def test_a_hold_ends_with_its_time(api: Api, ledger: Ledger, clock: Clock, points_db: Database) -> None:
    volunteers = await ledger.volunteers(3)
    reward = await api.reward(60, stock=3, hold_days=2)
    held = [await api.hold(volunteer, reward) for volunteer in volunteers]
    async with points_db.transaction() as tx:
        assert await handlers.expire_holds(tx) == 0
    await clock.set(NOW + timedelta(days=2))
    late = await api.station.post(
        f"/redemptions/{held[0]['redemption_id']}/capture", {"pickup_code": held[0]["pickup_code"]}
    )
    assert problem(late, 409) == "redemption-expired"
    ended = []
    while True:
        async with points_db.transaction() as tx:
            ended.append(await handlers.expire_holds(tx, limit=2))
        if ended[-1] == 0:
            break
    assert ended == [2, 1, 0]
    assert await shelf(api, reward) == (3, 0, 0)
    assert [await balance(api, volunteer) for volunteer in volunteers] == [(100, 0, 0)] * 3
    (mine,) = (await api.volunteer(volunteers[0]).get("/redemptions")).json()["items"]
    assert (mine["status"], mine["reason"], mine["pickup_code"]) == ("released", handlers.TIMED_OUT, None)


async def test_one_contradiction_does_not_stop_the_timer(
    api: Api, ledger: Ledger, clock: Clock, points_db: Database
) -> None:
    volunteers = await ledger.volunteers(3)
    reward = await api.reward(60, stock=3, hold_days=1)
    held = [await api.hold(volunteer, reward) for volunteer in volunteers]
    await clock.set(NOW + timedelta(days=1))
    stuck = UUID(held[1]["redemption_id"])
    async with points_db.transaction() as tx:
        await tx.execute("update holds set status = 'captured', settled_at = now() where hold_id = $1", stuck)
        assert await handlers.expire_holds(tx) == 2
        assert await handlers.expire_holds(tx) == 0
        await tx.execute("update holds set status = 'open', settled_at = null where hold_id = $1", stuck)
        assert await handlers.expire_holds(tx) == 1


async def test_timers_and_captures_at_once_end_each_hold_once(
    api: Api, ledger: Ledger, clock: Clock, points_db: Database
) -> None:
    volunteers = await ledger.volunteers(20)
    reward = await api.reward(60, stock=20, hold_days=1)
    for volunteer in volunteers:
        await api.hold(volunteer, reward)
    held = (await api.station.get("/redemptions", limit=200)).json()["items"]
    await clock.set(NOW + timedelta(days=1))

    async def expire() -> int:
        async with points_db.transaction() as tx:
            return await handlers.expire_holds(tx, limit=7)

    releases = [api.station.post(f"/redemptions/{item['redemption_id']}/release", {}) for item in held]
    answers, expired = await asyncio.gather(asyncio.gather(*releases), asyncio.gather(*(expire() for _ in range(6))))
    assert sum(answer.status_code == 200 for answer in answers) + sum(expired) == 20
    assert await shelf(api, reward) == (20, 0, 0)


async def test_wrong_codes_are_counted_and_then_not_heard(api: Api, ledger: Ledger, points_db: Database) -> None:
    volunteer = await ledger.volunteer()
    held = await api.hold(volunteer, await api.reward(60))
    path = f"/redemptions/{held['redemption_id']}/capture"
    answers = await asyncio.gather(*(api.station.post(path, {"pickup_code": "WRONGXYZ"}) for _ in range(20)))
    assert Counter(problem(answer, answer.status_code) for answer in answers) == {
        "pickup-code-wrong": 5,
        "pickup-code-locked": 15,
    }
    right = {"pickup_code": held["pickup_code"]}
    assert problem(await api.station.post(path, right), 429) == "pickup-code-locked"
    async with points_db.transaction() as tx:
        await tx.execute("update pickup set locked_until = now() - interval '1 second'")
    assert (await api.station.post(path, right)).status_code == 200


async def test_a_code_is_never_given_twice_while_it_is_open(api: Api, ledger: Ledger, points_db: Database) -> None:
    one, two = await ledger.volunteers(2)
    reward = await api.reward(10)
    codes = iter(["AAAAAAAA", "AAAAAAAA", "BBBBBBBB", "AAAAAAAA"])

    async def hold(volunteer: UUID) -> tuple[UUID, str]:
        async with points_db.transaction() as tx:
            redemption, code = await handlers.hold(tx, volunteer, reward, SITE, make_code=lambda: next(codes))
        return redemption.redemption_id, code

    first, code = await hold(one)
    assert code == "AAAAAAAA"
    assert (await hold(two))[1] == "BBBBBBBB"
    async with points_db.transaction() as tx:
        await handlers.capture(tx, STAFF, first, code)
    assert (await hold(two))[1] == "AAAAAAAA"


async def test_who_may_see_and_do_what(api: Api, ledger: Ledger) -> None:
    volunteer, other = await ledger.volunteers(2)
    held = await api.hold(volunteer, await api.reward(60))
    path = f"/redemptions/{held['redemption_id']}"
    stranger, elsewhere = api.volunteer(other), api.person(Role.STATION, sites=[OTHER_SITE])
    assert problem(await stranger.get(path), 404) == "redemption-unknown"
    assert problem(await stranger.post(f"{path}/release", {}), 404) == "redemption-unknown"
    assert problem(await stranger.post(f"{path}/capture", {"pickup_code": held["pickup_code"]}), 403)
    assert problem(await elsewhere.get(path), 404) == "redemption-unknown"
    assert problem(await elsewhere.post(f"{path}/release", {}), 404) == "redemption-unknown"
    right = {"pickup_code": held["pickup_code"]}
    assert problem(await elsewhere.post(f"{path}/capture", right), 403) == "site-out-of-bounds"
    assert (await stranger.get("/redemptions")).json()["items"] == []
    assert (await elsewhere.get("/redemptions")).json()["items"] == []
    assert (await api.volunteer(volunteer).get(path)).json()["pickup_code"] == held["pickup_code"]
    for reader in (api.station, api.operator):
        assert (await reader.get(path)).json()["pickup_code"] is None
        (seen,) = (await reader.get("/redemptions")).json()["items"]
        assert (seen["redemption_id"], seen["pickup_code"]) == (held["redemption_id"], None)


async def test_stock_belongs_to_the_staff_of_its_site(api: Api) -> None:
    reward = await api.reward(60, stock=0)
    here = {"site_id": str(SITE), "quantity": 3, "note": "delivery"}
    assert (await api.station.post(f"/rewards/{reward}/stock", here)).json()["free"] == 3
    assert (await api.station.post(f"/rewards/{reward}/stock", here)).json()["received"] == 6
    there = {**here, "site_id": str(OTHER_SITE)}
    assert problem(await api.station.post(f"/rewards/{reward}/stock", there), 403) == "site-out-of-bounds"
    assert problem(await api.operator.post(f"/rewards/{new_id()}/stock", here), 404) == "reward-unknown"
    (line,) = (await api.volunteer(new_id()).get("/rewards")).json()["items"]
    assert line["stock"] == [{"site_id": str(SITE), "free": 6}]


async def test_unknown_things_and_bad_input_are_problems(api: Api, ledger: Ledger) -> None:
    volunteer = await ledger.volunteer()
    reward, mine = await api.reward(60), api.volunteer(volunteer)
    body = {"reward_id": str(reward), "site_id": str(SITE)}
    assert problem(await mine.post("/redemptions", {**body, "reward_id": str(new_id())}), 404) == "reward-unknown"
    assert problem(await mine.post("/redemptions", {**body, "site_id": str(OTHER_SITE)}), 409) == "reward-sold-out"
    assert problem(await mine.post(f"/redemptions/{new_id()}/release", {}), 404) == "redemption-unknown"
    assert problem(await api.station.post(f"/redemptions/{new_id()}/capture", {"pickup_code": "7KQM2XWB"}), 404)
    bad: list[tuple[str, dict[str, Any], int]] = [
        ("/redemptions", {**body, "extra": 1}, 422),
        ("/redemptions", {**body, "site_id": 7}, 422),
        ("/rewards", {"name": "x", "price": 0}, 422),
        ("/rewards", {"name": "x", "price": 2**63}, 400),
        ("/rewards", {"name": "x\x00", "price": 1}, 400),
        ("/rewards", {"name": "x", "price": "1"}, 422),
        (f"/rewards/{reward}/stock", {"site_id": str(SITE), "quantity": -1}, 422),
    ]
    for path, wrong, status in bad:
        caller = mine if path == "/redemptions" else api.operator
        assert problem(await caller.post(path, wrong), status), (path, wrong)
    assert problem(await mine.get("/redemptions", cursor="nonsense"), 400) == "cursor-invalid"
    assert await balance(api, volunteer) == (100, 0, 0)


async def test_pages_of_the_catalogue_and_of_redemptions(api: Api, ledger: Ledger) -> None:
    volunteer = await ledger.volunteer()
    rewards = [await api.reward(1, stock=1) for _ in range(5)]
    held = [(await api.hold(volunteer, reward))["redemption_id"] for reward in rewards]
    for path, member, expected in (
        ("/rewards", "reward_id", [str(reward) for reward in reversed(rewards)]),
        ("/redemptions", "redemption_id", list(reversed(held))),
    ):
        seen, cursor = [], None
        while True:
            page = (await api.volunteer(volunteer).get(path, limit=2, **({"cursor": cursor} if cursor else {}))).json()
            seen += [item[member] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == expected
