"""Processes a POST that may be sent twice exactly once.

The key, a hash of the request and the answer are stored in the transaction of the work. A refusal rolls everything back
and leaves no trace, so the same key may be tried again. Answers hold personal data: they are stored encrypted under the
key that the client chose, which itself is stored only as a hash, and are purged after a day. Sessions and secrets are
never stored (`GivenOnce`, `GIVEN_ONCE`).

Without a caller the key alone identifies the client. Such a key must be too long to be guessed, and its answer is
repeated for a few minutes and a few times only.
"""

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import Awaitable, Callable

import asyncpg
import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from shared.auth.tokens import Caller
from shared.errors import Conflict, Refusal, TooMany
from shared.http.models import storable
from shared.postgres import Database, Tx, load_queries
from shared.timers import run_timer

__all__ = ["KEPT_HOURS", "PUBLIC_REPLAYS", "PUBLIC_SECONDS", "keep_purging", "once", "purge_idempotency"]

KEPT_HOURS = 24
PUBLIC_SECONDS = 300
"""How long an answer to a request without a caller is repeated: the life of a one-time code."""
PUBLIC_REPLAYS = 5
"""How often such an answer is repeated, and a request that does not fit it is answered."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=-]{0,127}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}")
_LONG_KEY, _VARIED_KEY = 22, 8
"""22 characters of base64 hold 128 bits; a key with fewer than 8 different ones was not drawn at random."""
_SQL = load_queries(__file__)
_JSON = "application/json"
_EVENT = ("event_id", "topic", "key", "headers", "value")
_NONCE_BYTES = 12
_PURGE_SECONDS = 3600.0


async def once(
    request: Request,
    db: Database,
    caller: Caller | None,
    work: Callable[[Tx], Awaitable[BaseModel | None]],
    *,
    status: int = 201,
    restore: Callable[[Tx, bytes], Awaitable[BaseModel]] | None = None,
) -> Response:
    """Do the work and answer with its result, or repeat the answer that was given before.

    A key belongs to the caller, the method and the path. A work that returns None gives an empty 204. What is given
    once (`GivenOnce`) is null in a repeated answer, unless ``restore`` makes the answer again from the stored JSON.

    Raises:
        Refusal: no usable key (400), the key came with another request (422), its work is still going on, or its answer
            is no longer repeated (409); besides whatever the work raises.
        TooMany: the answer to a request without a caller was asked for too often (429).
        TransientError: the database is away.
    """
    scope = f"{caller.subject if caller else 'public'} {request.method} {request.url.path}"
    key, secret = _derive(scope, _key_of(request, guarded=caller is not None))
    fingerprint = _fingerprint(await request.body(), request.scope["query_string"])
    try:
        async with db.transaction() as tx:
            known = await tx.fetchrow(_SQL["claim"], scope, key)
            if known is None or not known["claimed"]:
                raise _in_progress()
            if known["status"] is None:
                tx.postponed = []
                answer = await work(tx)
                stored = b"" if answer is None else storable(answer).model_dump_json().encode()
                body = b"" if answer is None else answer.model_dump_json().encode()
                given = 204 if answer is None else status
                await _keep(tx, (scope, key, fingerprint, given, _JSON, _seal(secret, stored)))
                return _response(given, body)
            await tx.execute(_SQL["count_replay"], scope, key)
            refused = _judge(known, fingerprint, caller)
            if refused is None:
                body = _open(secret, known["body"])
                if restore is not None:
                    body = (await restore(tx, body)).model_dump_json().encode()
                return _response(known["status"], body, replayed=True)
    except asyncpg.UniqueViolationError as error:
        if error.table_name == "idempotency":
            raise _in_progress() from None
        raise
    raise refused  # after the commit, so that the replay stays counted


async def _keep(tx: Tx, answer: tuple[str, str, bytes, int, str, bytes]) -> None:
    """Store an answer, and the events of its work; a single event takes no statement of its own."""
    events, tx.postponed = tx.postponed or [], None
    if len(events) == 1:
        await tx.execute(_SQL["keep_with_event"], *answer, *events[0])
        return
    if events:
        await tx.copy("outbox", _EVENT, events)
    await tx.execute(_SQL["keep"], *answer)


async def purge_idempotency(tx: Tx) -> int:
    """Forget the answers older than `KEPT_HOURS` of real time; returns how many. Each worker's timer calls it."""
    tag = await tx.execute(_SQL["purge"], KEPT_HOURS)
    return int(tag.rpartition(" ")[2])


