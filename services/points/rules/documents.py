"""Rule versions as people write them: YAML in, checked field by field, domain objects out."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from services.points.rules.terms.domain import (
    Approval,
    CapOf,
    Expiry,
    Multiplier,
    Rate,
    Rounding,
    Rule,
    RuleCap,
    When,
    Within,
)
from services.points.versions import documents
from services.points.versions.documents import WRITING, Day, DocumentProblem, Name, Part, VersionedDocument

__all__ = ["VERSIONS", "DocumentProblem", "RuleDocument", "check", "shipped"]

VERSIONS = Path(__file__).with_name("versions")

Points = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Minutes = Annotated[int, Field(strict=True, ge=0, le=1440)]
ManyMinutes = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
ManyPoints = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Few = Annotated[int, Field(strict=True, ge=1, le=1000)]


def _witnessed(provenance: Any, info: ValidationInfo) -> Any:
    # Entered hours were for sale once. A rule that was kept before this was checked stays readable.
    if info.context == WRITING and provenance not in ("scanned", "kiosk", "leader"):
        raise ValueError("only 'scanned', 'kiosk' and 'leader' earn points: hours that were entered or imported do not")
    return provenance


Provenance = Annotated[Literal["scanned", "kiosk", "leader", "backfilled"], BeforeValidator(_witnessed)]
CaseKind = Literal["two-sites", "burst", "no-check-in", "many-accounts", "long-day"]
Some = Field(default=(), max_length=200)


class _Conditional(Part):
    """Something that applies to some records only: those of these months, days, kinds, themes and provenances."""

    LATER = frozenset({"months", "first_day", "last_day", "kinds", "themes", "provenances"})
    name: Name
    months: tuple[Annotated[int, Field(strict=True, ge=1, le=12)], ...] = ()
    first_day: Day | None = None
    last_day: Day | None = None
    kinds: tuple[Name, ...] = Some
    themes: tuple[Name, ...] = Some
    provenances: tuple[Provenance, ...] = ()

    @model_validator(mode="after")
    def _says_when(self) -> "_Conditional":
        when = self.when()
        if when == When():
            raise ValueError("says of no months, days, kinds, themes or provenances when it applies")
        if when.first_day and when.last_day and when.last_day < when.first_day:
            raise ValueError("last_day is before first_day")
        return self

    def when(self) -> When:
        """The domain's form of the conditions."""
        return When(
            frozenset(self.months),
            self.first_day,
            self.last_day,
            frozenset(self.kinds),
            frozenset(self.themes),
            frozenset(self.provenances),
        )


class RateDocument(_Conditional):
    """Another number of points per hour for some records; the first that fits applies."""

    points_per_hour: Points


class MultiplierDocument(_Conditional):
    """Some records are worth so many percent of what they would be; the first that fits applies."""

    percent: Annotated[int, Field(strict=True, ge=0, le=1000)]


class RoundingStep(Part):
    """From so many minutes on (of what full units leave over), so many count."""

    from_minutes: Annotated[int, Field(strict=True, ge=1, le=1440)]
    counts_minutes: Minutes


class RoundingDocument(Part):
    """Minutes count in full units; what is left over counts as the last step reached says, below the first nothing."""

    every_minutes: Annotated[int, Field(strict=True, ge=1, le=1440)] = 60
    steps: Annotated[tuple[RoundingStep, ...], Field(max_length=60)] = ()

    @model_validator(mode="after")
    def _steps_ascend(self) -> "RoundingDocument":
        starts = [step.from_minutes for step in self.steps]
        worths = [step.counts_minutes for step in self.steps]
        if starts != sorted(set(starts)) or worths != sorted(worths):
            raise ValueError("steps must ascend")
        if starts and (starts[-1] >= self.every_minutes or worths[-1] > self.every_minutes):
            raise ValueError("steps lie within every_minutes")
        return self


class Earning(Part):
    """The worth of an hour, and which hours count.

    ``minimum_percent``: records shorter than this share of the planned time earn nothing.
    """

    LATER = frozenset({"minimum_percent", "rounding", "multipliers"})
    provenances: tuple[Provenance, ...]
    points_per_hour: Points
    minimum_minutes: Minutes = 0
    minimum_percent: Percent = 0
    rounding: RoundingDocument | None = None
    rates: Annotated[tuple[RateDocument, ...], Field(max_length=200)] = ()
    multipliers: Annotated[tuple[MultiplierDocument, ...], Field(max_length=200)] = ()


class RuleCaps(Part):
    """At most so many minutes, and so many points, of each; they apply in the order record, activity, day, month, year.

    ``activity_within``: an activity's cap holds for each day, month or year of it, or over all of it.
    """

    LATER = frozenset(
        {f"{of}_{what}" for of in ("record", "activity", "month", "year") for what in ("minutes", "points")}
        | {"day_points", "activity_within"}
    )
    record_minutes: ManyMinutes | None = None
    activity_minutes: ManyMinutes | None = None
    activity_within: Within = "life"
    day_minutes: Minutes | None = None
    month_minutes: ManyMinutes | None = None
    year_minutes: ManyMinutes | None = None
    record_points: ManyPoints | None = None
    activity_points: ManyPoints | None = None
    day_points: ManyPoints | None = None
    month_points: ManyPoints | None = None
    year_points: ManyPoints | None = None

    def of(self, what: Literal["minutes", "points"], approvals: bool = False) -> tuple[RuleCap, ...]:
        """The domain's form, in order; what approvals bear comes before the day."""
        order: tuple[CapOf, ...] = ("record", "activity", "day", "month", "year")
        found: list[RuleCap] = []
        for of in order:
            if of == "day" and approvals:
                found.append(RuleCap("approval", 0))
            limit = getattr(self, f"{of}_{what}")
            if limit is not None:
                found.append(RuleCap(of, limit, self.activity_within if of == "activity" else "life"))
        return tuple(found)


