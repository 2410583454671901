"""Whatever the APIs are sent by what they describe, they answer as they describe, and never with a 500.

Schemathesis makes the requests from each service's own document, for three roles, in breadth for one of them by turns;
the seed is fixed.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
import pytest
import structlog
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator

from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from shared.settings import Settings
from tests.support.databases import TestDatabase
from tests.support.depth import examples, part_of
from tests.support.factories import FACTORIES, whole_api
from tests.support.settings import SECRETS, SettingsFactory
from tests.support.waiting import WAIT_LIMIT

ROLES = (Role.STATION, Role.OPERATOR, Role.VOLUNTEER)
EXAMPLES = examples(20, 2)
MINTING = Settings(service="recruitment", environment="test", auth_signing_key=SECRETS.signing_keys["recruitment"])
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own: hypothesis calls synchronously, the app lives in one loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_LIMIT)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@contextmanager
def served(app: FastAPI) -> Iterator[tuple[Loop, httpx.AsyncClient]]:
    loop = Loop()
    lifespan = app.router.lifespan_context(app)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test")
    loop.run(lifespan.__aenter__())
    try:
        yield loop, client
    finally:
        loop.run(client.aclose())
        loop.run(lifespan.__aexit__(None, None, None))
        loop.close()


def token(role: Role, volunteer: bool) -> dict[str, str]:
    subject = new_id()
    caller = Caller(
        subject=subject,
        roles=frozenset({role}),
        volunteer_id=subject if volunteer else None,
        site_ids=frozenset() if volunteer else None,
    )
    return {"Authorization": f"Bearer {mint(MINTING, caller)}"}


def fault(document: dict[str, Any], case: Any, answer: httpx.Response) -> str | None:
    """Why an answer is not one that the document describes; None if it is."""
    said = f"{case.method} {case.path} → {answer.status_code} {answer.text[:300]}"
    if answer.status_code >= 500:
        return said
    responses = document["paths"][case.operation.path][case.method.lower()]["responses"]
    described = responses.get(str(answer.status_code)) or responses["default"]
    if answer.status_code < 400 and str(answer.status_code) not in responses:
        return f"{said}: the status is not described"
    content = described.get("content", {})
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not content:
        return None if not answer.content else f"{said}: described as empty"
    if kind not in content:
        return f"{said}: {kind} is not described"
    schema = content[kind].get("schema")
    if schema and kind.endswith("json"):
        whole = {**schema, "components": document["components"]}
        for error in Draft202012Validator(whole).iter_errors(answer.json()):
            return f"{said}: {error.json_path} {error.message[:200]}"
    return None


@pytest.mark.slow
@pytest.mark.grows
@pytest.mark.parametrize("service", sorted(FACTORIES))
def test_answers_are_as_described(service: str, settings_for: SettingsFactory, test_database: TestDatabase) -> None:
    # Every session imports this module, and schemathesis takes as long to import as a service.
    import schemathesis
    from schemathesis.core.result import Ok

    faults: list[str] = []
    asking: list[dict[str, str]] = []
    tokens = [token(role, role is Role.VOLUNTEER) for role in ROLES]
    with (
        whole_api(service, settings_for(service)) as app,
        served(app) as (loop, client),
        structlog.testing.capture_logs(),
    ):
        document = app.openapi()
        for turn, found in enumerate(schemathesis.openapi.from_dict(document).get_all_operations()):
            assert isinstance(found, Ok), "an operation whose description is no OpenAPI"
            operation = found.ok()
            asking[:] = part_of(tokens, turn)

            @BOUNDED
            @given(case=operation.as_strategy())
            def ask(case: Any) -> None:
                sent = case.as_transport_kwargs(base_url="http://test")
                for headers in asking:
                    given_headers = {**dict(sent.get("headers") or {}), **headers}
                    request = client.build_request(
                        sent["method"],
                        sent["url"],
                        params=sent.get("params"),
                        headers=given_headers,
                        json=sent.get("json"),
                        content=sent.get("data"),
                    )
                    wrong = fault(document, case, loop.run(client.send(request)))
                    if wrong is not None:
                        faults.append(wrong)

            ask()
    assert not faults, "\n".join(sorted(set(faults))[:40])
