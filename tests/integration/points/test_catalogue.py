"""The catalogue as volunteers see it and the centre keeps it: limits before they bite, windows, changes, history."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.audit.main import audit
from services.points.rules.domain import Rulebook
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, OTHER_SITE, SITE, Api, Ledger, serving
from tests.support.databases import Clock
from tests.support.documents import RULE_EXAMPLES, rule_from
from tests.support.settings import SettingsFactory

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


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
    yield
    report = await audit(dsn_for("auditor"), settled=True, direct_feed=True)
    assert report.ok, report.as_json()


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["type"])


async def seen(api: Api, volunteer_id: UUID, reward_id: UUID) -> dict[str, Any] | None:
    """The reward on the volunteer's shelf, or none."""
    items = (await api.volunteer(volunteer_id).get("/catalogue")).json()["items"]
    return next((item for item in items if item["reward_id"] == str(reward_id)), None)


async def refused(api: Api, volunteer_id: UUID, reward_id: UUID) -> str | None:
    """Why the shelf says that it cannot be taken; what a try at it answers is the same."""
    item = await seen(api, volunteer_id, reward_id)
    assert item is not None
    said: str | None = item["own"]["refused"]
    if said is not None:
        body = {"reward_id": str(reward_id), "site_id": str(SITE)}
        assert problem(await api.volunteer(volunteer_id).post("/redemptions", body), 409) == said
    return said


async def test_the_shelf_says_beforehand_what_a_hold_would_be_refused_for(
    api: Api, ledger: Ledger, clock: Clock
) -> None:
    volunteer = await ledger.volunteer()  # 100 points
    once = await api.reward(10, per_quarter_limit=1)
    assert await refused(api, volunteer, once) is None
    held = await api.hold(volunteer, once)
    assert await refused(api, volunteer, once) == "reward-limit-reached"
    item = await seen(api, volunteer, once)
    assert item is not None
    assert (item["own"]["in_quarter"], item["own"]["ever"]) == (1, 1)
    await api.volunteer(volunteer).post(f"/redemptions/{held['redemption_id']}/release", {})
    assert await refused(api, volunteer, once) is None
    assert await refused(api, volunteer, await api.reward(101)) == "insufficient-points"
    assert await refused(api, volunteer, await api.reward(10, stock=0)) == "reward-sold-out"
    soon = await api.reward(10, available_from=(NOW + timedelta(days=1)).isoformat())
    assert await refused(api, volunteer, soon) == "reward-not-available"
    item = await seen(api, volunteer, soon)
    assert item is not None
    assert item["window"] == "soon"
    await clock.set(NOW + timedelta(days=1))
    assert await refused(api, volunteer, soon) is None
    staff = (await api.station.get("/catalogue")).json()["items"]
    assert all(item["own"] is None for item in staff)


async def test_what_is_over_leaves_the_shelf_and_stays_in_the_books(api: Api, ledger: Ledger, clock: Clock) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(10, available_until=(NOW + timedelta(days=1)).isoformat())
    assert await seen(api, volunteer, reward) is not None
    await clock.set(NOW + timedelta(days=1))
    assert await seen(api, volunteer, reward) is None
    every = (await api.station.get("/catalogue", all=True)).json()["items"]
    assert [(item["reward_id"], item["window"]) for item in every] == [(str(reward), "over")]


