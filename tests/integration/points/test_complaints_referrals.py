"""Drafts, complaints and referrals over HTTP; the audit agrees with every one of them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from ops.audit.main import audit
from services.points import __main__ as points
from services.points.policy import policy_of, stored_policy
from services.points.rules.handlers import rulebook
from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.histories import attendance, message, read
from tests.reference.points import Record
from tests.support.audits import by_code
from tests.support.databases import Clock
from tests.support.documents import RULE_EXAMPLES, rule_from
from tests.support.rule_histories import NOW, clear, enforce
from tests.support.settings import SettingsFor

ACTIVITY = UUID(int=0xAC)


class Client:
    """The points service, called by an operator unless said otherwise."""

    def __init__(self, http: httpx.AsyncClient, tokens: dict[Role, str]) -> None:
        self.http = http
        self.tokens = tokens

    async def post(self, path: str, body: dict[str, Any], role: Role = Role.OPERATOR) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[role]}", "Idempotency-Key": str(new_id())}
        return await self.http.post(path, json=body, headers=headers)


@pytest.fixture
async def client(points_db: Database, settings_for: SettingsFor, clock: Clock) -> AsyncIterator[Client]:
    await clock.set(NOW)
    await policy_of(points_db)
    app = points.api(settings_for("points"))
    signer = settings_for("recruitment")
    app.state.database = points_db
    app.state.policy = stored_policy()
    tokens = {
        role: mint(signer, Caller(subject=new_id(), roles=frozenset({role}), site_ids=None))
        for role in (Role.OPERATOR, Role.STATION)
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://points/api/points/v1") as http:
        yield Client(http, tokens)


def _slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]


async def test_a_draft_is_checked_numbered_and_in_force_for_nobody(client: Client, points_db: Database) -> None:
    text = RULE_EXAMPLES.joinpath("hailin.yaml").read_text("utf-8")
    made = (await client.post("/rules", {"document": text})).json()
    assert (made["version"], made["status"], made["name"]) == (1001, "draft", "海林市志愿服务积分规则")
    again = await client.post("/rules", {"document": made["document"]})
    assert (again.status_code, again.json()["version"]) == (201, 1002)
    listed = (await client.http.get("/rules")).json()["items"]
    assert [(rule["version"], rule["status"]) for rule in listed] == [(1, "active"), (1001, "draft"), (1002, "draft")]
    await policy_of(points_db)
    async with points_db.snapshot() as tx:
        assert {rule.version for rule in (await rulebook(tx)).rules} == {1}
    assert _slug(await client.post("/rules", {"document": text}, Role.STATION))[0] == 403


async def test_a_bad_draft_is_refused_with_the_line_of_each_mistake(client: Client) -> None:
    text = RULE_EXAMPLES.joinpath("hailin.yaml").read_text("utf-8")
    wrong = text.replace("points: 2", "points: two").replace("per_quarter: 1", "per_quarter: 0")
    answer = await client.post("/rules", {"document": wrong})
    assert _slug(answer) == (422, "rule-invalid")
    assert [(item["line"], item["path"]) for item in answer.json()["problems"]] == [
        (13, "referral.points"),
        (15, "redemptions.per_quarter"),
    ]
    answer = await client.post("/rules", {"document": text.replace("name: 海林市", 'name: "a\\0b" #', 1)})
    assert _slug(answer) == (422, "rule-invalid")
    assert [(item["line"], item["message"]) for item in answer.json()["problems"]] == [
        (3, "a text must not contain U+0000")
    ]
    entered = text.replace("[scanned, kiosk, leader]", "[scanned, backfilled]")
    assert _slug(await client.post("/rules", {"document": entered})) == (422, "rule-invalid")
    for hostile in ("a: [", "[" * 5000, "a: &a [*a]", "- 1", "1: 2", "? [a]\n: b", "effective_from: 2026-99-99"):
        assert _slug(await client.post("/rules", {"document": hostile})) == (422, "rule-invalid"), hostile
    assert len((await client.http.get("/rules")).json()["items"]) == 1


async def test_complaint_and_referral_are_posted_explained_and_taken_back(
    client: Client, points_db: Database, dsn_for: Any
) -> None:
    await clear(points_db)
    rule = rule_from(RULE_EXAMPLES.joinpath("hailin.yaml").read_text("utf-8")).model_dump(mode="json")
    stream = await enforce(points_db, [rule])
    volunteer_id, record_id = new_id(), new_id()
    served = Record(str(record_id), 1, str(volunteer_id), "confirmed", "scanned", NOW, 120)
    newcomer = new_id()
    first = Record(str(new_id()), 1, str(newcomer), "provisional", "scanned", NOW, 60)
    await stream.handle([message(attendance(served, activity_id=ACTIVITY)), message(attendance(first))])

    async def balance() -> int:
        stored = await read(points_db, volunteer_id)
        assert stored is not None
        assert stored.balances == stored.balances_of_transfers
        return stored.balances["available"]

    assert await balance() == 2
    body = {"activity_id": str(ACTIVITY), "reason": "nobody came"}
    made = await client.post("/complaints", body)
    assert made.status_code == 201
    assert await balance() == 0
    withdrawal = f"/complaints/{made.json()['complaint_id']}/withdraw"
    assert (await client.post(withdrawal, {"reason": "they came"})).json()["withdrawn_reason"] == "they came"
    assert await balance() == 2
    assert _slug(await client.post(withdrawal, {"reason": "again"})) == (409, "complaint-withdrawn")
    assert (await client.post("/complaints", body | {"record_id": str(record_id)})).status_code == 422
    unknown = {"record_id": str(new_id()), "reason": "?"}
    assert _slug(await client.post("/complaints", unknown)) == (404, "record-unknown")
    assert (await client.post("/complaints", {"record_id": str(record_id), "reason": "late"})).status_code == 201
    assert await balance() == 0

    referral = {"referrer_id": str(volunteer_id), "referred_id": str(newcomer)}
    for nobody in (newcomer, new_id()):
        answer = await client.post("/referrals", referral | {"referred_id": str(nobody)}, Role.STATION)
        assert _slug(answer) == (409, "referred-not-served")
    assert await balance() == 0
    await stream.handle([message(attendance(replace(first, revision=2, status="confirmed")))])
    brought = await client.post("/referrals", referral, Role.STATION)
    assert brought.status_code == 201
    assert await balance() == 2
    assert _slug(await client.post("/referrals", referral)) == (409, "already-referred")
    assert _slug(await client.post("/referrals", referral | {"referred_id": str(volunteer_id)})) == (
        422,
        "own-referral",
    )
    stranger = {"referrer_id": str(new_id()), "referred_id": str(new_id())}
    assert _slug(await client.post("/referrals", stranger)) == (404, "referrer-unknown")
    withdrawn = await client.post(f"/referrals/{brought.json()['referral_id']}/withdraw", {"reason": "mistaken"})
    assert withdrawn.status_code == 200
    assert await balance() == 0
    assert (await client.post("/referrals", referral)).status_code == 201
    assert await balance() == 2
    checks = by_code(await audit(dsn_for("auditor")))
    assert [checks[code].as_json()["offenders"] for code in ("A1", "A2", "A4", "A6")] == [[], [], [], []]
