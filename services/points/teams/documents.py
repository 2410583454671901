"""Criteria of teams' badges as people write them: YAML in, checked, domain objects out."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.points.badges.documents import AnyBadge, CriteriaOf
from services.points.badges.domain import Criterion
from services.points.versions import documents

__all__ = ["TeamCriteriaDocument", "shipped"]

VERSIONS = Path(__file__).with_name("versions")


class TeamBadgeDocument(AnyBadge):
    """A team's badge by the number of its services whose provenance is of the named groups."""

    badge: Annotated[str, Field(pattern=r"^team-[a-z0-9-]{1,50}$")]
    services: Annotated[int, Field(ge=1, le=10_000_000)]
    of: Annotated[tuple[Literal["credit", "honour"], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(set(self.of)) != len(self.of):
            raise ValueError("a group of provenance is named twice")
        return self

    def criterion(self) -> Criterion:
        """The domain's form."""
        return Criterion(self.badge, self.name, "records", self.of, self.services, window=self.window or "lifetime")


class TeamCriteriaDocument(CriteriaOf[TeamBadgeDocument]):
    """One version of all teams' badges."""

    badges: Annotated[tuple[TeamBadgeDocument, ...], Field(min_length=1)]


def shipped() -> list[TeamCriteriaDocument]:
    """The versions that come with the service, in order."""
    return documents.shipped(TeamCriteriaDocument, VERSIONS)
