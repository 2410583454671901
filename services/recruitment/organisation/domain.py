"""Sites, teams, themes and projects: their kinds and how they hang together. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

__all__ = [
    "Honour",
    "HonourCategory",
    "HonourLevel",
    "Level",
    "NewProject",
    "NewSite",
    "NewTeam",
    "NewTheme",
    "Pillar",
    "Series",
    "SiteKind",
    "TeamKind",
    "check_detachment",
    "check_honour_year",
    "check_parent",
    "check_team_site",
    "clean_title",
    "level_of",
]


class SiteKind(StrEnum):
    """文明实践阵地, from the centre down."""

    CENTRE = "centre"
    INSTITUTE = "institute"
    STATION = "station"
    SERVICE_POINT = "service_point"


class Level(StrEnum):
    """The administrative level that a site covers."""

    DISTRICT = "district"
    TOWNSHIP = "township"
    COMMUNITY = "community"


class TeamKind(StrEnum):
    """总队, 专业支队, 小分队."""

    CORPS = "corps"
    DETACHMENT = "detachment"
    TEAM = "team"


class HonourLevel(StrEnum):
    """The level that an honour was awarded at."""

    DISTRICT = "district"
    CITY = "city"
    PROVINCE = "province"
    NATION = "nation"


class HonourCategory(StrEnum):
    """The kind of winner that an honour distinguishes."""

    PROJECT = "project"
    CREATIVE = "creative"
    COMMUNITY = "community"
    TEAM = "team"
    PERSON = "person"


class Series(StrEnum):
    """The "8+5" of the professional detachments: eight kinds that every district has, five of its own."""

    EIGHT = "eight"
    FIVE = "five"


class Pillar(StrEnum):
    """The four pillars that reports group by."""

    SHARED = "shared"
    INSTITUTIONAL = "institutional"
    SHOWCASE = "showcase"
    PRECISE = "precise"


_PARENTS: dict[SiteKind, frozenset[SiteKind | None]] = {
    SiteKind.CENTRE: frozenset({None}),
    SiteKind.INSTITUTE: frozenset({SiteKind.CENTRE}),
    SiteKind.STATION: frozenset({SiteKind.CENTRE, SiteKind.INSTITUTE}),
    SiteKind.SERVICE_POINT: frozenset({SiteKind.CENTRE, SiteKind.INSTITUTE, SiteKind.STATION}),
}


_LEVELS = {
    SiteKind.CENTRE: Level.DISTRICT,
    SiteKind.INSTITUTE: Level.TOWNSHIP,
    SiteKind.STATION: Level.COMMUNITY,
}


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site to be founded; its level follows from its kind, and is checked where it is said."""

    kind: SiteKind
    name: str
    parent_id: UUID | None
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class NewTeam:
    """A team to be founded."""

    kind: TeamKind
    name: str
    site_id: UUID
    docked: bool
    series: Series | None = None
    department: str | None = None
    head: str | None = None


@dataclass(frozen=True, slots=True)
class NewTheme:
    """A theme under which activities are held."""

    name: str
    pillar: Pillar


@dataclass(frozen=True, slots=True)
class Honour:
    """An award that a project received."""

    title: str
    awarded_by: str
    year: int
    level: HonourLevel | None = None
    category: HonourCategory | None = None
    honour_id: UUID | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class NewProject:
    """A brand project and the honours that it has."""

    name: str
    site_id: UUID
    pillar: Pillar
    honours: tuple[Honour, ...]
    summary: str | None = None


def check_parent(kind: SiteKind, parent: SiteKind | None) -> None:
    """Keep the tree in shape.

    Raises:
        ValueError: a site of this kind does not belong under such a parent.
    """
    allowed = _PARENTS[kind]
    if parent in allowed:
        return
    if kind is SiteKind.CENTRE:
        raise ValueError("the centre is the root and has no parent_id")
    names = " or ".join(sorted(str(name) for name in allowed if name is not None))
    raise ValueError(f"a {kind} belongs under a site of the kind {names}: please give its parent_id")


def level_of(kind: SiteKind, parent: Level | None) -> Level:
    """The level that a site of this kind covers: its own, and for a service point that of its parent."""
    return _LEVELS.get(kind) or parent or Level.COMMUNITY


def check_team_site(kind: TeamKind, site: SiteKind) -> None:
    """The general corps belongs to the centre.

    Raises:
        ValueError: it was put elsewhere.
    """
    if kind is TeamKind.CORPS and site is not SiteKind.CENTRE:
        raise ValueError("the general corps belongs to the centre")


def check_detachment(kind: TeamKind, *facts: object) -> None:
    """Series, owning department and its head are facts of professional detachments.

    Raises:
        ValueError: another team has one of them.
    """
    if kind is not TeamKind.DETACHMENT and any(fact is not None for fact in facts):
        raise ValueError("series, department and head are those of a detachment")


def check_honour_year(year: int, this_year: int) -> None:
    """Honours lie between 1949 and now.

    Raises:
        ValueError: this one does not.
    """
    if not 1949 <= year <= this_year:
        raise ValueError(f"an honour's year lies between 1949 and {this_year}")


def clean_title(text: str, what: str, longest: int = 100) -> str:
    """A name or title without surrounding blanks.

    Raises:
        ValueError: nothing is left, or it is too long.
    """
    title = " ".join(text.split())
    if not 1 <= len(title) <= longest:
        raise ValueError(f"{what} must have 1 to {longest} characters")
    return title
