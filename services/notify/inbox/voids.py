"""Proposed voids as notices: to the staff who may decide, and to the account that settled the case."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.notify.inbox.domain import Notice
from services.notify.inbox.notices import notice_of
from shared.cloudevents import Event
from shared.contracts import VoidsDecided, VoidsProposed

__all__ = ["void_notices"]

_SAID: Mapping[str, str] = {
    "voided": "已作废",
    "kept": "没有作废，仍算有效；请到核查事项里决定是否保留标记",
    "lapsed": "30 天内没有站点决定，不计入时长；请到核查事项里决定是否保留标记",
}


def void_notices(event: Event[VoidsProposed] | Event[VoidsDecided]) -> list[Notice]:
    """Make the notices of a proposal, to each of the nearest staff, or of a decision, to who settled the case."""
    data = event.data
    params: dict[str, Any] = {"records": len(data.record_ids)}
    if isinstance(data, VoidsProposed):
        return [_notice(event, each, "voids_proposed", params) for each in data.staff_ids]
    if data.settled_by is None:
        return []
    params |= {"said": _SAID[data.outcome], "outcome": data.outcome, "case": str(data.case_id)}
    return [_notice(event, data.settled_by, "voids_decided", params)]


def _notice(event: Event[Any], recipient_id: UUID, template: str, params: Mapping[str, Any]) -> Notice:
    return notice_of(event, recipient_id, template, params, outdates=False, to_volunteer=False)
