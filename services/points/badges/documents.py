"""Badge criteria as people write them: YAML in, checked, domain objects out."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.points.badges.domain import Between, Criteria, Criterion, Measure
from shared.errors import PermanentError

__all__ = ["CriteriaDocument", "parse", "shipped"]

VERSIONS = Path(__file__).with_name("versions")


MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
_ADDED = ("distinct_themes", "distinct_sites", "weeks_in_a_row", "window", "themes", "sites", "between")
"""Members that the first version did not know; left out where they say nothing, so that its hash stays."""


class BetweenDocument(BaseModel):
    """Days of every year, as 'MM-DD', both inclusive."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    first: Annotated[MonthDay, Field(alias="from")]
    last: Annotated[MonthDay, Field(alias="to")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for day in (self.first, self.last):
            date.fromisoformat(f"2024-{day}")
        if self.first > self.last:
            raise ValueError("the first day lies after the last; days across New Year take two badges")
        return self

    def between(self) -> Between:
        """The domain's form."""
        return Between(_month_day(self.first), _month_day(self.last))


class BadgeDocument(BaseModel):
    """A badge by one measure of the records of the named groups of provenance that pass the filters.

    ``window``: of a lifetime (the default) or of a calendar year, then there is one badge for each year.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    badge: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,55}$")]
    name: Annotated[str, Field(min_length=1, max_length=90)]
    star: Annotated[int, Field(ge=1, le=5)] | None = None
    hours: Count | None = None
    records: Count | None = None
    distinct_themes: Count | None = None
    distinct_sites: Count | None = None
    weeks_in_a_row: Count | None = None
    window: Literal["year"] | None = None
    themes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    sites: Annotated[tuple[UUID, ...], Field(min_length=1)] | None = None
    between: BetweenDocument | None = None
    of: Annotated[tuple[Literal["credit", "honour", "imported"], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(self._measures()) != 1:
            raise ValueError(f"a badge is earned by exactly one of {', '.join(_MEASURES)}")
        if self.star is not None and not self.criterion().meter.plain:
            raise ValueError("a star comes from lifetime hours or records alone")
        if self.star is None and self.badge.startswith("star-"):
            raise ValueError("only stars are called star-…")
        if self.badge[-5:].startswith("-") and self.badge[-4:].isdecimal():
            raise ValueError("four digits at the end would be taken for a year")
        return self

    def _measures(self) -> dict[str, int]:
        return {name: value for name in _MEASURES if (value := getattr(self, name)) is not None}

    def criterion(self) -> Criterion:
        """The domain's form."""
        ((name, value),) = self._measures().items()
        return Criterion(
            self.badge,
            self.name,
            _MEASURES[name],
            self.of,
            value * 60 if name == "hours" else value,
            self.star,
            self.window or "lifetime",
            None if self.themes is None else frozenset(self.themes),
            None if self.sites is None else frozenset(map(str, self.sites)),
            None if self.between is None else self.between.between(),
        )


_MEASURES: dict[str, Measure] = {
    "hours": "minutes",
    "records": "records",
    "distinct_themes": "themes",
    "distinct_sites": "sites",
    "weeks_in_a_row": "weeks",
}


def _month_day(text: str) -> tuple[int, int]:
    month, day = text.split("-")
    return int(month), int(day)


class CriteriaDocument(BaseModel):
    """One version of all badges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    effective_from: date
    badges: tuple[BadgeDocument, ...]

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
        members: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        for badge in members["badges"]:
            for name in _ADDED:
                if badge[name] is None:
                    del badge[name]
        return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)

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
