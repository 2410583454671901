"""The fields that every event contract has in common."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict

__all__ = ["Contract", "Instant"]


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("an instant carries its offset")
    return value


Instant = Annotated[datetime, AfterValidator(_aware)]
"""A point in time with its offset."""


class Contract(BaseModel):
    """The data of one event type. Readers ignore members they don't know; a required member is never added later.

    Class variables say where the event goes: ``topic`` (logical name in the registry), ``type`` (CloudEvents type),
    ``key`` (the member that is the Kafka key) and ``aggregate`` (the member that is the aggregate's id).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: ClassVar[str]
    type: ClassVar[str]
    key: ClassVar[str]
    aggregate: ClassVar[str]