async def keep_purging(db: Database, stop: asyncio.Event) -> None:
    """`purge_idempotency` at once and every hour, until ``stop`` is set; for workers without a timer of their own."""

    async def purge() -> int:
        async with db.transaction() as tx:
            return await purge_idempotency(tx)

    await run_timer("answers", purge, _PURGE_SECONDS, stop)


def _key_of(request: Request, *, guarded: bool) -> str:
    key = request.headers.get("idempotency-key")
    if key is None:
        detail = "The call needs the header 'Idempotency-Key': a value of your own, new for each act, such as a UUID."
        raise Refusal("idempotency-key-missing", detail, status=400)
    if not _KEY.fullmatch(key):
        detail = (
            "An Idempotency-Key has 1 to 128 letters, digits or any of . _ : + / = - and starts with a letter or digit."
        )
        raise Refusal("idempotency-key-invalid", detail, status=400)
    if not guarded and not _unguessable(key):
        detail = (
            "Without a session the Idempotency-Key must be random: a UUID, or at least 22 random characters. "
            "Use a new one for each act."
        )
        raise Refusal("idempotency-key-guessable", detail, status=400)
    return key


def _unguessable(key: str) -> bool:
    """Whether the key has the form of at least 128 random bits."""
    digits = key.replace("-", "")
    enough = _UUID.fullmatch(key) is not None or len(key) >= _LONG_KEY
    return enough and len(set(digits)) >= _VARIED_KEY


def _fingerprint(body: bytes, query: bytes) -> bytes:
    """The hash of what is asked; the order of keys and blanks in JSON says nothing and does not count."""
    with contextlib.suppress(orjson.JSONDecodeError):
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(query + b"\n" + body).digest()


def _derive(scope: str, key: str) -> tuple[str, bytes]:
    """The stored form of the key, and the secret that only the holder of the key can derive."""
    both = f"{scope}\n{key}".encode()
    return hashlib.sha256(b"lookup\n" + both).hexdigest(), hashlib.sha256(b"secret\n" + both).digest()


def _seal(secret: bytes, body: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(secret).encrypt(nonce, body, None)


def _open(secret: bytes, sealed: bytes) -> bytes:
    return AESGCM(secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)


def _judge(known: asyncpg.Record, fingerprint: bytes, caller: Caller | None) -> Refusal | None:
    """Why a stored answer is not repeated to this request; None if it is."""
    if caller is None and known["replays"] >= PUBLIC_REPLAYS:
        detail = "The answer to this request was asked for too often. Sign in by a one-time code instead."
        return TooMany("too-many-replays", detail, retry_after=PUBLIC_SECONDS)
    if known["body_hash"] != fingerprint:
        detail = "This Idempotency-Key was already used for a different request. Use a new key for a new act."
        return Refusal("idempotency-key-reused", detail, status=422)
    if caller is None and known["age"] > PUBLIC_SECONDS:
        detail = "This request was done a while ago, and its answer is no longer repeated. Sign in by a one-time code."
        return Conflict("answer-expired", detail)
    return None


def _response(status: int, body: bytes, *, replayed: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    return Response(body, status, headers, None if status == 204 else _JSON)


def _in_progress() -> Refusal:
    detail = "The first request with this Idempotency-Key is still being worked on. Try again in a moment."
    return Refusal("request-in-progress", detail, status=409, retry_after=1)
