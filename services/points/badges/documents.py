"""Badge criteria as people write them: YAML in, checked, domain objects out."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.points.badges.domain import Criteria, Criterion
from shared.errors import PermanentError

__all__ = ["CriteriaDocument", "parse", "shipped"]

VERSIONS = Path(__file__).with_name("versions")


class BadgeDocument(BaseModel):
    """A badge by hours or by number of records, of the named groups of provenance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    badge: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    star: Annotated[int, Field(ge=1, le=5)] | None = None
    hours: Annotated[int, Field(ge=1)] | None = None
    records: Annotated[int, Field(ge=1)] | None = None
    of: Annotated[tuple[Literal["credit", "honour", "imported"], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.hours is None) == (self.records is None):
            raise ValueError("a badge is earned either by hours or by records")
        return self

    def criterion(self) -> Criterion:
        """The domain's form."""
        if self.hours is not None:
            return Criterion(self.badge, self.name, "minutes", self.of, self.hours * 60, self.star)
        assert self.records is not None
        return Criterion(self.badge, self.name, "records", self.of, self.records, self.star)


class CriteriaDocument(BaseModel):
    """One version of all badges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    effective_from: date
    badges: tuple[BadgeDocument, ...]

    def criteria(self) -> Criteria:
        """The domain's form."""
        items = tuple(badge.criterion() for badge in self.badges)
        return Criteria(self.version, self.name, self.effective_from, items)

    def canonical(self) -> bytes:
        """The document as JSON with sorted keys; what its hash is taken of."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    def content_hash(self) -> bytes:
        """SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).digest()


def parse(text: str, where: str = "criteria") -> CriteriaDocument:
    """Read criteria from YAML.

    Raises:
        PermanentError: it is not YAML or not a list of badges, with what is wrong where.
    """
    try:
        return CriteriaDocument.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise PermanentError(f"{where}: {error}") from error
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'document'}: {item['msg']}"
            for item in error.errors(include_url=False, include_context=False)
        )
        raise PermanentError(f"{where}: {reasons}") from error


def shipped() -> list[CriteriaDocument]:
    """The versions that come with the service, in order."""
    return [parse(path.read_text("utf-8"), path.name) for path in sorted(VERSIONS.glob("*.yaml"))]
