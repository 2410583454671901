"""Handing over against the eight characters alone, over HTTP on a real database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ops.audit.main import audit
from services.points.rewards.lockout.domain import GUESSES_ALLOWED, LOCKED_FOR
from services.points.rewards.pickups import handlers
from shared.auth.tokens import Role
from shared.clock import real_now
from shared.postgres import Database
from tests.integration.points.serving import NOW, OTHER_SITE, SITE, Api, Ledger, Person, serving
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

PATH = "/redemptions/captures"


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


@pytest.fixture
async def held(api: Api, ledger: Ledger) -> dict[str, Any]:
    """One open hold at `SITE`."""
    return await api.hold(await ledger.volunteer(), await api.reward(60, stock=1))


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body["detail"]
    return str(body["type"])


def code_of(held: dict[str, Any]) -> dict[str, str]:
    return {"pickup_code": held["pickup_code"]}


def wrong(held: dict[str, Any]) -> dict[str, str]:
    return {"pickup_code": "22222222" if held["pickup_code"] != "22222222" else "33333333"}


async def guesses(database: Database) -> int:
    async with database.transaction() as tx:
        found: int = await tx.fetchval("select coalesce(sum(guesses), 0) from pickup_guess")
    return found


async def test_the_code_alone_is_enough_and_may_be_typed_as_people_type(
    api: Api, held: dict[str, Any], points_db: Database
) -> None:
    fullwidth = "".join(chr(ord(char) + 0xFEE0) for char in held["pickup_code"][4:])
    typed = f" {held['pickup_code'][:4].lower()}–{fullwidth}\t\u200b"
    answer = await api.station.post(PATH, {"pickup_code": typed, "site_id": str(SITE)})
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["redemption_id"], done["status"], done["pickup_code"]) == (held["redemption_id"], "captured", None)
    assert done["reward_name"] == held["reward_name"]
    account = (await api.volunteer(UUID(held["volunteer_id"])).get(f"/accounts/{held['volunteer_id']}")).json()
    assert (account["held"], account["spent"]) == (0, 60)
    assert await guesses(points_db) == 0


async def test_the_centre_may_too_and_volunteers_may_not(api: Api, held: dict[str, Any]) -> None:
    assert problem(await api.volunteer(UUID(held["volunteer_id"])).post(PATH, code_of(held), key="k"), 403)
    assert (await api.operator.post(PATH, code_of(held))).status_code == 200


async def test_the_same_key_hands_over_once_and_another_is_told_that_it_was(api: Api, held: dict[str, Any]) -> None:
    station = api.station
    first = await station.post(PATH, code_of(held), key="one")
    again = await station.post(PATH, code_of(held), key="one")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    late = await api.station.post(PATH, code_of(held))
    assert problem(late, 409) == "redemption-not-open"
    assert late.json()["redemption_status"] == "captured"


async def test_many_press_at_once_and_one_hands_over(api: Api, held: dict[str, Any], points_db: Database) -> None:
    station = api.station
    answers = await asyncio.gather(*(station.post(PATH, code_of(held)) for _ in range(15)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 14}
    assert {problem(each, 409) for each in answers if each.status_code != 200} == {"redemption-not-open"}
    assert await guesses(points_db) == 0


async def test_what_is_fetched_elsewhere_is_not_handed_over_here(
    api: Api, held: dict[str, Any], points_db: Database
) -> None:
    elsewhere = api.person(Role.STATION, sites=[OTHER_SITE])
    refused = await elsewhere.post(PATH, code_of(held))
    assert problem(refused, 403) == "redemption-at-other-site"
    assert str(SITE) not in refused.text
    assert await guesses(points_db) == 1, "it told them that the code exists"
    both = api.person(Role.STATION, sites=[SITE, OTHER_SITE])
    refused = await both.post(PATH, {**code_of(held), "site_id": str(OTHER_SITE)})
    assert (problem(refused, 409), refused.json()["site_id"]) == ("redemption-at-other-site", str(SITE))
    assert (await both.post(PATH, {**code_of(held), "site_id": str(SITE)})).status_code == 200
    # nor is somebody elsewhere told what became of it
    assert problem(await elsewhere.post(PATH, code_of(held)), 403) == "redemption-at-other-site"


async def test_given_back_and_timed_out_ones_say_so(
    api: Api, ledger: Ledger, held: dict[str, Any], clock: Clock
) -> None:
    mine = api.volunteer(UUID(held["volunteer_id"]))
    await mine.post(f"/redemptions/{held['redemption_id']}/release", {})
    released = await api.station.post(PATH, code_of(held))
    assert (problem(released, 409), released.json()["redemption_status"]) == ("redemption-not-open", "released")
    other = await api.hold(await ledger.volunteer(), await api.reward(60, hold_days=1))
    await clock.set(NOW + timedelta(days=1))
    assert problem(await api.station.post(PATH, code_of(other)), 409) == "redemption-expired"


async def test_wrong_codes_sent_side_by_side_are_all_counted_and_then_none_is_heard(
    api: Api, held: dict[str, Any], points_db: Database
) -> None:
    guesser: Person = api.station
    answers = await asyncio.gather(*(guesser.post(PATH, wrong(held)) for _ in range(GUESSES_ALLOWED + 10)))
    assert Counter(problem(answer, answer.status_code) for answer in answers) == {
        "pickup-code-wrong": GUESSES_ALLOWED,
        "too-many-pickup-codes": 10,
    }
    locked = await guesser.post(PATH, code_of(held))
    assert problem(locked, 429) == "too-many-pickup-codes"
    assert 0 < locked.json()["retry_after"] <= LOCKED_FOR.total_seconds() + 1
    async with points_db.transaction() as tx:
        await tx.execute("update pickup_guess set since = since - $1::interval", LOCKED_FOR)
    assert (await guesser.post(PATH, code_of(held))).status_code == 200


async def test_a_guesser_locks_out_nobody_else(api: Api, held: dict[str, Any]) -> None:
    guesser = api.station
    for _ in range(GUESSES_ALLOWED + 1):
        await guesser.post(PATH, wrong(held))
    assert problem(await guesser.post(PATH, code_of(held)), 429)
    assert (await api.station.post(PATH, code_of(held))).status_code == 200


async def test_a_code_that_was_guessed_at_by_redemption_is_locked_here_too(api: Api, held: dict[str, Any]) -> None:
    path = f"/redemptions/{held['redemption_id']}/capture"
    for _ in range(5):
        await api.station.post(path, wrong(held))
    assert problem(await api.station.post(PATH, code_of(held)), 429) == "pickup-code-locked"


async def test_what_cannot_be_a_code_is_no_guess_and_the_answer_says_what_can_be(
    api: Api, held: dict[str, Any], points_db: Database
) -> None:
    for body in ({}, {"pickup_code": ""}, {"pickup_code": "A" * 33}, {"pickup_code": 5}, {**code_of(held), "x": 1}):
        assert problem(await api.station.post(PATH, body), 422)
    assert await guesses(points_db) == 0
    by_id = f"/redemptions/{held['redemption_id']}/capture"
    for path in (PATH, by_id):
        for typed in ("-", "％编码", "' or 1=1 --", "A" * 32, held["pickup_code"][:7]):
            refused = await api.station.post(path, {"pickup_code": typed})
            assert problem(refused, 422) == "invalid-input"
            assert "eight letters and digits" in refused.json()["detail"]
    assert await guesses(points_db) == 0
    assert (await api.station.post(by_id, code_of(held))).status_code == 200, "none of them locked the code"


async def test_spent_codes_are_forgotten_after_a_day(api: Api, held: dict[str, Any], points_db: Database) -> None:
    assert (await api.station.post(PATH, code_of(held))).status_code == 200
    for hours, answer in ((23, "redemption-not-open"), (25, "pickup-code-wrong")):
        async with points_db.transaction() as tx:
            await handlers.purge(tx, real_now() + timedelta(hours=hours))
        refused = await api.station.post(PATH, code_of(held))
        assert problem(refused, refused.status_code) == answer
