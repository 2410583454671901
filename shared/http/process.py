"""The life of a process: signals become an event, and the exit code says how it ended."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog
import uvloop

__all__ = [
    "EXIT_FAILED",
    "EXIT_OK",
    "STOP_SECONDS",
    "exit_code_of",
    "force_exit_after",
    "freeze_startup_objects",
    "run_role",
]

EXIT_OK, EXIT_FAILED = 0, 1
STOP_SECONDS = 8.0
"""How long a role may take to stop before it is cancelled."""
START_SECONDS = 10.0
"""After so long a process has started."""
_log = structlog.get_logger(__name__)


def freeze_startup_objects(loop: asyncio.AbstractEventLoop) -> None:
    """Exclude start-up objects from garbage collection.

    Hundreds of thousands of objects of modules and models
    stay for good; scanning them stops the process for a tenth of a second. So they are collected now, before
    requests arrive, and once more when the process has started.
    """
    gc.collect()
    gc.freeze()
    loop.call_later(START_SECONDS, gc.freeze)


def run_role(main: Callable[[asyncio.Event], Awaitable[None]]) -> NoReturn:
    """Run a role until it ends or SIGTERM or SIGINT asks it to, then exit the process.

    ``main`` gets the event that a signal sets, and ends soon after. The exit code is 0 after an orderly end, the
    ``exit_code`` of the error where it has one (the watchdog's is 70), else 1. A second signal cancels it, and
    so does `STOP_SECONDS` without an end.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_supervise(main))
    sys.stdout.flush()
    sys.stderr.flush()
    raise SystemExit(code)


async def _supervise(main: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    stop = asyncio.Event()
    task = asyncio.ensure_future(main(stop))
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            task.cancel()
            return
        _log.info("process.stopping", signal=signal.Signals(number).name)
        stop.set()
        loop.call_later(STOP_SECONDS, task.cancel)
        force_exit_after(STOP_SECONDS + 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    freeze_startup_objects(loop)
    try:
        await task
    except asyncio.CancelledError:
        _log.error("process.cancelled")
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  the last line of defence: say why and end
        _log.error("process.failed", error=type(error).__name__, exc_info=error)
        return exit_code_of(error)
    return EXIT_OK


def exit_code_of(error: BaseException) -> int:
    """The exit code that the error asks for; of a group (tasks that ran side by side) the first that asks."""
    if isinstance(error, BaseExceptionGroup):
        codes = [exit_code_of(inner) for inner in error.exceptions]
        return next((code for code in codes if code != EXIT_FAILED), EXIT_FAILED)
    return int(getattr(error, "exit_code", EXIT_FAILED))


def force_exit_after(seconds: float) -> None:
    """End the process even if its loop is blocked or a thread doesn't return."""
    timer = threading.Timer(seconds, os._exit, (EXIT_FAILED,))
    timer.daemon = True
    timer.start()
