"""Answers without an end pass the gateway as they come, outlast its patience, and end with their reader."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tests.support.gateways import StandIn, gateway_running
from tests.support.waiting import WAIT_LIMIT

PATIENCE = 0.1
"""Seconds that the gateway waits for a whole answer of any other kind."""
PATH = "/api/operations/v1/events/stream"


class Endless:
    """A stream that sends numbers, and knows when it ended."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.resumed_behind = ""

    async def answer(self, request: Request) -> Response:
        self.resumed_behind = request.headers.get("last-event-id", "")
        return StreamingResponse(self._frames(), media_type="text/event-stream")

    async def _frames(self) -> AsyncIterator[bytes]:
        number = 0
        try:
            while True:
                number += 1
                yield b"id: %d\n\n" % number
                await asyncio.sleep(PATIENCE / 2)
        finally:
            self.ended.set()


async def test_a_stream_passes_frame_by_frame_and_ends_with_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = Endless()

    async def answer(_: StandIn, request: Request, body: bytes) -> Response:
        return await endless.answer(request)

    monkeypatch.setattr(StandIn, "answer", answer)
    async with gateway_running(upstream_timeout_seconds=PATIENCE) as setting:
        headers = {"last-event-id": "41"}
        async with asyncio.timeout(60), setting.client.stream("GET", PATH, headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            seen = b""
            async for part in response.aiter_raw():
                seen += part
                if b"id: 6\n" in seen:
                    break
        assert endless.resumed_behind == "41"
        await asyncio.wait_for(endless.ended.wait(), WAIT_LIMIT)
    assert seen.startswith(b"id: 1\n\nid: 2\n\n")


async def test_the_pulse_is_the_gateways_own_and_other_paths_of_operations_are_not() -> None:
    async with gateway_running() as setting:
        answer = await setting.client.get("/api/operations/v1/topics")
        assert answer.status_code == 200
        assert [path for _, path, _, _ in setting.upstream.seen] == ["/api/operations/v1/topics"]
