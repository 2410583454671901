"""The limit of a check-in: ``python -m dev.bench.http.bare``, a bare FastAPI route with the statements of the real one.

One transaction on a pool, values as they come, no token, rule or refusal.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel

from services.recruitment import attendance
from shared import http
from shared.ids import new_id
from shared.postgres import load_queries

__all__ = ["main"]

_ATTENDANCE = load_queries(str(Path(attendance.__file__).with_name("store.py")))
_HTTP = load_queries(str(Path(http.__file__).with_name("idempotency.py")))


class BareIn(BaseModel):
    """As the real check-in is asked for, and the volunteer, whom there a token names."""

    shift_id: UUID
    code: str
    volunteer_id: UUID


async def _check_in(tx: Any, body: BareIn, key: str) -> dict[str, Any]:
    scope = f"{body.volunteer_id} POST /check-ins"
    await tx.fetchrow(_HTTP["claim"], scope, key)
    await tx.fetchrow(_ATTENDANCE["lock_volunteer"], body.volunteer_id)
    place = await tx.fetchrow(_ATTENDANCE["find_place"], body.shift_id, body.volunteer_id)
    now = place["now"]
    record_id = new_id()
    record = [
        record_id, 1, body.volunteer_id, place["activity_id"], body.shift_id, place["site_id"], place["team_id"], None,
        place["theme"], place["kind"], "scanned", None, "provisional", now, None, 0, 120, None, None, None, "none",
        None, 0, None, "check_in", body.volunteer_id, None,
    ]  # fmt: skip
    await tx.fetchval(_ATTENDANCE["save_revision"], *record, now)
    answer = {"record_id": str(record_id), "started_at": now.isoformat()}
    kept = (scope, key, b"", 201, "application/json", orjson.dumps(answer))
    await tx.execute(_HTTP["keep_with_event"], *kept, *_event(record, now))
    return answer


def _event(record: list[Any], now: datetime) -> tuple[UUID, str, str, str, bytes]:
    names = (
        "record_id", "revision", "volunteer_id", "activity_id", "shift_id", "site_id", "team_id", "drive_id", "theme",
        "kind", "provenance", "closed_by", "status", "started_at", "ended_at", "minutes", "planned_minutes",
        "recorded_by", "recorder_site_id", "device_ref", "approval_level", "distance_m",
    )  # fmt: skip
    event_id = new_id()
    headers = {
        "ce_specversion": "1.0", "ce_id": str(event_id), "ce_type": "volunteering.attendance.recorded.v1",
        "ce_source": "bench", "ce_subject": str(record[2]), "ce_time": now.isoformat(),
        "ce_aggregateid": str(record[0]), "ce_aggregateversion": "1",
        "ce_correlationid": str(event_id), "content-type": "application/json",
    }  # fmt: skip
    value = orjson.dumps(dict(zip(names, record, strict=False)), default=str)
    return event_id, "attendance", str(record[2]), orjson.dumps(headers).decode(), value


def _app(dsn: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            dsn, min_size=10, max_size=10, server_settings={"search_path": "recruitment"}
        ) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/check-ins", status_code=201)
    async def check_in(request: Request, body: BareIn) -> dict[str, Any]:
        key = request.headers["idempotency-key"]
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            return await _check_in(connection, body, key)

    return app


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    uvicorn.run(_app(chosen.dsn), host="127.0.0.1", port=chosen.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