async def test_a_line_is_changed_in_the_open_and_holds_keep_their_terms(
    api: Api, ledger: Ledger, points_db: Database, dsn_for: Callable[[str], str]
) -> None:
    volunteer, reward = await ledger.volunteer(), await api.reward(10)
    held = await api.hold(volunteer, reward)
    line = {"name": "保温杯", "description": "500 毫升", "price": 25, "hold_days": 7, "version": 1}
    changed = await api.operator.put(f"/rewards/{reward}", line)
    assert changed.status_code == 200, changed.text
    assert (await api.operator.put(f"/rewards/{reward}", line)).status_code == 200
    full = (await api.station.get(f"/catalogue/{reward}")).json()
    assert (full["price"], full["hold_days"]) == (25, 7)
    assert [(change["before"], change["after"]) for change in full["changes"]] == [
        ({"description": "", "price": 10, "hold_days": 30}, {"description": "500 毫升", "price": 25, "hold_days": 7})
    ]
    kept = (await api.volunteer(volunteer).get(f"/redemptions/{held['redemption_id']}")).json()
    assert (kept["points"], kept["expires_at"]) == (10, held["expires_at"])
    assert (await api.hold(volunteer, reward))["points"] == 25
    assert problem(await api.operator.put(f"/rewards/{new_id()}", line), 404) == "reward-unknown"
    assert problem(await api.station.put(f"/rewards/{reward}", line), 403) == "role-not-allowed"
    assert problem(await api.operator.put(f"/rewards/{reward}", {**line, "price": 0}), 422) == "invalid-input"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await points_db.pool.execute("update reward_change set changed_by = reward_id")


async def test_nobody_overwrites_what_they_have_not_seen(api: Api, ledger: Ledger) -> None:
    reward = await api.reward(10, available_until="2027-01-01T12:30:00.000001+08:00")
    path = f"/rewards/{reward}"
    seen = (await api.station.get(f"/catalogue/{reward}")).json()
    assert seen["version"] == 1
    line = {"name": "保温杯", "price": 20, "available_until": seen["available_until"], "version": 1}
    withdrawn = (await api.operator.post(f"{path}/withdrawal", {})).json()
    assert withdrawn["version"] == 2
    late = await api.operator.put(path, line)
    assert (problem(late, 409), late.json()["version"]) == ("reward-changed", 2)
    assert "Read it again" in late.json()["detail"]
    stands = (await api.station.get(f"/catalogue/{reward}")).json()
    assert (stands["price"], stands["window"], len(stands["changes"])) == (10, "over", 1)
    line |= {"available_until": stands["available_until"], "version": 2}
    changed = (await api.operator.put(path, line)).json()
    assert (changed["price"], changed["version"], changed["available_until"]) == (20, 3, withdrawn["available_until"])
    # an answer that was lost: the same once more finds nothing to change
    assert (await api.operator.put(path, line)).json() == changed
    assert problem(await api.operator.put(path, {**line, "price": 30}), 409) == "reward-changed"
    del line["version"]
    assert problem(await api.operator.put(path, line), 422) == "invalid-input"


async def test_a_withdrawn_reward_can_still_be_fetched_and_no_more_be_taken(
    api: Api, ledger: Ledger, clock: Clock
) -> None:
    volunteer, reward = await ledger.volunteer(), await api.reward(10)
    held = await api.hold(volunteer, reward)
    answer = await api.operator.post(f"/rewards/{reward}/withdrawal", {})
    assert answer.status_code == 200, answer.text
    assert await seen(api, volunteer, reward) is None
    body = {"reward_id": str(reward), "site_id": str(SITE)}
    assert problem(await api.volunteer(volunteer).post("/redemptions", body), 409) == "reward-not-available"
    await clock.set(NOW + timedelta(hours=1))
    again = await api.operator.post(f"/rewards/{reward}/withdrawal", {})
    assert again.json()["available_until"] == answer.json()["available_until"]
    path = f"/redemptions/{held['redemption_id']}/capture"
    assert (await api.station.post(path, {"pickup_code": held["pickup_code"]})).json()["status"] == "captured"
    # one that was to come later never comes
    later = await api.reward(10, available_from=(NOW + timedelta(days=9)).isoformat())
    assert (await api.operator.post(f"/rewards/{later}/withdrawal", {})).status_code == 200
    assert await seen(api, volunteer, later) is None
    assert problem(await api.station.post(f"/rewards/{reward}/withdrawal", {}), 403) == "role-not-allowed"


