"""Pauses that an event cuts short."""

import asyncio

import pytest

from shared.waiting import wait_for_event
from tests.support.waiting import WAIT_LIMIT


async def test_a_pause_ends_with_its_time_and_says_that_nothing_happened() -> None:
    assert not await wait_for_event(asyncio.Event(), 0.01)


async def test_a_pause_ends_with_its_event() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await asyncio.wait_for(wait_for_event(event, 3600), WAIT_LIMIT)
    assert await wait_for_event(event, 0)


async def test_who_is_cancelled_in_a_pause_stays_cancelled() -> None:
    task = asyncio.create_task(wait_for_event(asyncio.Event(), 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
