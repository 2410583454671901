"""Wait for what is to come, and say what it was when it doesn't."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

__all__ = ["WAIT_LIMIT", "eventually"]

T = TypeVar("T")
WAIT_LIMIT = 180.0
"""Seconds after which what is waited for does not come: so many that a busy machine is none of the reasons."""
LONGEST_PAUSE = 0.5
"""Seconds between two calls of a probe that asks for no longer ones."""


@overload
async def eventually(
    probe: Callable[[], Awaitable[T | None]], *, within: float = ..., every: float = ..., what: str = ...
) -> T: ...
@overload
async def eventually(
    probe: Callable[[], T | None], *, within: float = ..., every: float = ..., what: str = ...
) -> T: ...
async def eventually(
    probe: Callable[[], Any], *, within: float = WAIT_LIMIT, every: float = 0.02, what: str = ""
) -> Any:
    """Call `probe` until it returns something true; an AssertionError in it counts as not yet.

    The pauses between calls grow from `every` to a tenth of the time waited so far: many a probe costs more processor
    time than what it waits for.

    Raises:
        AssertionError: it didn't within `within` seconds; the last one of the probe when it raised one.
    """
    clock = asyncio.get_running_loop().time
    begun = clock()
    while True:
        failure: AssertionError | None = None
        value: Any = None
        try:
            answer = probe()
            value = await answer if inspect.isawaitable(answer) else answer
        except AssertionError as error:
            failure = error
        if value:
            return value
        waited = clock() - begun
        if waited > within:
            raise failure or AssertionError(f"{what or probe} was still {value!r} after {within} s")
        await asyncio.sleep(max(every, min(LONGEST_PAUSE, waited / 10)))
