"""Volunteers, drives and sign-ups."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Contract, Instant

__all__ = ["DriveOpened", "SignupCancelled", "SignupPlaced", "VolunteerRegistered"]


class VolunteerRegistered(Contract):
    """A volunteer exists: registered at a drive, through an appeal, in person, or imported from the registry."""

    topic: ClassVar[str] = "volunteers"
    type: ClassVar[str] = "volunteering.volunteer.registered.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "volunteer_id"

    volunteer_id: UUID
    source: Literal["drive", "appeal", "walk_in", "import"]
    drive_id: UUID | None = None
    appeal_id: UUID | None = None
    site_id: UUID | None = None
    registered_at: Instant


class DriveOpened(Contract):
    """A recruitment drive was announced at a place."""

    topic: ClassVar[str] = "drives"
    type: ClassVar[str] = "volunteering.drive.opened.v1"
    key: ClassVar[str] = "drive_id"
    aggregate: ClassVar[str] = "drive_id"

    drive_id: UUID
    code: str
    name: str
    place_kind: Literal["square", "enterprise", "compound"]
    site_id: UUID
    starts_at: Instant
    ends_at: Instant


class SignupPlaced(Contract):
    """A volunteer has a place in a shift, which opened for sign-ups at ``opened_at`` with so many ``places``."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.signup.placed.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "signup_id"

    signup_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    activity_title: str
    site_id: UUID
    starts_at: Instant
    ends_at: Instant
    placed_at: Instant
    source: Literal["self", "staff", "waitlist", "swap", "team", "walk_in"] | None = None
    opened_at: Instant | None = None
    places: Annotated[int, Field(ge=1, le=10_000)] | None = None


class SignupCancelled(Contract):
    """The place was released."""

    topic: ClassVar[str] = "signups"
    type: ClassVar[str] = "volunteering.signup.cancelled.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "signup_id"

    signup_id: UUID
    volunteer_id: UUID
    shift_id: UUID
    activity_id: UUID
    cancelled_at: Instant
    cause: Literal["self", "staff", "called-off", "swap"] | None = None
    late: bool = False
