"""Rule versions as people write them: YAML in, checked field by field, domain objects out."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.points.rules.domain import Rate, Rule
from shared.errors import PermanentError

__all__ = ["RuleDocument", "parse", "shipped"]

VERSIONS = Path(__file__).with_name("versions")
Points = Annotated[int, Field(ge=0, le=10_000)]
Minutes = Annotated[int, Field(ge=0, le=1440)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RateDocument(_Part):
    """Another number of points per hour in some months of each year; the first that fits applies."""

    name: str
    months: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(min_length=1)]
    points_per_hour: Points


class Earning(_Part):
    """What an hour is worth and which hours count."""

    provenances: tuple[Literal["scanned", "kiosk", "leader", "backfilled"], ...]
    points_per_hour: Points
    minimum_minutes: Minutes = 0
    rates: tuple[RateDocument, ...] = ()


class Caps(_Part):
    """At most so many minutes of one day earn points."""

    day_minutes: Minutes | None = None


class FirstService(_Part):
    """A bonus for the earliest record that is worth something."""

    points: Points = 0


class Expiry(_Part):
    """Points are good for so many months after the record's day; without it they never expire."""

    months: Annotated[int, Field(ge=1, le=1200)] | None = None


class RuleDocument(_Part):
    """One version of the earning rule."""

    version: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    effective_from: date
    zone: Literal["Asia/Shanghai"] = "Asia/Shanghai"
    earning: Earning
    caps: Caps = Caps()
    first_service: FirstService = FirstService()
    expiry: Expiry = Expiry()

    def rule(self) -> Rule:
        """The domain's form of this document."""
        return Rule(
            version=self.version,
            name=self.name,
            effective_from=self.effective_from,
            provenances=frozenset(self.earning.provenances),
            points_per_hour=self.earning.points_per_hour,
            rates=tuple(Rate(rate.name, frozenset(rate.months), rate.points_per_hour) for rate in self.earning.rates),
            minimum_minutes=max(1, self.earning.minimum_minutes),
            day_cap_minutes=self.caps.day_minutes,
            first_service_points=self.first_service.points,
            expiry_months=self.expiry.months,
        )

    def canonical(self) -> bytes:
        """The document as JSON with sorted keys; what its hash is taken of."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    def content_hash(self) -> bytes:
        """SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).digest()


def parse(text: str, where: str = "rule") -> RuleDocument:
    """Read a rule document from YAML (or JSON, which is YAML).

    Raises:
        PermanentError: it is not YAML (with the line) or not a rule (with the path of each bad field).
    """
    try:
        found: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise PermanentError(f"{where}{line}: {getattr(error, 'problem', None) or error}") from error
    try:
        return RuleDocument.model_validate(found)
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'document'}: {item['msg']}"
            for item in error.errors(include_url=False, include_context=False)
        )
        raise PermanentError(f"{where}: {reasons}") from error


def shipped() -> list[RuleDocument]:
    """The versions that come with the service, in order.

    Raises:
        PermanentError: a file is not a valid rule, or its number is not that of its version.
    """
    documents = []
    for path in sorted(VERSIONS.glob("*.yaml")):
        document = parse(path.read_text("utf-8"), path.name)
        if int(path.stem) != document.version:
            raise PermanentError(f"{path.name} holds version {document.version}")
        documents.append(document)
    return documents
