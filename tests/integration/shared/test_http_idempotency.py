"""A POST that is sent twice happens once, on a real database."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest
import structlog

from shared.errors import Conflict, TransientError
from shared.http.idempotency import keep_purging, purge_idempotency
from shared.postgres import Database
from tests.integration.shared.repeating import Works, bearer, happened, keyed, make_app
from tests.support.waiting import eventually


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


async def test_the_same_request_twice_happens_once(client: httpx.AsyncClient, notify_db: Database) -> None:
    headers = keyed() | bearer()
    first = await client.post("/notes", json={"text": "微光"}, headers=headers)
    again = await client.post("/notes", json={"text": "微光"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["content-type"] == again.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await happened(notify_db) == (1, 1)


async def test_order_of_keys_and_blanks_do_not_make_another_request(
    client: httpx.AsyncClient, notify_db: Database
) -> None:
    headers = keyed() | bearer() | {"Content-Type": "application/json"}
    first = await client.post("/notes", content=b'{"text": "a", "repeat": 2}', headers=headers)
    again = await client.post("/notes", content=b'{"repeat":2,"text":"a"}', headers=headers)
    assert first.content == again.content
    assert await happened(notify_db) == (1, 1)


async def test_an_empty_answer_is_replayed_too(client: httpx.AsyncClient, notify_db: Database) -> None:
    headers = keyed() | bearer()
    answers = [await client.post("/notes", json={"text": ""}, headers=headers) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert await happened(notify_db) == (1, 1)


@pytest.mark.parametrize(("path", "body"), [("/notes", {"text": "other"}), ("/notes?x=1", {"text": "one"})])
async def test_the_same_key_with_another_request_is_refused(
    client: httpx.AsyncClient, notify_db: Database, path: str, body: dict[str, str]
) -> None:
    headers = keyed() | bearer()
    assert (await client.post("/notes", json={"text": "one"}, headers=headers)).status_code == 201
    answer = await client.post(path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "idempotency-key-reused")
    assert await happened(notify_db) == (1, 1)


async def test_keys_belong_to_their_caller_and_path(client: httpx.AsyncClient, notify_db: Database) -> None:
    headers = keyed("the-same-key-for-all-4-callers")
    body = {"text": "mine"}
    answers = [
        await client.post("/notes", json=body, headers=headers | bearer()),
        await client.post("/notes", json=body, headers=headers | bearer()),
        await client.post("/open-notes", json=body, headers=headers | bearer()),
        await client.post("/open-notes", json=body, headers=headers),
    ]
    assert len({answer.json()["note_id"] for answer in answers}) == 4
    assert await happened(notify_db) == (4, 4)


@pytest.mark.parametrize(
    ("headers", "type"),
    [
        ({}, "idempotency-key-missing"),
        ({"Idempotency-Key": ""}, "idempotency-key-invalid"),
        ({"Idempotency-Key": "x" * 129}, "idempotency-key-invalid"),
        ({"Idempotency-Key": "a b"}, "idempotency-key-invalid"),
        ({"Idempotency-Key": "é"}, "idempotency-key-invalid"),
    ],
)
async def test_an_unusable_key_is_refused(
    client: httpx.AsyncClient, notify_db: Database, headers: dict[str, str], type: str
) -> None:
    sent = [(name.encode(), value.encode()) for name, value in (headers | bearer()).items()]
    answer = await client.post("/notes", json={"text": "a"}, headers=sent)
    assert (answer.status_code, answer.json()["type"]) == (400, type)
    assert await happened(notify_db) == (0, 0)


async def test_while_the_first_is_at_work_the_second_is_told_so(
    client: httpx.AsyncClient, notify_db: Database, works: Works
) -> None:
    works.gate.clear()
    headers = keyed() | bearer()
    first = asyncio.create_task(client.post("/notes", json={"text": "a"}, headers=headers))
    while not works.started:
        await asyncio.sleep(0.001)
    async with asyncio.timeout(60):
        second = await client.post("/notes", json={"text": "a"}, headers=headers)
    assert (second.status_code, second.json()["type"]) == (409, "request-in-progress")
    assert second.headers["retry-after"] == "1"
    other = await client.post("/notes", json={"text": ""}, headers=headers)
    assert other.status_code == 409, "which body came is not looked at while the first is at work"
    works.gate.set()
    assert (await first).status_code == 201
    third = await client.post("/notes", json={"text": "a"}, headers=headers)
    assert third.content == (await first).content
    assert await happened(notify_db) == (1, 1)


async def test_of_many_at_once_one_works_and_all_agree(client: httpx.AsyncClient, notify_db: Database) -> None:
    for _ in range(10):
        headers = keyed() | bearer()
        answers = await asyncio.gather(*(client.post("/notes", json={"text": "a"}, headers=headers) for _ in range(12)))
        given = {answer.content for answer in answers if answer.status_code == 201}
        assert len(given) == 1
        assert {answer.status_code for answer in answers} <= {201, 409}
    assert await happened(notify_db) == (10, 10)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Conflict("shift-full", "The shift is full."), 409),
        (TransientError("away"), 503),
        (RuntimeError("bug"), 500),
        (asyncpg.UniqueViolationError("of the work's own"), 409),
    ],
)
async def test_an_error_leaves_no_trace_and_the_key_may_be_tried_again(
    client: httpx.AsyncClient, notify_db: Database, works: Works, error: Exception, status: int
) -> None:
    headers = keyed() | bearer()
    works.fail = error
    assert (await client.post("/notes", json={"text": "a"}, headers=headers)).status_code == status
    assert await happened(notify_db) == (0, 0)
    works.fail = None
    assert (await client.post("/notes", json={"text": "b"}, headers=headers)).status_code == 201
    assert await happened(notify_db) == (1, 1)


async def test_a_client_that_goes_away_leaves_no_trace(
    client: httpx.AsyncClient, notify_db: Database, works: Works
) -> None:
    works.gate.clear()
    headers = keyed() | bearer()
    task = asyncio.create_task(client.post("/notes", json={"text": "a"}, headers=headers))
    while not works.started:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    works.gate.set()
    assert await happened(notify_db) == (0, 0)
    assert (await client.post("/notes", json={"text": "a"}, headers=headers)).status_code == 201


async def test_the_table_holds_neither_keys_nor_answers_in_the_clear(
    client: httpx.AsyncClient, notify_db: Database
) -> None:
    await client.post("/notes", json={"text": "王芳 13812345678"}, headers=keyed("my-secret-key") | bearer())
    row = await notify_db.pool.fetchrow("select * from idempotency")
    assert row is not None
    stored = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
    for secret in ("王芳", "13812345678", "my-secret-key", "note_id"):
        assert secret.encode() not in stored


async def test_answers_are_forgotten_after_a_day(client: httpx.AsyncClient, notify_db: Database) -> None:
    old, new = keyed() | bearer(), keyed() | bearer()
    await client.post("/notes", json={"text": "old"}, headers=old)
    await notify_db.pool.execute("update idempotency set created_at = created_at - interval '24 hours 1 second'")
    await client.post("/notes", json={"text": "new"}, headers=new)
    async with notify_db.transaction() as tx:
        assert await purge_idempotency(tx) == 1
        assert await purge_idempotency(tx) == 0
    assert (await client.post("/notes", json={"text": "new"}, headers=new)).headers["idempotency-replayed"] == "true"
    assert await happened(notify_db) == (2, 1)


async def test_a_worker_keeps_forgetting_until_it_is_stopped(client: httpx.AsyncClient, notify_db: Database) -> None:
    await client.post("/notes", json={"text": "old"}, headers=keyed() | bearer())
    await notify_db.pool.execute("update idempotency set created_at = created_at - interval '25 hours'")
    stop = asyncio.Event()
    task = asyncio.create_task(keep_purging(notify_db, stop))

    async def forgotten() -> bool:
        return await happened(notify_db) == (1, 0)

    await eventually(forgotten)
    stop.set()
    async with asyncio.timeout(60):
        await task
