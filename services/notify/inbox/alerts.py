"""Alerts of the streams as notices to the engineers, in both languages."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.notify.inbox.domain import Notice
from services.notify.inbox.notices import notice_of
from shared.cloudevents import Event
from shared.contracts import AlertCleared, AlertRaised
from shared.ids import derived_id

__all__ = ["ENGINEERS", "alert_notice"]

ENGINEERS: UUID = derived_id("recipient", "role", "engineer")
"""The recipient that stands for every account with the role, also for those that are opened later."""

MONITORS: Mapping[str, tuple[str, str, str, str]] = {
    "silence": ("班次中没有签到", "no check-in during a shift", "分钟", "minutes"),
    "device-silence": ("设备没有上传", "device sends nothing", "分钟", "minutes"),
    "dead-letters": ("死信激增", "surge of dead letters", "条", "records"),
    "corrections": ("更正激增", "surge of corrections", "条", "records"),
    "lag": ("积压增长", "growing lag", "条", "records"),
    "standstill": ("消费组停滞", "consumer stands still", "秒", "seconds"),
    "outbox-age": ("发件箱积压", "outbox ages", "秒", "seconds"),
    "restarts": ("进程反复重启", "process keeps restarting", "次", "times"),
}
"""Monitor → its name and its unit in both languages."""


def alert_notice(event: Event[AlertRaised] | Event[AlertCleared]) -> Notice:
    """The notice of an alert that was raised or cleared; a site is named by its page, not here."""
    data = event.data
    name, name_en, unit, unit_en = MONITORS[data.monitor]
    params: dict[str, Any] = {
        "monitor": name,
        "monitor_en": name_en,
        "unit": unit,
        "unit_en": unit_en,
        "subject": "" if data.site_id is not None else data.subject,
        "reading": data.reading,
    }
    if isinstance(data, AlertRaised):
        template = "alert_raised"
        params["threshold"] = data.threshold
    else:
        template = "alert_cleared"
        params["minutes"] = max(1, round((data.cleared_at - data.raised_at).total_seconds() / 60))
    return notice_of(event, ENGINEERS, template, params, to_volunteer=False)
