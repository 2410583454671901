"""Nonsense over the wire to the real APIs: a problem that says what is wrong, never a 500, and nothing changes."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from yarl import URL

from dev.demo.signature import sign
from dev.stack.supervisor import Stack
from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from tests.e2e.pages_district import District, make_district
from tests.support.depth import DEEP, part_of
from tests.support.nonsense import BODIES, JSON, KEYS, TYPES, Sent, nonsense_of
from tests.support.openapi import calls_of
from tests.support.stacks import stack_options
from tests.support.waiting import WAIT_LIMIT

pytestmark = [pytest.mark.broker, pytest.mark.slow]

SERVICES = ("recruitment", "points", "notify", "operations")
UNKEYED = ("/auth/", "/codes", "/tickets", "/claims", "/imports/digests", "/volunteers/numbers", "/volunteers/search")
HUMANS = frozenset(Role) - {Role.SERVICE}
AT_ONCE = 16
ROUTES_AT_ONCE = 1 if DEEP else 12
"""Routes after which all tables are summed up."""
BEATING = frozenset(f"{service}.process_lives" for service in SERVICES)
MEANT = frozenset({"points.pickup_guess", "recruitment.limit_counters"}) | BEATING
"""Tables that may change although the answer is no: guesses are counted, and processes keep their heartbeats."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    type: str
    body: bytes

    @property
    def wrong(self) -> str | None:
        """Why it is not a problem that a person can act on; None if it is."""
        if not 400 <= self.status < 500:
            return f"answered {self.status}: {self.body[:200]!r}"
        if not self.type.startswith("application/problem+json"):
            return f"answered {self.status} as {self.type or 'nothing'}: {self.body[:200]!r}"
        problem = json.loads(self.body)
        detail = problem.get("detail")
        if problem.get("status") != self.status or not problem.get("type") or not problem.get("title"):
            return f"is no problem of RFC 9457: {problem}"
        if not isinstance(detail, str) or len(detail) < 15 or "Traceback" in detail or "asyncpg" in detail:
            return f"does not say clearly what is wrong: {problem}"
        return None


class Wire:
    """The real APIs, asked by somebody who has every role and sees every site."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self.stack = stack
        self.session = session
        subject = uuid4()
        keys = stack.secrets.signing_keys
        person = Caller(subject=subject, roles=HUMANS, volunteer_id=subject, resident_id=subject, site_ids=None)
        service = Caller(subject=uuid4(), roles=frozenset({Role.SERVICE}), site_ids=None)
        self.tokens = {
            issuer: mint(SimpleNamespace(service=issuer, auth_signing_key=SecretStr(keys[issuer])), caller)
            for issuer, caller in (("recruitment", person), ("notify", service))
        }

    async def send(self, base: str, sent: Sent) -> Answer:
        """Send it byte by byte as it is."""
        issuer = "notify" if "/internal/" in sent.target else "recruitment"
        headers = {"Authorization": f"Bearer {self.tokens[issuer]}"}
        if sent.body is not None and sent.type:
            headers["Content-Type"] = sent.type
        if sent.key is not None and sent.method != "GET":
            headers["Idempotency-Key"] = str(new_id()) if sent.key == "nonsense-0" else sent.key
        url = URL(base + sent.target, encoded=True)
        skip = () if sent.type else ("Content-Type",)
        body = io.BytesIO(sent.body) if sent.body is not None and len(sent.body) > 500_000 else sent.body
        async with self.session.request(
            sent.method, url, data=body, headers=headers, skip_auto_headers=skip, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers.get("Content-Type", ""), await answer.read())

    async def document(self, service: str) -> dict[str, Any]:
        """The service's description of itself."""
        async with self.session.get(f"{self.stack.urls[service]}/openapi.json") as answer:
            found: dict[str, Any] = await answer.json()
            return found


async def everything(stack: Stack) -> dict[str, tuple[int, int]]:
    """Rows and a checksum of every table of every schema of ours."""
    conn: Any = await asyncpg.connect(stack.dsn("postgres"))
    try:
        tables = await conn.fetch(
            "select format('%I.%I', schemaname, tablename) as name from pg_tables "
            "where schemaname in ('recruitment', 'points', 'notify', 'operations', 'business')"
        )
        tables = [row["name"] for row in tables if row["name"] not in MEANT]
        sums = " union all ".join(
            f"select '{name}' as name, count(*) as rows, "
            f"coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) as sum from {name} t"
            for name in tables
        )
        return {row["name"]: (row["rows"], int(row["sum"])) for row in await conn.fetch(sums)}
    finally:
        await conn.close()


