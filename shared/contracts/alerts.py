"""Alerts of the monitors over the streams: codes, ids and figures, no text that a person typed."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Contract, Instant

__all__ = ["AlertCleared", "AlertRaised", "MonitorCode"]

MonitorCode = Literal[
    "silence", "device-silence", "dead-letters", "corrections", "lag", "standstill", "outbox-age", "restarts"
]
AlertKey = Annotated[str, Field(max_length=240)]
AlertSubject = Annotated[str, Field(max_length=200)]
Figure = Annotated[int, Field(ge=0)]


class AlertRaised(Contract):
    """A monitor tripped: its reading stayed at or above its threshold.

    ``subject`` is the id of a site or a device, or the name of a consumer group, a service or a process; ``watched`` is
    monitor and subject, of which at most one alert is open.
    """

    topic: ClassVar[str] = "alerts"
    type: ClassVar[str] = "volunteering.alert.raised.v1"
    key: ClassVar[str] = "watched"
    aggregate: ClassVar[str] = "watched"

    watched: AlertKey
    alert_id: UUID
    monitor: MonitorCode
    subject: AlertSubject
    site_id: UUID | None = None
    reading: Figure
    threshold: Figure
    threshold_version: Annotated[int, Field(ge=1)]
    raised_at: Instant


class AlertCleared(Contract):
    """The reading fell below the threshold and stayed there."""

    topic: ClassVar[str] = "alerts"
    type: ClassVar[str] = "volunteering.alert.cleared.v1"
    key: ClassVar[str] = "watched"
    aggregate: ClassVar[str] = "watched"

    watched: AlertKey
    alert_id: UUID
    monitor: MonitorCode
    subject: AlertSubject
    site_id: UUID | None = None
    reading: Figure
    raised_at: Instant
    cleared_at: Instant
