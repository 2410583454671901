"""Activations over HTTP: who may do what, what a proposal needs, one winner; and a worker that is killed on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from ops.audit.main import audit
from services.points import __main__ as points
from services.points.activations import mover
from services.points.policy import stored_policy
from services.points.rehearsals import handlers as rehearsals
from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.activating import (
    BETTER_PAID,
    BY_THE_MONTH,
    NOW,
    TODAY,
    District,
    changed,
    insert_rehearsal,
)
from tests.integration.points.histories import World
from tests.integration.points.rehearsing import rehearse
from tests.support.audits import by_code
from tests.support.brokers import TestBroker
from tests.support.databases import Clock
from tests.support.points_workers import running
from tests.support.settings import SettingsFor
from tests.support.waiting import eventually

Person = Callable[..., Any]


class People:
    """Operators and others, each calling as themselves."""

    def __init__(self, http: httpx.AsyncClient, settings_for: SettingsFor) -> None:
        self.http = http
        self.settings_for = settings_for

    def headers(self, number: int, role: Role = Role.OPERATOR) -> dict[str, str]:
        """Account 8 was activated by account 7."""
        activated_by = UUID(int=7) if number == 8 else None
        caller = Caller(subject=UUID(int=number), roles=frozenset({role}), site_ids=None, activated_by=activated_by)
        return {"Authorization": f"Bearer {mint(self.settings_for('recruitment'), caller)}"}

    async def post(self, who: int, path: str, role: Role = Role.OPERATOR, **body: Any) -> httpx.Response:
        headers = {**self.headers(who, role), "Idempotency-Key": str(new_id())}
        return await self.http.post(path, json=body, headers=headers)

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.http.get(path, params=params, headers=self.headers(9))
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def district(points_db: Database, clock: Clock, dsn_for: Callable[[str], str]) -> District:
    await clock.set(NOW)
    world = await World.open(points_db)
    return District(points_db, world.stream.policy, world, dsn_for)


@pytest.fixture
async def people(district: District, settings_for: SettingsFor) -> AsyncIterator[People]:
    app = points.api(settings_for("points"))
    app.state.database = district.database
    app.state.policy = stored_policy()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://points/api/points/v1") as http:
        yield People(http, settings_for)


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]


async def rehearsed(district: District, drafted: dict[str, Any]) -> tuple[int, str]:
    rule = await district.stage.draft(drafted)
    return rule["version"], str(await district.stage.rehearse(rule, district.volunteers))


async def finish(district: District) -> None:
    while await mover.move(district.database, district.stage.policy, 3):
        pass


async def test_accounts_tied_by_an_activation_do_not_decide_on_each_others_rules(
    district: District, people: People
) -> None:
    for proposer, tied in ((7, 8), (8, 7)):
        version, rehearsal_id = await rehearsed(district, BETTER_PAID)
        proposal: dict[str, Any] = {"rehearsal_id": rehearsal_id, "reason": "夜间服务更多"}
        made = (await people.post(proposer, f"/rules/{version}/activation", **proposal)).json()
        path = f"/activations/{made['activation_id']}"
        for act in ("approve", "reject"):
            refused = await people.post(tied, f"{path}/{act}", note="yes")
            assert problem(refused) == (403, "second-person-needed")
        assert (await people.post(2, f"{path}/approve", note="yes")).status_code == 200
        await finish(district)
        assert (await people.post(proposer, f"{path}/reversal", reason="too much")).status_code == 200
        for act in ("approve", "reject"):
            refused = await people.post(tied, f"{path}/reversal/{act}", note="yes")
            assert problem(refused) == (403, "second-person-needed")
        assert (await people.post(proposer, f"{path}/reversal/withdraw")).status_code == 200
        assert (await people.post(3, f"{path}/reversal", reason="too much")).status_code == 200
        assert (await people.post(tied, f"{path}/reversal/approve", note="yes")).status_code == 200, (
            "another proposed it"
        )
        await finish(district)


async def test_a_draft_comes_into_force_by_two_operators_and_out_again_by_two(
    district: District, people: People
) -> None:
    await district.populate()
    version, rehearsal_id = await rehearsed(district, BETTER_PAID)
    proposal: dict[str, Any] = {"rehearsal_id": rehearsal_id, "reason": "夜间服务更多"}
    assert (await people.post(1, f"/rules/{version}/activation", Role.STATION, **proposal)).status_code == 403
    made = await people.post(1, f"/rules/{version}/activation", **proposal)
    assert (made.status_code, made.json()["status"]) == (201, "proposed")
    again = await people.post(2, f"/rules/{version}/activation", **proposal)
    assert problem(again) == (409, "activation-proposed")
    path = f"/activations/{made.json()['activation_id']}"
    assert problem(await people.post(1, f"{path}/approve", note="mine")) == (403, "second-person-needed")
    assert problem(await people.post(1, f"{path}/reject", note="mine")) == (403, "second-person-needed")
    assert problem(await people.post(2, f"{path}/withdraw")) == (403, "not-the-proposer")
    assert problem(await people.post(2, f"{path}/reversal", reason="no")) == (409, "not-applied")
    both = await asyncio.gather(*(people.post(who, f"{path}/approve", note="yes") for who in (2, 3)))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    assert {answer.json().get("type", "applying") for answer in both} == {"applying", "activation-decided"}

    assert await mover.move(district.database, district.stage.policy, 5) == 5
    half = await people.get(path)
    assert (half["status"], half["volunteers_moved"], half["volunteers_total"]) == ("applying", 5, 12)
    await finish(district)
    done = await people.get(path)
    assert (done["status"], done["volunteers_moved"], done["late"]) == ("applied", 12, 0)
    assert done["predicted_total"] == done["actual_total"] != 0
    assert [step["act"] for step in done["steps"]] == ["proposed", "approved", "applied"]
    statuses = {rule["version"]: rule["status"] for rule in (await people.get("/rules"))["items"]}
    assert statuses == {1: "active", version: "active"}
    page = await people.get(f"{path}/moves", limit=3)
    rest = await people.get(f"{path}/moves", limit=100, cursor=page["next_cursor"])
    moves = [*page["items"], *rest["items"]]
    assert len(moves) == 12
    assert sum(move["actual"] for move in moves) == done["actual_total"]
    assert (await people.get(f"{path}/moves", late="true"))["items"] == []

    assert (await people.post(4, f"{path}/reversal", reason="too much")).status_code == 200
    assert problem(await people.post(5, f"{path}/reversal", reason="too")) == (409, "reversal-proposed")
    assert problem(await people.post(4, f"{path}/reversal/approve", note="mine")) == (403, "second-person-needed")
    assert (await people.post(5, f"{path}/reversal/reject", note="wait")).json()["reversal_open"] is False
    assert problem(await people.post(5, f"{path}/reversal/approve", note="x")) == (409, "no-reversal-proposed")
    assert (await people.post(4, f"{path}/reversal", reason="far too much")).status_code == 200
    both = await asyncio.gather(*(people.post(who, f"{path}/reversal/approve", note="yes") for who in (1, 2)))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    await finish(district)
    end = await people.get(path)
    assert (end["status"], end["reversed_total"]) == ("reversed", -done["actual_total"])
    statuses = {rule["version"]: rule["status"] for rule in (await people.get("/rules"))["items"]}
    assert statuses == {1: "active", version: "reversed"}
    await district.agrees()
    assert problem(await people.post(1, f"/rules/{version}/activation", **proposal)) == (409, "rule-not-a-draft")
    assert [item["status"] for item in (await people.get("/activations"))["items"]] == ["reversed"]


async def test_what_a_proposal_needs(district: District, people: People) -> None:
    await district.populate(3)
    version, rehearsal_id = await rehearsed(district, BETTER_PAID)
    other, of_other = await rehearsed(district, BY_THE_MONTH)

    async def refused(version: int, rehearsal_id: Any) -> tuple[int, str]:
        return problem(
            await people.post(1, f"/rules/{version}/activation", rehearsal_id=str(rehearsal_id), reason="because")
        )

    assert await refused(9999, rehearsal_id) == (404, "rule-unknown")
    assert await refused(version, new_id()) == (404, "rehearsal-unknown")
    assert await refused(version, of_other) == (409, "rehearsal-of-another-rule")
    assert await refused(1, rehearsal_id) == (409, "rule-not-a-draft")
    async with district.database.transaction() as tx:
        unfinished = new_id()
        await tx.execute(
            "insert into rehearsals (rehearsal_id, version, requested_by, requested_at) values ($1, $2, $1, now())",
            unfinished, version,
        )  # fmt: skip
    assert await refused(version, unfinished) == (409, "rehearsal-not-done")

    first = await people.post(1, f"/rules/{version}/activation", rehearsal_id=rehearsal_id, reason="because")
    second = await people.post(1, f"/rules/{other}/activation", rehearsal_id=of_other, reason="because")
    paths = [f"/activations/{answer.json()['activation_id']}" for answer in (first, second)]
    withdrawn = await people.post(1, f"{paths[0]}/withdraw")
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "withdrawn")
    first = await people.post(1, f"/rules/{version}/activation", rehearsal_id=rehearsal_id, reason="after all")
    paths[0] = f"/activations/{first.json()['activation_id']}"
    assert (await people.post(2, f"{paths[0]}/approve", note="yes")).status_code == 200
    assert problem(await people.post(2, f"{paths[1]}/approve", note="yes")) == (409, "activation-in-progress")
    await finish(district)
    assert problem(await people.post(2, f"{paths[1]}/approve", note="yes")) == (409, "rehearsal-outdated")
    assert await refused(other, of_other) == (409, "rehearsal-outdated")
    assert (await people.post(2, f"{paths[1]}/reject", note="rehearse again")).json()["status"] == "rejected"
    assert problem(await people.post(2, f"{paths[1]}/reject", note="again")) == (409, "activation-decided")
    district.model.rules = None
    fresh = str(await insert_rehearsal(district.database, other, {}))
    assert (await people.post(1, f"/rules/{other}/activation", rehearsal_id=fresh, reason="because")).status_code == 201


async def test_acts_of_people_follow_the_rules_that_the_volunteer_stands_under(
    district: District, people: People
) -> None:
    """Referral, adjustment and the highest balance, half-way: one volunteer moved, the other not yet."""
    await district.feed(*(district.record(number + 1, number, 5) for number in range(6)))
    brought_in = [district.world.volunteer(number) for number in range(2, 6)]
    rule = changed(date(2001, 1, 1), referral={"points": 5}, balance={"cap_points": 40}, expiry={"months": 1})
    version, rehearsal_id = await rehearsed(district, rule)
    made = await people.post(1, f"/rules/{version}/activation", rehearsal_id=rehearsal_id, reason="because")
    referrers = [district.world.volunteer(number) for number in range(2)]
    for volunteer_id in referrers:
        body: dict[str, Any] = {"referrer_id": str(volunteer_id), "referred_id": str(brought_in.pop())}
        assert (await people.post(1, "/referrals", **body)).status_code == 201
    path = f"/activations/{made.json()['activation_id']}"
    assert (await people.post(2, f"{path}/approve", note="yes")).status_code == 200
    generations: dict[UUID, int] = {}
    while sum(generations.values()) < 1:
        assert await mover.move(district.database, district.stage.policy, 1) == 1
        everybody = await district.stage.generations()
        generations = {volunteer_id: everybody[volunteer_id] - 1 for volunteer_id in referrers}
    for volunteer_id, moved in generations.items():
        body = {"referrer_id": str(volunteer_id), "referred_id": str(brought_in.pop())}
        assert (await people.post(1, "/referrals", **body)).status_code == 201
        body = {"volunteer_id": str(volunteer_id), "points": 30, "reason": "r", "evidence": "e"}
        adjustment = (await people.post(1, "/adjustments", **body)).json()["adjustment_id"]
        assert (await people.post(2, f"/adjustments/{adjustment}/approve", note="x")).status_code == 200
        async with district.database.snapshot() as tx:
            found = await tx.fetchrow("select available, donated from volunteers where volunteer_id = $1", volunteer_id)
        # 30 for two hours of March and 20 for the first service, then 30; and 5 for each who was brought in.
        assert tuple(found) == ((40, 50) if moved else (80, 0))  # type: ignore[arg-type]
    clean = by_code(await audit(district.dsn_for("auditor")))
    assert [clean[code].as_json()["offenders"] for code in ("A1", "A2", "A4", "A6")] == [[], [], [], []]
    await finish(district)
    clean = by_code(await audit(district.dsn_for("auditor")))
    assert [clean[code].as_json()["offenders"] for code in ("A1", "A2", "A4", "A6")] == [[], [], [], []]
    moves = (await people.get(f"{path}/moves"))["items"]
    moves = [move for move in moves if UUID(move["volunteer_id"]) in referrers]
    assert [(move["predicted"], move["other"]) for move in moves] == [(0, 0), (0, 0)]
    assert sorted((move["actual"], len(move["late_referrals"])) for move in moves) == [(5, 1), (10, 2)]


@pytest.mark.broker
@pytest.mark.deep
async def test_a_worker_killed_while_it_moves_everybody_is_taken_over(
    broker: TestBroker, settings_for: SettingsFor, district: District
) -> None:
    records = [district.record(number, number % 700, 1 + number // 700, 90) for number in range(2100)]
    await district.feed(*records)
    await district.begin(BY_THE_MONTH)
    settings = settings_for("points")

    async def moved(at_least: int) -> bool:
        return (await district.stage.activation()).volunteers_moved >= at_least

    for kill in range(3):
        async with running(settings, WEIGUANG_ACTIVATION_BATCH="7") as process:
            await eventually(lambda least=70 * (kill + 1): moved(least), every=0.005)  # type: ignore[misc]
            process.kill()
            await process.wait()
        found = await district.stage.activation()
        assert found.status == "applying", "it was killed on the way"
        generations = (await district.stage.generations()).values()
        assert sum(generation == 2 for generation in generations) == found.volunteers_moved < 700
    async with running(settings):

        async def applied() -> bool:
            return (await district.stage.activation()).status == "applied"

        await eventually(applied)
    for name in list(district.model.accounts):
        district.model.move(name, TODAY)
    await district.agrees()
    moves = await district.stage.moves()
    assert len(moves) == 700
    assert all(move.actual == move.predicted != 0 for move in moves.values())


async def test_what_the_service_itself_rehearsed_comes_true(
    settings_for: SettingsFor, district: District, people: People
) -> None:
    await district.populate(20)
    served = [UUID(one.volunteer) for one in district.records.values() if one.status == "confirmed"]
    for number in (0, 3):
        referral = {"referrer_id": str(district.world.volunteer(number)), "referred_id": str(served[-1 - number])}
        assert (await people.post(1, "/referrals", Role.OPERATOR, **referral)).status_code == 201
    for drafted in (BY_THE_MONTH | {"referral": {"points": 7}}, BETTER_PAID):
        rule = await district.stage.draft(drafted)
        done = await rehearse(district.database, settings_for("points"), rule["version"])
        assert (done.status, done.problem) == ("done", None)
        district.stage.activation_id = None
        await district.stage.propose(rule, done.rehearsal_id)
        await district.stage.approve(rule)
        await finish(district)
        found = await district.stage.activation()
        assert (found.status, found.problem, found.late) == ("applied", None, 0)
        assert found.predicted_total == found.actual_total != 0


async def test_an_old_rehearsal_is_forgotten_unless_rules_rest_on_it(district: District, people: People) -> None:
    await district.populate(3)
    version, proposed = await rehearsed(district, BETTER_PAID)
    other, left = await rehearsed(district, BY_THE_MONTH)
    answer = await people.post(1, f"/rules/{version}/activation", rehearsal_id=proposed, reason="because")
    assert answer.status_code == 201, answer.text
    async with district.database.transaction() as tx:
        await tx.execute("update rehearsals set finished_at = clock_timestamp() - interval '89 days'")
    assert await rehearsals.forget_old(district.database) == 0, "they are young"
    async with district.database.transaction() as tx:
        await tx.execute("update rehearsals set finished_at = clock_timestamp() - interval '91 days'")
    assert await rehearsals.forget_old(district.database) == 1
    assert await rehearsals.forget_old(district.database) == 0, "the other one has a proposal"
    async with district.database.snapshot() as tx:
        kept = await tx.fetch("select distinct rehearsal_id::text from rehearsal_results")
    assert [row["rehearsal_id"] for row in kept] == [proposed]
    again = await people.post(1, f"/rules/{other}/activation", rehearsal_id=left, reason="late")
    assert problem(again) == (409, "rehearsal-outdated")
    assert (await people.post(2, f"/activations/{answer.json()['activation_id']}/approve", note="yes")).is_success