async def test_a_shelf_remembers_what_came_in_and_what_was_counted(api: Api, ledger: Ledger) -> None:
    reward = await api.reward(10, stock=5)
    for counted, reason in ((5, "月末盘点"), (4, "一件破损")):
        body = {"site_id": str(SITE), "counted": counted, "reason": reason}
        assert (await api.station.post(f"/rewards/{reward}/counts", body)).status_code == 201
    path = f"/rewards/{reward}/stock/{SITE}/history"
    found = (await api.station.get(path)).json()["items"]
    told = [(item["kind"], item["change"], item["found"], item["expected"], item["note"]) for item in found]
    assert told == [
        ("count", -1, 4, 5, "一件破损"),
        ("count", 0, 5, 5, "月末盘点"),
        ("receipt", 5, None, None, "delivery"),
    ]
    first = (await api.station.get(path, limit=1)).json()
    rest = (await api.station.get(path, limit=2, cursor=first["next_cursor"])).json()
    assert [*first["items"], *rest["items"]] == found
    elsewhere = await api.station.get(f"/rewards/{reward}/stock/{OTHER_SITE}/history")
    assert problem(elsewhere, 403) == "site-out-of-bounds"


async def test_a_new_photo_has_a_new_address(api: Api, ledger: Ledger) -> None:
    volunteer, reward = await ledger.volunteer(), await api.reward(10)
    addresses: list[str | None] = []
    for photo in (None, PNG, PNG + b"x"):
        if photo is not None:
            assert (await api.operator.put(f"/rewards/{reward}/photo", photo)).status_code == 200
        item = await seen(api, volunteer, reward)
        assert item is not None
        addresses.append(item["photo_url"])
    assert addresses[0] is None
    assert len(set(addresses)) == 3
    found = await api.client.get(str(addresses[2]))
    assert found.content == PNG + b"x"


async def test_redemptions_by_reward_and_site(api: Api, ledger: Ledger) -> None:
    volunteer, reward, other = await ledger.volunteer(), await api.reward(10), await api.reward(20)
    await api.hold(volunteer, reward)
    await api.hold(volunteer, other)
    station = api.station
    found = (await station.get("/redemptions", reward_id=str(reward), site_id=str(SITE))).json()["items"]
    assert [item["reward_id"] for item in found] == [str(reward)]
    assert problem(await station.get("/redemptions", site_id=str(OTHER_SITE)), 403) == "site-out-of-bounds"
    mine = (await api.volunteer(volunteer).get("/redemptions", site_id=str(OTHER_SITE))).json()["items"]
    assert mine == []


async def test_twenty_presses_at_once_take_what_the_limit_allows(api: Api, ledger: Ledger) -> None:
    volunteer, reward = await ledger.volunteer(), await api.reward(1, stock=30, per_person_limit=2)
    person, body = api.volunteer(volunteer), {"reward_id": str(reward), "site_id": str(SITE)}
    answers = await asyncio.gather(*(person.post("/redemptions", body) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 18
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"reward-limit-reached"}


async def test_a_rule_may_allow_one_redemption_a_quarter_of_whichever_reward(
    api: Api, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hailin = rule_from(RULE_EXAMPLES.joinpath("hailin.yaml").read_text("utf-8")).rule()

    async def rulebook(*_: Any) -> Rulebook:
        return Rulebook([hailin])

    for module in ("rewards", "rewards.catalogue"):
        for name in ("rulebook", "rulebook_of"):
            monkeypatch.setattr(f"services.points.{module}.handlers.{name}", rulebook, raising=False)
    volunteer, reward, other = await ledger.volunteer(), await api.reward(10), await api.reward(20)
    held = await api.hold(volunteer, reward)
    assert await refused(api, volunteer, other) == "quarterly-redemptions-used"
    await api.volunteer(volunteer).post(f"/redemptions/{held['redemption_id']}/release", {})
    assert await refused(api, volunteer, other) is None
    await api.hold(volunteer, other)
    await clock.set(NOW + timedelta(days=27, hours=9))  # 31 March, 23:00 in the district
    assert await refused(api, volunteer, reward) == "quarterly-redemptions-used"
    await clock.set(NOW + timedelta(days=27, hours=10))
    assert await refused(api, volunteer, reward) is None
