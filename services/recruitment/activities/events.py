"""Activities as events, in the transaction that changes them."""

from collections.abc import Sequence
from datetime import datetime

from services.recruitment.activities.domain import Activity, State
from shared import outbox
from shared.contracts import ActivityChanged
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["publish_activities"]

_SOURCE = "weiguang/recruitment"


async def publish_activities(tx: Tx, activities: Sequence[Activity], at: datetime) -> None:
    """Append the event of each activity at its version, except of drafts."""
    events = []
    for activity in activities:
        if activity.state is State.PLANNED:
            continue
        data = ActivityChanged(
            activity_id=activity.activity_id,
            title=activity.title,
            site_id=activity.site_id,
            team_id=activity.team_id,
            state="closed" if activity.state is State.CLOSED else "open",
            starts_at=activity.starts_at,
            changed_at=at,
        )
        event_id = derived_id("activity", activity.activity_id, activity.version)
        events.append(outbox.event(data, source=_SOURCE, aggregate_version=activity.version, id=event_id, time=at))
    await outbox.append(tx, *events)