class ApprovalDocument(Part):
    """Minutes of a day above so many need this level of approval or a higher one."""

    above_minutes: Minutes
    level: Literal["leader", "site", "centre"]


class Limits(Part):
    """How many records of one activity and day count, and which hours of a day need approval."""

    records_per_activity_day: Few | None = None
    approvals: Annotated[tuple[ApprovalDocument, ...], Field(max_length=3)] = ()


class ComplaintRate(Part):
    """The percentage that records are worth after a complaint about them or their activity."""

    worth_percent: Percent = 100


class FirstService(Part):
    """A bonus for the earliest record that is worth something."""

    points: Points = 0


class ReferralDocument(Part):
    """A bonus for each person brought in, of the day on which that was recorded."""

    points: Points = 0


class Balance(Part):
    """Available and held points together never exceed the cap; what comes in above it is donated."""

    cap_points: ManyPoints | None = None


class Redemptions(Part):
    """How often in a calendar quarter a volunteer may redeem, whichever reward."""

    per_quarter: Few | None = None


class IntegrityDocument(Part):
    """Cases of these kinds hold the points of their records back until a person has cleared them."""

    holds_back: Annotated[tuple[CaseKind, ...], Field(max_length=5)] = ("two-sites",)


class ExpiryDocument(Part):
    """Validity of points: so many months after the record's day, or until a fixed day of the year.

    Such a day is "12-31"; with ``years``, so many years later. Without either they never expire.
    """

    LATER = frozenset({"fixed_day", "years"})
    months: Annotated[int, Field(strict=True, ge=1, le=1200)] | None = None
    fixed_day: Annotated[str, Field(pattern=r"^\d{2}-\d{2}$")] | None = None
    years: Annotated[int, Field(strict=True, ge=0, le=100)] = 0

    @model_validator(mode="after")
    def _one_of_them(self) -> "ExpiryDocument":
        if self.months is not None and self.fixed_day is not None:
            raise ValueError("points expire after months or on a fixed day, not both")
        if self.years and self.fixed_day is None:
            raise ValueError("years belong to a fixed day")
        if self.fixed_day is not None:
            # A year that is not a leap year: 29 February is no day of every year.
            date.fromisoformat(f"2001-{self.fixed_day}")
        return self

    def expiry(self) -> Expiry:
        """The domain's form."""
        if self.fixed_day is None:
            return Expiry(self.months)
        month, day = self.fixed_day.split("-")
        return Expiry(None, (int(month), int(day)), self.years)


class RuleDocument(VersionedDocument):
    """One version of the earning rule."""

    LATER = frozenset({"limits", "complaint", "referral", "balance", "redemptions", "integrity"})
    zone: Literal["Asia/Shanghai"] = "Asia/Shanghai"
    earning: Earning
    caps: RuleCaps = RuleCaps()
    limits: Limits = Limits()
    complaint: ComplaintRate = ComplaintRate()
    first_service: FirstService = FirstService()
    referral: ReferralDocument = ReferralDocument()
    balance: Balance = Balance()
    redemptions: Redemptions = Redemptions()
    integrity: IntegrityDocument = IntegrityDocument()
    expiry: ExpiryDocument = ExpiryDocument()

    def rule(self) -> Rule:
        """The domain's form of this document."""
        earning, approvals = self.earning, self.limits.approvals
        rounding = earning.rounding
        return Rule(
            version=self.version,
            name=self.name,
            effective_from=self.effective_from,
            provenances=frozenset(earning.provenances),
            points_per_hour=earning.points_per_hour,
            rates=tuple(Rate(rate.name, rate.when(), rate.points_per_hour) for rate in earning.rates),
            minimum_minutes=max(1, earning.minimum_minutes),
            minimum_percent=earning.minimum_percent,
            rounding=None
            if rounding is None
            else Rounding(rounding.every_minutes, tuple((s.from_minutes, s.counts_minutes) for s in rounding.steps)),
            multipliers=tuple(Multiplier(item.name, item.when(), item.percent) for item in earning.multipliers),
            minute_caps=self.caps.of("minutes", bool(approvals)),
            point_caps=self.caps.of("points"),
            approvals=tuple(Approval(item.above_minutes, item.level) for item in approvals),
            records_per_activity_day=self.limits.records_per_activity_day,
            complaint_percent=self.complaint.worth_percent,
            first_service_points=self.first_service.points,
            referral_points=self.referral.points,
            balance_cap=self.balance.cap_points,
            redemptions_per_quarter=self.redemptions.per_quarter,
            expiry=self.expiry.expiry(),
            holds_back=frozenset(self.integrity.holds_back),
        )


def check(text: str, where: str = "rule", version: int | None = None) -> RuleDocument | list[DocumentProblem]:
    """Read a rule document, or say everything that is wrong with it; ``version`` is the number that it gets."""
    return documents.check(RuleDocument, text, where, version)


def shipped() -> list[RuleDocument]:
    """The versions that come with the service, in order.

    Raises:
        PermanentError: a file is not a valid rule, or its number is not that of its version.
    """
    return documents.shipped(RuleDocument, VERSIONS)