@pytest.fixture(scope="module")
async def wire(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """The APIs and the gateway on a stack of their own."""
    apis = tuple(f"{service}-api" for service in SERVICES)
    brief = {"WEIGUANG_STREAM_SECONDS": "0.5"}  # an answer of the stream that should not have been given ends
    options = stack_options(tmp_path_factory.mktemp("nonsense"), processes=("web-api", *apis), extra_environment=brief)
    async with Stack(options) as stack, aiohttp.ClientSession() as session:
        yield Wire(stack, session)


@pytest.mark.grows
@pytest.mark.parametrize("service", SERVICES)
async def test_no_nonsense_passes_breaks_a_route_or_changes_a_row(wire: Wire, service: str) -> None:
    calls = [call for call in calls_of(await wire.document(service), {}) if call.template.startswith("/api/")]
    assert len(calls) >= 5
    wrong: list[str] = []
    gate, number = asyncio.Semaphore(AT_ONCE), 0

    async def one(sent: Sent) -> None:
        async with gate:
            try:
                answer = await wire.send(wire.stack.urls[service], sent)
            except aiohttp.ClientError as error:
                wrong.append(f"{sent.method} {sent.target[:100]} with {sent.said[:80]}: {error!r}")
                return
        if (reason := answer.wrong) is not None:
            wrong.append(f"{sent.method} {sent.target[:100]} with {sent.said[:80]} {reason}")

    before = await everything(wire.stack)
    for begin in range(0, len(calls), ROUTES_AT_ONCE):
        routes = calls[begin : begin + ROUTES_AT_ONCE]
        for turn, call in enumerate(routes, begin):
            keyed = call.method == "POST" and not any(part in call.template for part in UNKEYED)
            tried = part_of(list(nonsense_of(call, keyed=keyed)), turn, 6)
            number += len(tried)
            await asyncio.gather(*(one(sent) for sent in tried))
        if (after := await everything(wire.stack)) != before:
            changed = sorted(name for name in after if after[name] != before.get(name))
            wrong.append(f"{changed} changed by one of {[(call.method, call.template) for call in routes]}")
            before = after
    assert not wrong, f"{len(wrong)} of {number}:\n" + "\n".join(wrong[:40])


GATEWAY = (
    Sent("GET", "/api/recruitment/v1/%00", "NUL in the path"),
    Sent("GET", "/api/recruitment/v1/%ff%fe", "a path that is not UTF-8"),
    Sent("GET", "/api/recruitment/v1/..%2f..%2fetc", "a path upwards"),
    Sent("GET", "/api/recruitment/v1/volunteers/" + "x" * 9000, "a path without end"),
    Sent("GET", "/api/recruitment/v1/volunteers?cursor=%00", "NUL in the query"),
    Sent("GET", "/api/recruitment/v1/volunteers?cursor=nonsense", "no cursor"),
    Sent("GET", "/api/nobody/v1/volunteers", "a service that there is not"),
    Sent("GET", "/api/recruitment/v1/internal/volunteers", "what is not for the outside"),
    Sent("PATCH", "/api/recruitment/v1/sites", "a method that there is not"),
    *(
        Sent("POST", "/api/recruitment/v1/sites", f"body: {said}", body)
        for said, body in {**BODIES, "10 MB": b'{"a": "' + b"x" * 10_000_000 + b'"}'}.items()
    ),
    *(Sent("POST", "/api/points/v1/rewards", f"content type {type!r}", b"{}", type) for type in TYPES),
    *(Sent("POST", "/api/points/v1/redemptions", f"Idempotency-Key {key!r}", b"{}", JSON, key) for key in KEYS),
)


async def test_the_gateway_passes_no_nonsense_on_as_an_error_of_its_own(wire: Wire) -> None:
    before = await everything(wire.stack)
    wrong: list[str] = []
    for sent in GATEWAY:
        answer = await wire.send(wire.stack.urls["gateway"], sent)
        if (reason := answer.wrong) is not None:
            wrong.append(f"{sent.method} {sent.target[:100]} with {sent.said} {reason}")
    assert not wrong, "\n".join(wrong)
    assert await everything(wire.stack) == before


@pytest.mark.parametrize(
    "path", ["/d/%00", "/d/%ff", "/s/x?c=%00", "/s/%ed%a0%80", "/me%00", "/" + "x" * 9000, "/d/" + "9" * 30]
)
async def test_pages_answer_nonsense_without_breaking(wire: Wire, path: str) -> None:
    answer = await wire.send(wire.stack.urls["gateway"], Sent("GET", path, path))
    assert 400 <= answer.status < 500, answer


@pytest.mark.parametrize("place", [*SERVICES, "gateway"])
@pytest.mark.parametrize(
    "request_line",
    [b"GET /\xff\xfe HTTP/1.1", b"GET /a b HTTP/1.1", b"GET / HTTP/9.9", b"\x00\x01\x02", b"GET http://[::1 HTTP/1.1"],
)
async def test_no_bytes_break_a_server(wire: Wire, place: str, request_line: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", URL(wire.stack.urls[place]).port)
    writer.write(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    answered = await asyncio.wait_for(reader.read(), WAIT_LIMIT)
    writer.close()
    assert answered.startswith(b"HTTP/1.1 4"), answered[:200]


@dataclass(frozen=True, slots=True)
class People:
    """A district with a volunteer who is signed up for the first shift, and one who has served in it."""

    district: District
    wire: Wire
    staff: str
    idle: str
    served: str
    ids: dict[str, str]

    async def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        """Through the gateway, as somebody; the staff of the centre if nobody is named."""
        headers = {"Authorization": f"Bearer {token or self.staff}", "Idempotency-Key": str(new_id())}
        async with self.wire.session.request(
            method, f"{self.district.url}/api{path}", json=body, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    async def code(self) -> str:
        """What the shift's screen shows."""
        return str((await self.ask("GET", f"/recruitment/v1/shifts/{self.ids['shift_id']}/code"))[1]["code"])


@pytest.fixture(scope="module")
async def people(wire: Wire) -> People:
    """Made through the gateway, as everything is."""
    district = await make_district(wire.stack)
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        operator = {"username": "operator", "password": wire.stack.secrets.operator_password}
        signed_in = (await client.post("/api/recruitment/v1/auth/sessions", json=operator)).json()
        staff = signed_in["session"]["access_token"]
        tokens = []
        for name in ("王闲", "李勤"):
            phone = district.new_phone()
            asked = (await client.post("/api/recruitment/v1/auth/codes", json={"phone": phone})).json()
            body = {"name": name, "phone": phone, "code": district.one_time_code(phone), "consent": True}
            body["challenge_id"] = asked["challenge_id"]
            key = {"Idempotency-Key": str(new_id())}
            answer = await client.post("/api/recruitment/v1/volunteers", json=body, headers=key)
            assert answer.status_code == 201, answer.text
            tokens.append(answer.json())
    ids = {"shift_id": district.shift_id, "number": tokens[0]["volunteer_number"]}
    idle, served = (each["session"]["access_token"] for each in tokens)
    people = People(district, wire, staff, idle, served, ids)
    shift = f"/recruitment/v1/shifts/{district.shift_id}"
    for token in (people.idle, people.served):
        assert (await people.ask("POST", f"{shift}/signups", {}, token))[0] == 201
    found = (await people.ask("GET", shift))[1]
    ids |= {name: found[name] for name in ("activity_id", "site_id")}
    activity = (await people.ask("GET", f"/recruitment/v1/activities/{ids['activity_id']}"))[1]
    ids |= {name: activity[name] for name in ("theme_id", "team_id")}
    ids["later"] = next(each["shift_id"] for each in activity["shifts"] if each["shift_id"] != district.shift_id)
    for what, minutes in (("check-ins", 0), ("check-outs", 60)):
        await district.pass_time(minutes)
        scanned = {"shift_id": district.shift_id, "code": await people.code()}
        status, record = await people.ask("POST", f"/recruitment/v1/attendance/{what}", scanned, people.served)
        assert status == 201, record
        ids["record_id"] = record["record_id"]
    body = {"name": "站点平板", "site_id": ids["site_id"]}
    device = (await people.ask("POST", "/recruitment/v1/devices", body))[1]
    ids |= {name: device[name] for name in ("device_id", "secret")}
    rewards = (await people.ask("GET", "/points/v1/rewards"))[1]["items"]
    return replace(people, ids={**ids, "reward_id": rewards[0]["reward_id"]})


def _acts(people: People, code: str) -> list[tuple[str, str, object, str, int, str]]:
    """What is asked of whom, and which refusal it must bring: (method, path, body, token, status, type)."""
    ids, idle, served, stranger = people.ids, people.idle, people.served, str(uuid4())
    now = people.district.now
    hour, day = timedelta(hours=1), timedelta(days=1)
    mine, soon = {"shift_id": ids["shift_id"], "code": code}, {"shift_id": ids["later"], "code": code}
    attendance, record = "/recruitment/v1/attendance", f"/recruitment/v1/attendance/records/{ids['record_id']}"
    why, stretches = {"reason": "核实", "evidence": "签到表"}, "correction-only-shortens"

    def span(start: datetime, end: datetime, names: tuple[str, str] = ("starts_at", "ends_at")) -> dict[str, str]:
        return {names[0]: start.isoformat(), names[1]: end.isoformat()}

    times = ("started_at", "ended_at")
    shift = {**span(now + hour, now), "capacity": 3}
    activity = {"title": "早", "kind": "visit", "place": "广场", "shifts": [shift]}
    activity |= {name: ids[name] for name in ("theme_id", "team_id", "site_id")}
    drive = {"name": "招募", "place_kind": "square", "place": "广场", "site_id": ids["site_id"]}
    return [
        ("POST", f"{attendance}/check-outs", mine, idle, 409, "not-checked-in"),
        ("POST", f"{attendance}/check-outs", mine, served, 409, "already-checked-out"),
        ("POST", f"{attendance}/check-ins", soon, idle, 403, "code-invalid"),
        ("POST", f"{attendance}/check-ins", {**mine, "code": "AAAAAAAA"}, idle, 403, "code-invalid"),
        ("POST", f"{attendance}/check-ins", {**mine, "shift_id": stranger}, idle, 404, "shift-unknown"),
        ("POST", f"{attendance}/check-outs", {**mine, "shift_id": stranger}, idle, 404, "shift-unknown"),
        ("POST", f"/recruitment/v1/shifts/{stranger}/signups", {}, idle, 404, "shift-unknown"),
        ("POST", f"/recruitment/v1/shifts/{ids['shift_id']}/signups", {}, idle, 409, ""),
        ("POST", "/recruitment/v1/activities", activity, "", 422, ""),
        (
            "POST",
            "/recruitment/v1/activities",
            {**activity, "site_id": stranger, "shifts": []},
            "",
            422,
            "reference-unknown",
        ),
        ("POST", "/recruitment/v1/drives", {**drive, **span(now + hour, now)}, "", 422, ""),
        ("POST", f"{record}/corrections", {**why, **span(now, now - hour, times)}, "", 422, ""),
        ("POST", f"{record}/corrections", {**why, **span(now + day, now + day + hour, times)}, "", 409, stretches),
        ("POST", f"{record}/corrections", {**why, **span(now - hour, now + 30 * day, times)}, "", 409, stretches),
        ("POST", f"{attendance}/records/{stranger}/void", why, "", 404, "record-unknown"),
        (
            "GET",
            f"/recruitment/v1/reports/district?from={now.isoformat()[:19]}Z&to=2020-01-01T00:00:00Z",
            None,
            "",
            422,
            "",
        ),
        (
            "POST",
            "/points/v1/redemptions",
            {"reward_id": stranger, "site_id": ids["site_id"]},
            served,
            404,
            "reward-unknown",
        ),
        (
            "POST",
            "/points/v1/redemptions",
            {k: ids[k] for k in ("reward_id", "site_id")},
            idle,
            409,
            "insufficient-points",
        ),
        ("POST", f"/points/v1/redemptions/{stranger}/release", {}, idle, 404, "redemption-unknown"),
        ("POST", f"/notify/v1/inbox/{stranger}/read", None, idle, 404, ""),
    ]


async def test_acts_that_contradict_what_is_so_are_refused_and_change_nothing(wire: Wire, people: People) -> None:
    before = await everything(wire.stack)
    wrong: list[str] = []
    for method, path, body, token, status, type in _acts(people, await people.code()):
        found, problem = await people.ask(method, path, body, token)
        good = found == status and (not type or problem["type"] == type) and len(problem["detail"]) > 15
        if not good:
            wrong.append(f"{method} {path} {body}: {found} {problem}, not {status} {type}")
    assert not wrong, "\n".join(wrong)
    assert await everything(wire.stack) == before


async def test_a_device_is_told_row_by_row_what_its_times_lack(wire: Wire, people: People) -> None:
    now, hour = people.district.now, timedelta(hours=1)
    spans = {
        "reversed": (now, now - hour),
        "to-come": (now + 2 * hour, now + 3 * hour),
        "another-day": (now - 48 * hour, now - 47 * hour),
        "no-time": (now - hour, now - hour),
        "endless": (now - 90 * 24 * hour, now),
    }
    body: dict[str, Any] = {
        "device_id": people.ids["device_id"],
        "provenance": "kiosk",
        "measured_skew_seconds": 0,
        "records": [
            {
                "upload_id": name,
                "volunteer_number": people.ids["number"],
                "shift_id": people.ids["shift_id"],
                "started_at": start.isoformat(),
                "ended_at": end.isoformat(),
            }
            for name, (start, end) in spans.items()
        ],
    }
    body["signature"] = sign(people.ids["secret"], body)
    before = await everything(wire.stack)
    status, answer = await people.ask("POST", "/recruitment/v1/attendance/batches", body)
    assert status == 201, answer
    assert [row["upload_id"] for row in answer["refused"]] == list(spans), answer
    assert all(len(row["detail"]) > 15 for row in answer["refused"])
    after = await everything(wire.stack)
    assert [name for name in after if after[name] != before[name]] == ["recruitment.idempotency"]
    status, problem = await people.ask("POST", "/recruitment/v1/attendance/batches", {**body, "signature": "0" * 64})
    assert 400 <= status < 500, problem
    assert await everything(wire.stack) == after
