"""Sites and activities: public names, for consumers that write sentences or bound what they show by site."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Contract, Instant

__all__ = ["ActivityChanged", "SiteChanged"]


class SiteChanged(Contract):
    """A site as it stands at this version: founded, renamed, moved or closed."""

    topic: ClassVar[str] = "sites"
    type: ClassVar[str] = "volunteering.site.changed.v1"
    key: ClassVar[str] = "site_id"
    aggregate: ClassVar[str] = "site_id"

    site_id: UUID
    kind: Literal["centre", "institute", "station", "service_point"]
    name: Annotated[str, Field(max_length=100)]
    parent_id: UUID | None = None
    closed: bool
    changed_at: Instant


class ActivityChanged(Contract):
    """A published activity as it stands at this version. Drafts are not published."""

    topic: ClassVar[str] = "activities"
    type: ClassVar[str] = "volunteering.activity.changed.v1"
    key: ClassVar[str] = "activity_id"
    aggregate: ClassVar[str] = "activity_id"

    activity_id: UUID
    title: Annotated[str, Field(max_length=200)]
    site_id: UUID
    team_id: UUID
    state: Literal["open", "closed"]
    starts_at: Instant | None = None
    changed_at: Instant
