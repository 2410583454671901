"""Operators who are responsible for some sites: what they may not do, and what they see of the rest, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.points import __main__ as points
from services.points.policy import policy_of, stored_policy
from services.points.referrals.domain import MOST_A_DAY
from shared.auth.tokens import Role
from shared.http.app import walk_routes
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, OTHER_SITE, SITE, Api, Ledger, Person, record
from tests.support.databases import Clock
from tests.support.documents import RULE_EXAMPLES
from tests.support.settings import SettingsFactory

SOME_ID = str(new_id())
REWARD = {"name": "保温杯", "price": 1}
CENTRE = {
    ("POST", "/rules"): {"document": RULE_EXAMPLES.joinpath("hailin.yaml").read_text("utf-8")},
    ("POST", "/rules/{version}/rehearsals"): {},
    ("GET", "/rehearsals"): None,
    ("GET", "/rehearsals/{rehearsal_id}"): None,
    ("POST", "/rehearsals/{rehearsal_id}/cancel"): {},
    ("GET", "/rehearsals/{rehearsal_id}/volunteers"): None,
    ("GET", "/rehearsals/{rehearsal_id}/volunteers.csv"): None,
    ("GET", "/rehearsals/{rehearsal_id}/budget"): None,
    ("GET", "/rehearsals/{rehearsal_id}/budget.csv"): None,
    ("POST", "/rules/{version}/activation"): {"rehearsal_id": SOME_ID, "reason": "x"},
    ("GET", "/activations"): None,
    ("GET", "/activations/{activation_id}"): None,
    ("GET", "/activations/{activation_id}/moves"): None,
    **{
        ("POST", f"/activations/{{activation_id}}/{act}"): {"reason" if act == "reversal" else "note": "x"}
        for act in (
            "approve", "reject", "withdraw", "resume", "reversal", "reversal/approve", "reversal/reject",
            "reversal/withdraw",
        )
    },
    ("POST", "/rewards"): REWARD,
    ("PUT", "/rewards/{reward_id}"): REWARD,
    ("POST", "/rewards/{reward_id}/withdrawal"): {},
    ("PUT", "/rewards/{reward_id}/photo"): b"\x89PNG\r\n\x1a\n",
    ("GET", "/dead-letters"): None,
    ("GET", "/dead-letters/groups"): None,
    ("GET", "/dead-letters/{letter_id}"): None,
    ("GET", "/dead-letters/replays"): None,
    ("GET", "/dead-letters/replays/{replay_id}"): None,
    ("GET", "/consumers"): None,
    ("GET", "/events/{event_id}"): None,
    ("GET", "/audit"): None,
    ("GET", "/processes"): None,
    ("GET", "/ledger-audits"): None,
    ("GET", "/ledger-audits/{run_id}"): None,
}  # fmt: skip
"""What concerns the whole district, with a body that could be meant."""
BOUNDED = {
    "/adjustments", "/adjustments/{adjustment_id}/approve", "/adjustments/{adjustment_id}/reject",
    "/adjustments/{adjustment_id}/withdraw", "/complaints", "/complaints/{complaint_id}/withdraw",
    "/complaints/proposals/{proposal_id}/decision", "/referrals",
    "/referrals/{referral_id}/withdraw", "/cases/{case_id}/clear", "/cases/{case_id}/confirm",
    "/cases/{case_id}/flags",
    "/rewards/{reward_id}/stock", "/rewards/{reward_id}/counts", "/rewards/{reward_id}/sites/{site_id}/hold-days",
    "/redemptions/captures", "/redemptions/{redemption_id}/capture", "/redemptions/{redemption_id}/release",
    "/redemptions/{redemption_id}/refund",
}  # fmt: skip
"""What staff of sites do within their bounds."""


@dataclass(frozen=True, slots=True)
class Points(Api):
    """The whole service; `north` is an operator who is responsible for `SITE` alone."""

    app: object

    @property
    def north(self) -> Person:
        return self.person(Role.OPERATOR, sites=[SITE])


@pytest.fixture
async def ledger(points_db: Database, clock: Clock) -> Ledger:
    await clock.set(NOW)
    await policy_of(points_db)
    return await Ledger.open(points_db)


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Points]:
    app = points.api(settings_for("points"))
    app.state.database = points_db
    app.state.policy = stored_policy()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://points") as client:
        yield Points(client, settings_for("recruitment"), app)


async def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


def test_every_act_is_the_centres_or_looks_at_bounds(api: Points) -> None:
    found = {
        (route.method, route.path.removeprefix("/api/points/v1")): route.centre
        for route in walk_routes(api.app)  # type: ignore[arg-type]
        if route.roles is not None and Role.OPERATOR in route.roles
    }
    assert {route for route, centre in found.items() if centre} == CENTRE.keys()
    acts = {path for (method, path), centre in found.items() if method != "GET" and not centre}
    assert acts == BOUNDED, "say here which acts look at bounds, or mark them as the centre's"


@pytest.mark.usefixtures("ledger")
async def test_what_concerns_the_district_is_the_centres(api: Points, points_db: Database) -> None:
    reward_id = await api.reward()
    north = api.north
    for (method, template), body in CENTRE.items():
        path = template.replace("{version}", "1001").replace("{reward_id}", str(reward_id))
        path = path.replace("{letter_id}", "1")
        for name in ("rehearsal_id", "activation_id", "replay_id", "event_id"):
            path = path.replace(f"{{{name}}}", SOME_ID)
        if method == "GET":
            answer = await north.get(path)
        else:
            answer = await (north.put(path, body) if method == "PUT" else north.post(path, body))
        assert await refused(answer) == (403, "centre-only"), (method, path, answer.text)
    kept = "select (select count(*) from rule_versions), (select count(*) from reward), (select count(*) from outbox)"
    assert tuple(await points_db.pool.fetchrow(kept)) == (1, 1, 0)
    assert (await north.get(f"/catalogue/{reward_id}")).json()["changes"] == []
    assert (await api.operator.get("/rehearsals")).status_code == 200


async def test_adjustments_stay_among_the_volunteers_of_ones_sites(
    ledger: Ledger, api: Points, points_db: Database
) -> None:
    here, elsewhere = await ledger.volunteer(), new_id()
    await ledger.feed(record(elsewhere, site_id=OTHER_SITE))
    first, second = api.north, api.north
    words = {"points": 5, "reason": "帮助整理档案", "evidence": "签字单第12页"}
    answer = await first.post("/adjustments", {"volunteer_id": str(elsewhere), **words})
    assert await refused(answer) == (404, "account-unknown"), "as for reading the account"
    assert await points_db.pool.fetchval("select count(*) from adjustments") == 0

    centres = await api.operator.post("/adjustments", {"volunteer_id": str(elsewhere), **words})
    path = f"/adjustments/{centres.json()['adjustment_id']}"
    assert await refused(await first.get(path)) == (404, "adjustment-unknown")
    for act in ("approve", "reject", "withdraw"):
        assert await refused(await first.post(f"{path}/{act}", {"note": "x"})) == (404, "adjustment-unknown")

    own = await first.post("/adjustments", {"volunteer_id": str(here), **words})
    assert own.status_code == 201, own.text
    listed = (await second.get("/adjustments")).json()["items"]
    assert [found["volunteer_id"] for found in listed] == [str(here)]
    assert (await second.get("/adjustments", volunteer_id=elsewhere)).json()["items"] == []
    assert len((await api.operator.get("/adjustments")).json()["items"]) == 2
    path = f"/adjustments/{own.json()['adjustment_id']}"
    assert (await second.get(path)).status_code == 200
    note = {"note": "对照过原件"}
    assert await refused(await second.post(f"{path}/approve", note)) == (403, "centre-only"), "an account of their site"
    assert (await api.operator.post(f"{path}/approve", note)).json()["status"] == "approved"


async def test_an_account_records_so_many_referrals_a_day_and_no_more(
    ledger: Ledger, api: Points, clock: Clock
) -> None:
    here, *brought = [new_id() for _ in range(MOST_A_DAY + 2)]
    await ledger.feed(*(record(person) for person in (here, *brought)))
    station = api.station

    async def refer(referred_id: UUID) -> Any:
        return await station.post("/referrals", {"referrer_id": str(here), "referred_id": str(referred_id)})

    first, *answers = await asyncio.gather(*(refer(person) for person in brought))
    statuses = sorted(answer.status_code for answer in (first, *answers))
    assert statuses == [201] * MOST_A_DAY + [409], "also when they come at once"
    (left,) = [person for person, answer in zip(brought, (first, *answers), strict=True) if answer.status_code == 409]
    made = next(answer for answer in (first, *answers) if answer.status_code == 201).json()["referral_id"]
    await station.post(f"/referrals/{made}/withdraw", {"reason": "mistaken"})
    assert await refused(await refer(left)) == (409, "referrals-of-the-day"), "a withdrawal makes no room"
    await clock.set(NOW + timedelta(days=1))
    assert (await refer(left)).status_code == 201


async def test_complaints_are_about_service_at_ones_sites(ledger: Ledger, api: Points, points_db: Database) -> None:
    here, there = record(new_id(), activity_id=UUID(int=1)), record(new_id(), activity_id=UUID(int=2))
    there = there.model_copy(update={"site_id": OTHER_SITE})
    both = [record(new_id(), activity_id=UUID(int=3), site_id=site) for site in (SITE, OTHER_SITE)]
    nowhere = record(new_id(), activity_id=UUID(int=4), site_id=None)
    await ledger.feed(here, there, *both, nowhere)
    north, why = api.north, {"reason": "没有人来"}
    for about in (
        {"activity_id": str(there.activity_id)}, {"record_id": str(there.record_id)},
        {"activity_id": str(both[0].activity_id)}, {"activity_id": str(nowhere.activity_id)},
        {"activity_id": str(new_id())},
    ):  # fmt: skip
        assert await refused(await north.post("/complaints", about | why)) == (403, "site-out-of-bounds"), about
    assert await points_db.pool.fetchval("select count(*) from complaints") == 0

    centre = api.operator
    theirs = await centre.post("/complaints", {"record_id": str(there.record_id)} | why)
    withdrawal = f"/complaints/{theirs.json()['complaint_id']}/withdraw"
    assert await refused(await north.post(withdrawal, why)) == (403, "site-out-of-bounds")
    await centre.post("/complaints", {"activity_id": str(both[0].activity_id)} | why)
    for about in ({"activity_id": str(here.activity_id)}, {"record_id": str(both[0].record_id)}):
        assert (await north.post("/complaints", about | why)).status_code == 201
    listed = (await north.get("/complaints")).json()["items"]
    assert [found["record_id"] or found["activity_id"] for found in listed] == [
        str(both[0].record_id),
        str(here.activity_id),
    ]
    assert (await north.post(f"/complaints/{listed[0]['complaint_id']}/withdraw", why)).status_code == 200
    assert len((await centre.get("/complaints")).json()["items"]) == 4


async def test_referrals_are_by_volunteers_of_ones_sites_and_not_by_oneself(
    ledger: Ledger, api: Points, points_db: Database
) -> None:
    here, elsewhere, one, other = [new_id() for _ in range(4)]
    await ledger.feed(record(here), *(record(person, site_id=OTHER_SITE) for person in (elsewhere, one, other)))
    station = api.station

    def pair(referrer_id: UUID, referred_id: UUID) -> dict[str, str]:
        return {"referrer_id": str(referrer_id), "referred_id": str(referred_id)}

    assert await refused(await station.post("/referrals", pair(elsewhere, one))) == (404, "referrer-unknown")
    own = api.person(Role.STATION, volunteer_id=here, sites=[SITE])
    assert await refused(await own.post("/referrals", pair(here, one))) == (403, "own-account")
    assert await points_db.pool.fetchval("select count(*) from referrals") == 0
    theirs = (await api.operator.post("/referrals", pair(elsewhere, one))).json()["referral_id"]
    ours = await station.post("/referrals", pair(here, other))
    assert ours.status_code == 201, "whom they brought in may serve anywhere"
    listed = (await station.get("/referrals")).json()["items"]
    assert [found["referrer_id"] for found in listed] == [str(here)]
    assert (await station.get("/referrals", referrer_id=elsewhere)).json()["items"] == []
    assert len((await api.operator.get("/referrals")).json()["items"]) == 2
    withdrawn = await station.post(f"/referrals/{theirs}/withdraw", {"reason": "mistaken"})
    assert await refused(withdrawn) == (404, "referral-unknown")
    withdrawal = f"/referrals/{ours.json()['referral_id']}/withdraw"
    assert (await station.post(withdrawal, {"reason": "mistaken"})).status_code == 200
