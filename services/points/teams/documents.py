"""Criteria of teams' badges as people write them: YAML in, checked, domain objects out."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.points.badges.domain import Criteria, Criterion
from shared.errors import PermanentError

__all__ = ["TeamCriteriaDocument", "parse", "shipped"]

VERSIONS = Path(__file__).with_name("versions")


class TeamBadgeDocument(BaseModel):
    """A team's badge by the number of its services whose provenance is of the named groups.

    ``window``: of all time (the default) or of a calendar year, then there is one badge for each year.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    badge: Annotated[str, Field(pattern=r"^team-[a-z0-9-]{1,50}$")]
    name: Annotated[str, Field(min_length=1, max_length=90)]
    services: Annotated[int, Field(ge=1, le=10_000_000)]
    window: Literal["year"] | None = None
    of: Annotated[tuple[Literal["credit", "honour"], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.badge[-5:].startswith("-") and self.badge[-4:].isdecimal():
            raise ValueError("four digits at the end would be taken for a year")
        if len(set(self.of)) != len(self.of):
            raise ValueError("a group of provenance is named twice")
        return self

    def criterion(self) -> Criterion:
        """The domain's form."""
        return Criterion(self.badge, self.name, "records", self.of, self.services, window=self.window or "lifetime")


class TeamCriteriaDocument(BaseModel):
    """One version of all teams' badges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    effective_from: date
    badges: Annotated[tuple[TeamBadgeDocument, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [badge.badge for badge in self.badges]
        if len(set(names)) != len(names):
            raise ValueError("two badges have the same name")
        return self

    def criteria(self) -> Criteria:
        """The domain's form."""
        items = tuple(badge.criterion() for badge in self.badges)
        return Criteria(self.version, self.name, self.effective_from, items)

    def canonical(self) -> bytes:
        """The document as JSON with sorted keys; what its hash is taken of."""
        members: dict[str, Any] = self.model_dump(mode="json")
        for badge in members["badges"]:
            if badge["window"] is None:
                del badge["window"]
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)

    def content_hash(self) -> bytes:
        """SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).digest()


def parse(text: str, where: str = "team criteria") -> TeamCriteriaDocument:
    """Read criteria from YAML.

    Raises:
        PermanentError: it is not YAML or not a list of badges, with what is wrong where.
    """
    try:
        return TeamCriteriaDocument.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise PermanentError(f"{where}: {error}") from error
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'document'}: {item['msg']}"
            for item in error.errors(include_url=False, include_context=False)
        )
        raise PermanentError(f"{where}: {reasons}") from error


def shipped() -> list[TeamCriteriaDocument]:
    """The versions that come with the service, in order."""
    return [parse(path.read_text("utf-8"), path.name) for path in sorted(VERSIONS.glob("*.yaml"))]
