"""The route of the district report. Sums only, no personal data, so that it is public.

What was known at a past moment costs a scan of all revisions: that is for staff.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from services.recruitment.orders.figures.api import OrderTotalsOut, order_totals_out
from services.recruitment.orders.figures.domain import TOTAL_FORMULAS as ORDER_FORMULAS
from services.recruitment.reports import handlers
from services.recruitment.reports.domain import FORMULAS, ratio
from services.recruitment.reports.handlers import ReportFigures
from shared.auth.access import optional
from shared.auth.tokens import Caller, Role
from shared.errors import Forbidden, Refusal, Unauthorized
from shared.http.app import Instant, Output, ReportDb, published

__all__ = ["router"]

STAFF = (Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR)

router = APIRouter(prefix="/api/recruitment/v1", tags=["reports"])


class SitesOut(Output):
    """Sites by kind; service points come on top of the total."""

    total: int
    centre: int
    institute: int
    station: int
    service_point: int


class TeamsOut(Output):
    """Teams by kind."""

    total: int
    corps: int
    detachment: int
    team: int


class DrivesOut(Output):
    """Drives by kind of place."""

    total: int
    square: int
    enterprise: int
    compound: int


class VolunteersOut(Output):
    """Registered and participants are people, participations are person-times."""

    registered: int
    participants: int
    participations: int


class CoverageOut(Output):
    """Shares from 0 to 1, per level."""

    district: float
    township: float
    community: float


class ShareOut(Output):
    """The two numbers behind a share."""

    covered: int
    total: int


class DistrictOut(Output):
    """The district's figures of a period, and the formula of each."""

    start: Annotated[datetime, Field(serialization_alias="from")]
    end: Annotated[datetime, Field(serialization_alias="to")]
    as_of: datetime | None
    horizon: datetime
    sites: SitesOut
    teams: TeamsOut
    themes: int
    activities: int
    drives: DrivesOut
    appeals: int
    projects: int
    honours: int
    volunteers: VolunteersOut
    residents_served: int
    coverage: CoverageOut
    coverage_counts: dict[str, ShareOut]
    docking: float
    docking_counts: ShareOut
    records: int
    records_by_provenance: dict[str, int]
    waiting: int
    minutes: int
    credit_minutes: int
    honour_minutes: int
    imported_minutes: int
    pillars: dict[str, int]
    orders: OrderTotalsOut
    formulas: dict[str, str]


@router.get("/reports/district")
async def read_district(
    request: Request,
    db: ReportDb,
    caller: Annotated[Caller | None, optional()],
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
    as_of: Annotated[Instant | None, Query()] = None,
) -> DistrictOut:
    """The figures of [from, to), by default the year so far; with ``as_of``, as they were known then (staff)."""

    async def load() -> DistrictOut:
        return _out(await handlers.district(db, start, end, as_of))

    if caller is not None and caller.has(*STAFF):
        return await load()
    if as_of is not None:
        raise _not_public(caller)
    return await published(request, f"district {start} {end}", load)


def _not_public(caller: Caller | None) -> Refusal:
    if caller is None:
        return Unauthorized("token-missing", "Reports with `as_of` are for staff: sign in first.")
    allowed = sorted(STAFF)
    return Forbidden(
        "role-not-allowed", f"Reports with `as_of` are for the roles: {', '.join(allowed)}.", roles=allowed
    )


def _out(figures: ReportFigures) -> DistrictOut:
    counts, attendance = figures.counts, figures.attendance
    teams = sum(counts.teams.values())
    levels = ("district", "township", "community")
    shares = {level: figures.coverage.get(level, (0, 0)) for level in levels}
    sites = {kind: counts.sites.get(kind, 0) for kind in ("centre", "institute", "station")}
    return DistrictOut(
        start=figures.period.start,
        end=figures.period.end,
        as_of=figures.as_of,
        horizon=figures.horizon,
        sites=SitesOut(total=sum(sites.values()), service_point=counts.sites.get("service_point", 0), **sites),
        teams=TeamsOut(total=teams, **{kind: counts.teams.get(kind, 0) for kind in ("corps", "detachment", "team")}),
        themes=counts.themes,
        activities=counts.activities,
        drives=DrivesOut(
            total=sum(counts.drives.values()),
            **{kind: counts.drives.get(kind, 0) for kind in ("square", "enterprise", "compound")},
        ),
        appeals=counts.appeals,
        projects=counts.projects,
        honours=counts.honours,
        volunteers=VolunteersOut(
            registered=counts.registered,
            participants=attendance.participants,
            participations=attendance.participations,
        ),
        residents_served=counts.residents_served,
        coverage=CoverageOut(**{level: ratio(*share) for level, share in shares.items()}),
        coverage_counts={level: ShareOut(covered=share[0], total=share[1]) for level, share in shares.items()},
        docking=ratio(counts.docked, teams),
        docking_counts=ShareOut(covered=counts.docked, total=teams),
        records=attendance.records,
        records_by_provenance={
            way: attendance.provenances.get(way, 0) for way in ("scanned", "kiosk", "leader", "backfilled")
        },
        waiting=attendance.waiting,
        minutes=attendance.minutes,
        credit_minutes=attendance.minutes - attendance.honour_minutes,
        honour_minutes=attendance.honour_minutes,
        imported_minutes=attendance.imported_minutes,
        pillars=figures.pillars,
        orders=order_totals_out(figures.orders),
        formulas={**FORMULAS, **{f"orders.{name}": said for name, said in ORDER_FORMULAS.items()}},
    )
