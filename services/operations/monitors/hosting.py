"""The monitors in the agents' process: an agent that keeps the beats, and a timer that judges."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from services.operations.monitors import handlers
from services.operations.monitors.domain import MONITORS
from services.operations.monitors.handlers import Verdict
from services.operations.monitors.stream import beat_of
from services.operations.settings import OperationsSettings
from shared.clock import real_now
from shared.kafka.faust_messages import message_of
from shared.postgres import Database
from shared.telemetry import metrics

__all__ = ["JUDGE_SECONDS", "watch_streams"]

log = structlog.get_logger(__name__)
JUDGE_SECONDS = 5.0


def watch_streams(
    app: Any,
    beats: Any,
    connected: Callable[[], Database],
    settings: OperationsSettings,
    handled: Callable[[Any], None],
) -> None:
    """Add the agent and the timer to a faust app.

    Args:
        beats: the topic of the beats, whose records stay bytes.
        handled: counts each record of the agent.
    """
    entities = dict.fromkeys(beats.topics, "beats")

    async def note(stream: Any) -> None:
        async for event in stream.events():
            handled(event.message)
            try:
                beat = beat_of(message_of(event.message, entities))
                if beat is not None:
                    await handlers.note_beat(connected(), beat)
            except Exception as error:  # noqa: BLE001 - an exception that leaves the body ends the agent
                log.warning("beat.ignored", error=repr(error))

    async def judge() -> None:
        try:
            report(await handlers.judge_all(connected(), real_now(), settings.broker_incarnation))
        except Exception as error:  # noqa: BLE001 - the next time judges the same readings
            log.warning("monitors.not_judged", error=repr(error))

    app.agent(beats, name="beats")(note)
    app.timer(JUDGE_SECONDS)(judge)


def report(verdict: Verdict) -> None:
    """Log what was raised and cleared, and set the metrics."""
    for one in verdict.news:
        say = log.warning if one.raised else log.info
        say(
            "alert.raised" if one.raised else "alert.cleared",
            monitor=one.monitor,
            subject=one.subject,
            reading=one.reading,
        )
    for monitor in MONITORS:
        metrics.ALERTS_OPEN.labels(monitor).set(verdict.open_alerts.get(monitor, 0))
    metrics.MONITORS_JUDGED.set(time.time())
