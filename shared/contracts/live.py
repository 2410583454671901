"""The live pulse and deliveries of messages."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import Contract, Instant

__all__ = ["DrivePulse", "MessageDelivered", "PulseTick", "SitePulse"]

Count = Annotated[int, Field(ge=0)]


class SitePulse(BaseModel):
    """Records and points of one site in the window."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    site_id: UUID
    records: Count
    points: int


class DrivePulse(BaseModel):
    """Records and points of the volunteers whom one drive recruited."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    drive_id: UUID
    records: Count
    points: int


class PulseTick(Contract):
    """The figures of the last ``window_seconds``, published each second. Rebuilt at will, never a balance."""

    topic: ClassVar[str] = "pulse"
    type: ClassVar[str] = "volunteering.pulse.ticked.v1"
    key: ClassVar[str] = "district"
    aggregate: ClassVar[str] = "district"

    district: str = "district"
    at: Instant
    window_seconds: Count
    records_per_minute: Count
    points_per_minute: int
    by_site: tuple[SitePulse, ...] = ()
    by_drive: tuple[DrivePulse, ...] = ()
    dead_letters_per_minute: Count = 0
    latest_ms: Count = 0


class MessageDelivered(Contract):
    """A message reached a channel, or is known not to have."""

    topic: ClassVar[str] = "notifications"
    type: ClassVar[str] = "volunteering.message.delivered.v1"
    key: ClassVar[str] = "volunteer_id"
    aggregate: ClassVar[str] = "message_id"

    message_id: UUID
    volunteer_id: UUID
    event_id: UUID
    channel: Literal["inbox", "email"]
    template: str
    status: Literal["sent", "refused", "undelivered", "undeliverable", "unknown"]
    at: Instant
