"""Waiting for an event, but not for ever: a pause that a stop or a wake-up cuts short."""

import asyncio

__all__ = ["set_within"]


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until ``event`` is set, at most so many seconds; returns whether it is."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return event.is_set()
    return True
