"""Every route of every service, with every role and with hostile input: no 5xx, and a refusal changes nothing."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from fastapi import FastAPI

from shared.auth.tokens import Caller, Role, mint
from shared.http.routes import walk_routes
from shared.ids import new_id
from shared.postgres import Database
from shared.settings import Settings
from tests.support.databases import TestDatabase
from tests.support.depth import part_of
from tests.support.factories import FACTORIES, whole_api
from tests.support.openapi import Call, calls_of, hostile_calls
from tests.support.settings import SettingsFactory

ORDER = (
    Role.OPERATOR,
    Role.VOLUNTEER,
    Role.STATION,
    Role.LEADER,
    Role.RESIDENT,
    Role.ENGINEER,
    Role.AUDITOR,
    Role.SERVICE,
    Role.ENROLLING,
)
COUNTS = "select (select count(*) from outbox), (select count(*) from idempotency)"


@dataclass(frozen=True, slots=True)
class Service:
    """A service's app on a database of its own, and its callers."""

    app: FastAPI
    database: Database
    client: httpx.AsyncClient
    signers: Mapping[str, Settings]
    known: dict[str, str] = field(default_factory=dict)

    def token(self, role: Role) -> dict[str, str]:
        """Somebody of the centre with the role."""
        signer = self.signers["notify" if role is Role.SERVICE else "recruitment"]
        subject = (
            UUID(self.known["volunteer_id"]) if role is Role.VOLUNTEER and "volunteer_id" in self.known else uuid4()
        )
        own = subject if role is Role.VOLUNTEER else None
        caller = Caller(subject=subject, roles=frozenset({role}), volunteer_id=own, site_ids=None)
        return {"Authorization": f"Bearer {mint(signer, caller)}"}

    async def send(self, call: Call, headers: dict[str, str]) -> httpx.Response:
        keyed = {**headers, "Idempotency-Key": str(new_id())}
        json = {} if call.body is None else {"json": call.body}
        return await self.client.request(call.method, call.url, params=call.query, headers=keyed, **json)

    async def learn(self) -> None:
        """Call everything as an operator until no answer tells of a new thing, so that ids in later calls exist."""
        before, answered = -1, set[tuple[str, str]]()
        while len(self.known) > before:
            before = len(self.known)
            for call, allowed in self.calls():
                if call.template.endswith(("/close", "/revoke", "/void", "/cancel", "/logout")):
                    continue  # what is learnt should stay usable
                if (allowed is None or Role.OPERATOR in allowed) and (call.method, call.template) not in answered:
                    await self._learn_of(call, answered)

    async def _learn_of(self, call: Call, answered: set[tuple[str, str]]) -> None:
        for attempt in (call, call.lean):
            answer = await self.send(attempt, self.token(Role.OPERATOR))
            if not answer.is_success:
                continue
            if answer.content.startswith((b"{", b"[")):
                _ids_of(answer.json(), self.known)
            if call.method != "GET":  # lists grow with what others make
                answered.add((call.method, call.template))
            return

    async def counts(self) -> tuple[int, int]:
        return tuple(await self.database.pool.fetchrow(COUNTS))

    def calls(self) -> list[tuple[Call, frozenset[Role] | None]]:
        """A plausible call of every route below /api, with who may make it."""
        roles = {(route.method, route.path): route.roles for route in walk_routes(self.app)}
        described = {(call.method, call.template): call for call in calls_of(self.app.openapi(), self.known)}
        own = {route for route in roles if route[1].startswith("/api/")}
        assert own <= set(described), "a route that its description hides is not walked"
        return [(described[route], roles[route]) for route in sorted(own)]


def _ids_of(value: Any, known: dict[str, str]) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str) and name.endswith("_id"):
                known.setdefault(name, item)
                if name == "site_id":
                    known.setdefault("parent_id", item)
            _ids_of(item, known)
    elif isinstance(value, list):
        for item in value[:3]:
            _ids_of(item, known)


