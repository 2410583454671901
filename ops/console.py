"""How a command line runs its work: ended in order by a signal, errors of its own as a sentence."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console

from shared.errors import WeiguangError

__all__ = ["console", "finish"]

console = Console(stderr=True)


async def until_stopped(work: Callable[[], Awaitable[int]]) -> int:
    """Do the work, and end it in order on Ctrl-C, SIGTERM or a closed terminal (exit code 130 or 143)."""
    stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):

        def stop(number: int = number) -> None:
            if not stopped.done():
                stopped.set_result(number)

        asyncio.get_running_loop().add_signal_handler(number, stop)
    task = asyncio.ensure_future(work())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not stopped.done():
        return task.result()
    console.print("\nstopping everything …")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return 0 if stopped.result() == signal.SIGTERM else 130


def finish(work: Callable[[], Awaitable[int]]) -> None:
    """Run to the end; what is wrong with the machine or the data is said in a sentence, not in a traceback."""
    try:
        code = asyncio.run(until_stopped(work))
    except WeiguangError as error:
        console.print(f"[bold red]✗[/] {error}", highlight=False)
        code = 1
    sys.exit(code)
