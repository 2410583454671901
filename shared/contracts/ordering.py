"""Orders of residents."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.base import Contract, Instant

__all__ = ["OrderChanged"]


class OrderChanged(Contract):
    """An order of a resident took a step.

    It holds the order after the step, and whom that concerns: ``leader_ids`` are volunteers who lead the teams that may
    act now, ``staff_ids`` accounts of its desk. Nothing here was typed about the resident.
    """

    topic: ClassVar[str] = "orders"
    type: ClassVar[str] = "volunteering.order.changed.v1"
    key: ClassVar[str] = "order_id"
    aggregate: ClassVar[str] = "order_id"

    order_id: UUID
    act: Literal[
        "place",
        "take",
        "ask",
        "answer",
        "offer",
        "refuse",
        "accept",
        "decline",
        "dispatch",
        "schedule",
        "complete",
        "rate",
        "reopen",
        "cancel",
        "escalate",
        "lapse",
        "release",
        "remind",
        "default",
        "move",
    ]
    state: Literal[
        "placed",
        "under_review",
        "needs_information",
        "offered",
        "dispatched",
        "accepted",
        "scheduled",
        "served",
        "rated",
        "refused",
        "closed",
        "unfulfilled",
        "cancelled",
    ]
    by: Literal["resident", "staff", "leader", "timer"]
    cause: (
        Literal[
            "not-voluntary",
            "unsafe",
            "untrue",
            "duplicate",
            "out-of-district",
            "address",
            "time",
            "need",
            "safety",
            "no-time",
            "no-people",
            "no-skill",
            "too-far",
            "no-longer-needed",
            "helped-otherwise",
            "wrong-entry",
            "no-team",
            "no-answer",
            "not-planned",
            "unattended",
            "absent",
            "called-off",
            "team-closed",
            "leader-gone",
            "site-closed",
            "erased",
            "same-team",
            "another-team",
            "other",
        ]
        | None
    )
    need: str
    need_name: str
    site_id: UUID
    desk: Literal["station", "institute", "centre"]
    resident_id: UUID
    beneficiary_id: UUID | None
    team_id: UUID | None
    leader_ids: list[UUID]
    staff_ids: list[UUID]
    activity_id: UUID | None
    shift_id: UUID | None
    series_id: UUID | None
    starts_at: Instant | None
    ends_at: Instant | None
    due_at: Instant | None
    stars: int | None
    rated_by_default: bool
    complaint: bool
    residents_served: int | None
    changed_at: Instant
