"""What plain faust 0.15.3 loses: why nothing exact runs on it. On the broker that BROKER names."""

import asyncio
from typing import Any

import pytest

from tests.support.faust_lab import Lab, lab, records
from tests.support.waiting import WAIT_LIMIT, eventually

__all__ = ["lab"]

pytestmark = pytest.mark.broker


class TestPlainFaust:
    async def test_an_exception_in_a_body_acknowledges_the_record_that_raised_it(self, lab: Lab) -> None:
        done: list[bytes] = []

        async def body(stream: Any) -> None:
            async for value in stream:
                if value == b"1":
                    raise RuntimeError("poison")
                done.append(value)

        async with lab.running(lab.app(), body):
            await lab.send(*records(4))
            await eventually(lambda: b"3" in done)
            await asyncio.sleep(0.3)
        assert done == [b"0", b"2", b"3"]
        assert await lab.next_offset() == 4, "record 1 is lost"

    async def test_take_loses_the_batch_around_the_poison(self, lab: Lab) -> None:
        done: list[bytes] = []

        async def body(stream: Any) -> None:
            async for batch in stream.take(10, within=WAIT_LIMIT):
                for value in batch:
                    if value == b"15":
                        raise RuntimeError("poison")
                done.extend(batch)

        async def lost() -> set[bytes]:
            """What was acknowledged and never done; acknowledgements follow the work."""
            return set(records(await lab.next_offset())) - set(done)

        async with lab.running(lab.app(), body):
            await lab.send(*records(30))
            await eventually(lost, every=0.2)
        missing = await lost()
        assert b"15" in missing
        assert len(missing) > 1, "innocent records around it are lost with it"

    async def test_a_value_that_the_codec_cannot_read_is_acknowledged(self, lab: Lab) -> None:
        done: list[Any] = []

        async def body(stream: Any) -> None:
            async for value in stream:
                done.append(value)

        app = lab.app()
        async with lab.running(app, body, lab.source(app, None, "json")):
            await lab.send(b'{"n": 0}', b"{broken", b'{"n": 2}')
            await eventually(lambda: {"n": 2} in done)
            await asyncio.sleep(0.3)
        assert done == [{"n": 0}, {"n": 2}]
        assert await lab.next_offset() == 3, "the broken record is lost, and nobody was told"

    async def test_a_stop_acknowledges_what_the_body_was_working_on(self, lab: Lab) -> None:
        working = asyncio.Event()

        async def body(stream: Any) -> None:
            async for _ in stream:
                working.set()
                await asyncio.Event().wait()

        async with lab.running(lab.app(), body):
            await lab.send(b"0")
            await asyncio.wait_for(working.wait(), WAIT_LIMIT)
        assert await lab.next_offset() == 1, "record 0 is lost"
