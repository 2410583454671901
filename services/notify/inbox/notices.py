"""From an event and its recipient to the notice of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.notify.inbox.domain import Notice
from shared.cloudevents import Event

__all__ = ["notice_of"]


def notice_of(
    event: Event[Any], recipient_id: UUID, template: str | None, params: Mapping[str, Any], /, **more: Any
) -> Notice:
    """The notice of an event to one recipient; ``more`` are further members of the notice, by name."""
    return Notice(
        event_id=event.id,
        recipient_id=recipient_id,
        aggregate_id=event.aggregate_id,
        version=event.aggregate_version,
        correlation_id=event.correlation_id,
        traceparent=event.traceparent,
        template=template,
        params=params,
        **more,
    )
