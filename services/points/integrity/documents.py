"""Thresholds as people write them: YAML in, checked field by field, domain objects out."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.points.integrity.terms.domain import Burst, Thresholds
from services.points.rules import yaml_lines
from shared.errors import PermanentError

__all__ = ["VERSIONS", "ThresholdDocument", "parse", "shipped"]

VERSIONS = Path(__file__).with_name("versions")
Minutes = Annotated[int, Field(strict=True, ge=1, le=1440)]
Count = Annotated[int, Field(strict=True, ge=2, le=10_000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BurstDocument(_Part):
    """So many records of one recorder within ten minutes, of when they were posted or of when people left."""

    records: Count
    by: Literal["posted", "served"]


class MinutesPerClass(_Part):
    """Minutes per class of device; null is not looked at."""

    others: Minutes | None
    kiosk: Minutes | None
    leader: Minutes | None


class CountPerClass(_Part):
    """People per class of device; null is not looked at."""

    others: Count | None
    kiosk: Count | None
    leader: Count | None


class BurstPerClass(_Part):
    """Bursts per class of device; null is not looked at."""

    others: BurstDocument | None
    kiosk: BurstDocument | None
    leader: BurstDocument | None


class LongDay(_Part):
    """More minutes than a day of one person bears."""

    above_minutes: Minutes


class ThresholdDocument(_Part):
    """One version of the thresholds."""

    version: Annotated[int, Field(strict=True, ge=1, le=2_147_483_647)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    effective_from: date
    two_sites: MinutesPerClass
    burst: BurstPerClass
    no_check_in: MinutesPerClass
    many_accounts: CountPerClass
    long_day: LongDay
    keep_days: Annotated[int, Field(strict=True, ge=7, le=3660)]

    def thresholds(self) -> Thresholds:
        """The domain's form of this document."""
        bursts = {name: getattr(self.burst, name) for name in BurstPerClass.model_fields}
        return Thresholds(
            self.version,
            self.effective_from,
            self.two_sites.model_dump(),
            {name: None if found is None else Burst(found.records, found.by) for name, found in bursts.items()},
            self.no_check_in.model_dump(),
            self.many_accounts.model_dump(),
            self.long_day.above_minutes,
            self.keep_days,
        )

    def canonical(self) -> bytes:
        """The document as JSON with sorted keys; what its hash is taken of."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    def content_hash(self) -> bytes:
        """SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).digest()


def parse(text: str, where: str = "thresholds") -> ThresholdDocument:
    """Read thresholds from YAML.

    Raises:
        PermanentError: it is not YAML or not thresholds, with the line and the path of each bad field.
    """
    try:
        found = yaml_lines.read(text, where)
    except yaml_lines.NotYaml as error:
        raise PermanentError(f"{where}: line {error.line}: {error.problem}") from error
    try:
        return ThresholdDocument.model_validate(found.value)
    except ValidationError as error:
        problems = [
            f"line {found.line(item['loc'])}, {'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False, include_context=False)
        ]
        raise PermanentError(f"{where}: {'; '.join(problems)}") from error


def shipped() -> list[ThresholdDocument]:
    """The versions that come with the service, in order.

    Raises:
        PermanentError: a file is not valid, or its number is not that of its version.
    """
    documents = []
    for path in sorted(VERSIONS.glob("*.yaml")):
        document = parse(path.read_text("utf-8"), path.name)
        if int(path.stem) != document.version:
            raise PermanentError(f"{path.name} holds version {document.version}")
        documents.append(document)
    return documents