@pytest.fixture(params=FACTORIES)
async def service(
    request: pytest.FixtureRequest, settings_for: SettingsFactory, test_database: TestDatabase
) -> AsyncIterator[Service]:
    name = request.param
    with structlog.testing.capture_logs(), whole_api(name, settings_for(name)) as app:
        async with (
            app.router.lifespan_context(app),
            test_database.connect(name, size=1) as database,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
        ):
            signers = {issuer: settings_for(issuer) for issuer in ("recruitment", "notify")}
            yield Service(app, database, client, signers)


def _callers(allowed: frozenset[Role] | None, turn: int) -> list[Role | None]:
    """A stranger, all who may call, and of the others all in depth, a third in breadth."""
    others = [role for role in Role if allowed is None or role not in allowed]
    return [None, *(role for role in Role if role not in others), *part_of(others, turn)]


async def test_every_route_lets_in_its_roles_and_nobody_else(service: Service) -> None:
    wrong: list[str] = []
    for turn, (call, allowed) in enumerate(service.calls()):
        for role in _callers(allowed, turn):
            answer = await service.send(call, {} if role is None else service.token(role))
            type = answer.json().get("type") if "problem" in answer.headers.get("content-type", "") else None
            refused = answer.status_code == 401 or (answer.status_code, type) == (403, "role-not-allowed")
            may = allowed is None or role in allowed
            expected_401 = role is None and not may
            if may and refused and not (allowed is None and answer.status_code == 401):
                wrong.append(f"{call.method} {call.template} refuses {role}: {answer.text[:200]}")
            if not may and (not refused or (answer.status_code == 401) != expected_401):
                wrong.append(f"{call.method} {call.template} answers {role} with {answer.status_code}")
    assert not wrong, "\n".join(wrong)


async def test_no_route_ignores_a_parameter_that_it_does_not_have(service: Service) -> None:
    wrong: list[str] = []
    for call, allowed in service.calls():
        headers = service.token(min(allowed, key=ORDER.index)) if allowed else {}
        answer = await service.send(replace(call, query={**call.query, "no_such_filter": "1"}), headers)
        if (answer.status_code, answer.json().get("parameter")) != (422, "no_such_filter"):
            wrong.append(f"{call.method} {call.template}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


async def test_no_post_succeeds_without_a_key(service: Service) -> None:
    wrong: list[str] = []
    refused = posts = 0
    for call, allowed in service.calls():
        if (
            call.method != "POST"
            or "/auth/" in call.template
            or call.template.endswith(("/tickets", "/claims", "/digests", "/numbers", "/search"))
        ):
            continue
        posts += 1
        headers = service.token(min(allowed, key=ORDER.index)) if allowed else {}
        answer = await service.client.request("POST", call.url, json=call.body, headers=headers)
        refused += answer.status_code == 400 and answer.json()["type"] == "idempotency-key-missing"
        if answer.status_code < 400:
            wrong.append(f"{call.template}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert refused or not posts, "what else kept them from succeeding says nothing about keys"


@pytest.mark.grows
async def test_no_hostile_value_breaks_a_route_or_leaves_a_trace(service: Service) -> None:
    await service.learn()
    wrong: list[str] = []
    sent = done = 0
    after = await service.counts()
    for turn, (call, allowed) in enumerate(service.calls()):
        headers = service.token(min(allowed, key=ORDER.index)) if allowed else {}
        for hostile in part_of(list(hostile_calls(call)), turn, 18):
            sent += 1
            before = after
            answer = await service.send(hostile, headers)
            if answer.status_code >= 500 or b'"value-not-storable"' in answer.content:
                wrong.append(f"{call.method} {call.template} {hostile.changed}: {answer.text[:160]}")
            after = await service.counts()
            if answer.status_code in range(400, 500) and after != before:
                wrong.append(f"{call.method} {call.template} {hostile.changed}: refused and left a trace")
            done += answer.is_success
    assert not wrong, f"{len(wrong)} of {sent}\n" + "\n".join(wrong[:60])
    assert done, "if everything is refused at the door, nothing behind it was tried"
