"""Badge criteria as people write them: YAML in, checked, domain objects out."""

from abc import abstractmethod
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from services.points.badges.domain import Between, Criteria, Criterion, Measure
from services.points.versions import documents
from services.points.versions.documents import Part, VersionedDocument

__all__ = ["AnyBadge", "CriteriaDocument", "CriteriaOf", "shipped"]

VERSIONS = Path(__file__).with_name("versions")

MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class AnyBadge(Part):
    """The members that a volunteer's badge and a team's badge share.

    ``window``: of all time (the default) or of a calendar year, then there is one badge for each year.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"window"})
    badge: str
    name: Annotated[str, Field(min_length=1, max_length=90)]
    window: Literal["year"] | None = None

    @model_validator(mode="after")
    def _bears_no_year(self) -> Self:
        if self.badge[-5:].startswith("-") and self.badge[-4:].isdecimal():
            raise ValueError("four digits at the end would be taken for a year")
        return self

    @abstractmethod
    def criterion(self) -> Criterion:
        """The domain's form."""


Badge = TypeVar("Badge", bound=AnyBadge)


class CriteriaOf(VersionedDocument, Generic[Badge]):
    """One version of all badges of a kind."""

    badges: tuple[Badge, ...]

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


class BetweenDocument(Part):
    """Days of every year, as 'MM-DD', both inclusive."""

    model_config = ConfigDict(populate_by_name=True)

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


class BadgeDocument(AnyBadge):
    """A badge by one measure of the records of the named groups of provenance that pass the filters."""

    LATER = AnyBadge.LATER | {"distinct_themes", "distinct_sites", "weeks_in_a_row", "themes", "sites", "between"}
    badge: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,55}$")]
    star: Annotated[int, Field(ge=1, le=5)] | None = None
    hours: Count | None = None
    records: Count | None = None
    distinct_themes: Count | None = None
    distinct_sites: Count | None = None
    weeks_in_a_row: Count | None = None
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


class CriteriaDocument(CriteriaOf[BadgeDocument]):
    """One version of all badges."""


def shipped() -> list[CriteriaDocument]:
    """The versions that come with the service, in order."""
    return documents.shipped(CriteriaDocument, VERSIONS)
