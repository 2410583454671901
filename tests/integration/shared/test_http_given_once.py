"""What a stored answer does not hold, and how long a stranger may ask for one."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.http.idempotency import PUBLIC_REPLAYS, PUBLIC_SECONDS
from shared.postgres import Database
from tests.integration.shared.repeating import Works, bearer, happened, keyed, make_app
from tests.support.databases import TestDatabase


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Formatting the tracebacks of planted errors takes longer than the tests."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def works() -> Works:
    return Works()


@pytest.fixture
async def client(notify_db: Database, works: Works) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(notify_db, works)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("schema", ["recruitment", "points", "notify", "operations"])
async def test_the_auditor_does_not_read_stored_answers(
    notify_db: Database, points_db: Database, recruitment_db: Database, test_database: TestDatabase, schema: str
) -> None:
    conn = await asyncpg.connect(test_database.dsn_for("auditor"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.fetchrow(f"select * from {schema}.idempotency")
    finally:
        await conn.close()


def opened(key: str, row: asyncpg.Record, path: str) -> dict[str, Any]:
    """The stored answer, opened as a holder of the key could open it."""
    secret = hashlib.sha256(f"secret\npublic POST {path}\n{key}".encode()).digest()
    plain: dict[str, Any] = json.loads(AESGCM(secret).decrypt(row["body"][:12], row["body"][12:], None))
    return plain


async def test_what_is_given_once_is_in_the_first_answer_only(
    client: httpx.AsyncClient, notify_db: Database, works: Works
) -> None:
    headers = keyed()
    first = await client.post("/sessions", json={"text": "a"}, headers=headers)
    again = await client.post("/sessions", json={"text": "a"}, headers=headers)
    assert first.json()["session"] == {"token": "open-sesame"}
    assert first.json()["pin"] == "1234"
    assert first.json()["more"] == [{"session": {"token": "open-sesame"}, "pin": None, "more": []}]
    assert again.json() == first.json() | {
        "session": None,
        "pin": None,
        "more": [{"session": None, "pin": None, "more": []}],
    }
    row = await notify_db.pool.fetchrow("select * from idempotency")
    assert row is not None
    assert opened(headers["Idempotency-Key"], row, "/sessions") == again.json()


async def test_an_answer_that_is_given_once_as_a_whole_is_not_sent(
    client: httpx.AsyncClient, notify_db: Database
) -> None:
    answer = await client.post("/bare-sessions", json={"text": "a"}, headers=keyed())
    assert answer.status_code == 500
    assert await happened(notify_db) == (0, 0)


async def test_a_route_may_make_what_was_given_once_again(client: httpx.AsyncClient, notify_db: Database) -> None:
    headers = keyed() | bearer()
    first = await client.post("/restored", json={"text": "a"}, headers=headers)
    again = await client.post("/restored", json={"text": "a"}, headers=headers)
    assert (first.json()["pin"], again.json()["pin"]) == ("1234", "again")
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    "key", ["claim-123456", "1", "0" * 40, "abababababababababababababab", "00000000-0000-0000-0000-000000000001"]
)
async def test_without_a_caller_a_key_that_can_be_guessed_is_refused(
    client: httpx.AsyncClient, notify_db: Database, key: str
) -> None:
    answer = await client.post("/open-notes", json={"text": "a"}, headers=keyed(key))
    assert (answer.status_code, answer.json()["type"]) == (400, "idempotency-key-guessable")
    assert await happened(notify_db) == (0, 0)
    known = await client.post("/open-notes", json={"text": "a"}, headers=keyed(key) | bearer())
    assert known.status_code == 202, "a caller's keys are their own"


async def test_without_a_caller_an_answer_is_repeated_a_few_times_only(
    client: httpx.AsyncClient, notify_db: Database
) -> None:
    headers = keyed()
    given = [await client.post("/open-notes", json={"text": "a"}, headers=headers) for _ in range(PUBLIC_REPLAYS + 2)]
    assert [answer.status_code for answer in given] == [202] * (PUBLIC_REPLAYS + 1) + [429]
    assert given[-1].json()["type"] == "too-many-replays"
    assert given[-1].headers["retry-after"]


async def test_without_a_caller_requests_that_do_not_fit_the_answer_are_counted_too(
    client: httpx.AsyncClient, notify_db: Database
) -> None:
    headers = keyed()
    assert (await client.post("/open-notes", json={"text": "a"}, headers=headers)).status_code == 202
    tried = [await client.post("/open-notes", json={"text": f"{n}"}, headers=headers) for n in range(PUBLIC_REPLAYS)]
    assert {answer.status_code for answer in tried} == {422}
    right = await client.post("/open-notes", json={"text": "a"}, headers=headers)
    assert right.status_code == 429


async def test_without_a_caller_an_answer_is_not_repeated_after_the_life_of_a_code(
    client: httpx.AsyncClient, notify_db: Database
) -> None:
    open_one, own = keyed(), keyed() | bearer()
    await client.post("/open-notes", json={"text": "a"}, headers=open_one)
    await client.post("/notes", json={"text": "a"}, headers=own)
    await notify_db.pool.execute(
        "update idempotency set created_at = created_at - make_interval(secs => $1)", PUBLIC_SECONDS
    )
    late = await client.post("/open-notes", json={"text": "a"}, headers=open_one)
    assert (late.status_code, late.json()["type"]) == (409, "answer-expired")
    assert (await client.post("/notes", json={"text": "a"}, headers=own)).headers["idempotency-replayed"] == "true"
    assert await happened(notify_db) == (2, 2)
