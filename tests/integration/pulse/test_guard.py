"""What plain faust loses, and that the guard doesn't: on whichever broker BROKER names.

The first half documents faust 0.15.3. When one of its tests fails after an upgrade, faust got better, and the guard may
get simpler.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.errors import TransientError
from shared.kafka.consumer import Message
from shared.kafka.guard import GuardGaveUp, RecordGuard
from tests.support.faust_lab import Body, Lab, lab, records
from tests.support.waiting import eventually

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
            await eventually(lambda: b"3" in done, within=60)
            await asyncio.sleep(0.3)
        assert done == [b"0", b"2", b"3"]
        assert await lab.next_offset() == 4, "record 1 is lost"

    async def test_take_loses_the_batch_around_the_poison(self, lab: Lab) -> None:
        done: list[bytes] = []

        async def body(stream: Any) -> None:
            async for batch in stream.take(10, within=60):
                for value in batch:
                    if value == b"15":
                        raise RuntimeError("poison")
                done.extend(batch)

        async def lost() -> set[bytes]:
            """What was acknowledged and never done; acknowledgements follow the work."""
            return set(records(await lab.next_offset())) - set(done)

        async with lab.running(lab.app(), body):
            await lab.send(*records(30))
            await eventually(lost, within=60, every=0.2)
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
            await eventually(lambda: {"n": 2} in done, within=60)
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
            await asyncio.wait_for(working.wait(), 60)
        assert await lab.next_offset() == 1, "record 0 is lost"


@dataclass
class Work:
    """Applies records as told, and remembers."""

    fails: dict[bytes, list[Exception]] = field(default_factory=dict)
    done: list[bytes] = field(default_factory=list)
    aside: list[tuple[bytes, str]] = field(default_factory=list)
    aside_fails: list[Exception] = field(default_factory=list)
    stopped: list[BaseException] = field(default_factory=list)

    def guard(self, app: Any, **options: Any) -> RecordGuard:
        async def stop_worker(reason: BaseException) -> None:
            self.stopped.append(reason)

        return RecordGuard({}, dead_letter=self.put_aside, stop_worker=stop_worker, **options)

    def body(self, guard: RecordGuard) -> Body:
        async def run(stream: Any) -> None:
            async for event in stream.events():
                await guard.run(event, self.apply)

        return run

    async def apply(self, message: Message) -> None:
        assert message.value is not None
        waiting = self.fails.get(message.value)
        if waiting:
            raise waiting.pop(0)
        self.done.append(message.value)

    async def put_aside(self, message: Message, error: Exception) -> None:
        assert message.value is not None
        if self.aside_fails:
            raise self.aside_fails.pop(0)
        self.aside.append((message.value, str(error)))


class TestGuard:
    async def test_poison_is_put_aside_and_the_next_record_applied(self, lab: Lab) -> None:
        work = Work(fails={b"1": [ValueError("poison")], b"2": [KeyError("k")]})
        app = lab.app()
        guard = work.guard(app)
        async with lab.running(app, work.body(guard)):
            await lab.send(*records(4))
            await eventually(lambda: b"3" in work.done, within=60)
            await asyncio.sleep(0.3)
        assert work.done == [b"0", b"3"]
        assert work.aside == [(b"1", "poison"), (b"2", "'k'")]
        assert (guard.applied, guard.aside) == (2, 2)
        assert await lab.next_offset() == 4

    async def test_a_passing_trouble_is_waited_out_in_order(self, lab: Lab) -> None:
        work = Work(fails={b"1": [TransientError("away")] * 3}, aside_fails=[TransientError("away")])
        work.fails[b"2"] = [ValueError("poison")]
        app = lab.app()
        async with lab.running(app, work.body(work.guard(app))):
            await lab.send(*records(4))
            await eventually(lambda: b"3" in work.done, within=60)
        assert work.done == [b"0", b"1", b"3"]
        assert [value for value, _ in work.aside] == [b"2"]

    async def test_what_can_be_neither_applied_nor_put_aside_stops_the_worker_and_is_not_lost(self, lab: Lab) -> None:
        work = Work(fails={b"1": [ValueError("poison")]}, aside_fails=[RuntimeError("disk full")])
        app = lab.app()
        async with lab.running(app, work.body(work.guard(app))):
            await lab.send(*records(4))
            await eventually(lambda: work.stopped, within=60)
            await asyncio.sleep(0.3)
        assert isinstance(work.stopped[0], GuardGaveUp)
        assert "disk full" in str(work.stopped[0])
        assert work.done == [b"0"]
        assert await lab.next_offset() == 1

    async def test_a_trouble_that_does_not_pass_stops_the_worker(self, lab: Lab) -> None:
        work = Work(fails={b"0": [TransientError("away")] * 1000})
        app = lab.app()
        async with lab.running(app, work.body(work.guard(app, patience=0.2))):
            await lab.send(*records(2))
            await eventually(lambda: work.stopped, within=60)
        assert await lab.next_offset() == 0

    async def test_a_record_before_which_others_are_missing_stops_the_worker_and_nothing_is_acknowledged(
        self, lab: Lab
    ) -> None:
        work = Work()
        app = lab.app()
        async with lab.running(app, work.body(work.guard(app))):
            await lab.send(*records(2))
            await eventually(lambda: work.done == [b"0", b"1"], within=60)
            await app.consumer.seek(TopicPartition(lab.topic, 0), 3)
            await lab.send(b"2", b"3", b"4")
            await eventually(lambda: work.stopped, within=60)
            await asyncio.sleep(0.3)
        assert isinstance(work.stopped[0], GuardGaveUp)
        assert "skipped" in str(work.stopped[0])
        assert work.done == [b"0", b"1"]
        assert await lab.next_offset() == 2

    async def test_a_stop_in_the_middle_of_a_record_does_not_lose_it(self, lab: Lab) -> None:
        work = Work(fails={b"1": [TransientError("away")] * 1000})
        app = lab.app()
        async with lab.running(app, work.body(work.guard(app))):
            await lab.send(*records(3))
            await eventually(lambda: len(work.fails[b"1"]) < 999, within=60)
        assert work.done == [b"0"]
        assert await lab.next_offset() == 1
