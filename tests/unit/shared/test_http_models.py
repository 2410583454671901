"""`Input` takes what it says and nothing dressed up as it."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import pytest
from pydantic import Field, ValidationError, model_validator

from shared.http.models import Input


class Kind(StrEnum):
    HOME = "home"
    SITE = "site"


class Shift(Input):
    starts_at: datetime
    capacity: Annotated[int, Field(ge=1, le=500)] = 1


class Activity(Input):
    title: str = "t"
    id: UUID | None = None
    starts_at: datetime | None = None
    day: date | None = None
    until: time | None = None
    count: int = 0
    small: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] = 0
    share: float = 0.0
    docked: bool = False
    kind: Kind = Kind.HOME
    level: Literal["district", "township"] = "district"
    shifts: list[Shift] = Field(default_factory=list)
    tags: dict[str, int] = Field(default_factory=dict)
    short: Annotated[str, Field(max_length=3)] = ""
    evidence: Annotated[str, Field(max_length=20_000)] = ""

    @model_validator(mode="after")
    def _tell(self) -> "Activity":
        if self.title == "forbidden":
            raise ValueError("the title is forbidden")
        return self


CHINA = timezone(timedelta(hours=8))
GOOD: list[tuple[str, Any, Any]] = [
    ("title", "微光", "微光"),
    ("id", "019aa2f4-7c3e-7b0a-9d3f-138123456789", UUID("019aa2f4-7c3e-7b0a-9d3f-138123456789")),
    ("starts_at", "2027-01-04T09:00:00+08:00", datetime(2027, 1, 4, 9, tzinfo=CHINA)),
    ("starts_at", "2027-01-04T01:00:00Z", datetime(2027, 1, 4, 1, tzinfo=UTC)),
    ("starts_at", datetime(2027, 1, 4, 1, tzinfo=UTC), datetime(2027, 1, 4, 1, tzinfo=UTC)),
    ("day", "2027-01-04", date(2027, 1, 4)),
    ("until", "09:30", time(9, 30)),
    ("count", 2**63 - 1, 2**63 - 1),
    ("small", 2**31 - 1, 2**31 - 1),
    ("share", 1, 1.0),
    ("kind", "site", Kind.SITE),
    ("shifts", [{"starts_at": "2027-01-04T01:00:00Z"}], [Shift(starts_at=datetime(2027, 1, 4, 1, tzinfo=UTC))]),
    ("evidence", "x" * 20_000, "x" * 20_000),
]


@pytest.mark.parametrize(("field", "value", "expected"), GOOD)
def test_good_values_are_taken(field: str, value: Any, expected: Any) -> None:
    assert getattr(Activity.model_validate({field: value}), field) == expected


BAD: list[tuple[str, Any]] = [
    ("title", 5),
    ("title", None),
    ("title", "a\x00b"),
    ("title", "\ud800"),
    ("title", "x" * 4001),
    ("short", "abcd"),
    ("short", "a\x00"),
    ("id", "x"),
    ("id", 5),
    ("starts_at", "2027-01-04T09:00:00"),  # where?
    ("starts_at", "2027-01-04"),
    ("starts_at", 1_700_000_000),
    ("starts_at", "1700000000"),
    ("starts_at", "1700000000.5"),
    ("starts_at", "-1"),
    ("starts_at", "0001-01-01T00:00:00+08:00"),
    ("starts_at", "9999-12-31T23:59:59-08:00"),
    ("starts_at", datetime(2027, 1, 4)),
    ("day", 5),
    ("day", "5"),
    ("day", "2027-02-30"),
    ("day", "0001-01-01"),
    ("until", 5),
    ("count", "5"),
    ("count", 5.0),
    ("count", True),
    ("count", 2**63),
    ("count", -(2**63) - 1),
    ("small", 2**31),
    ("small", "5"),
    ("share", "1.5"),
    ("share", float("nan")),
    ("share", float("inf")),
    ("docked", 1),
    ("docked", "yes"),
    ("kind", "palace"),
    ("level", "planet"),
    ("shifts", {}),
    ("shifts", [{"starts_at": "2027-01-04T09:00:00"}]),
    ("shifts", [{"starts_at": "2027-01-04T01:00:00Z", "capacity": "5"}]),
    ("shifts", [{"starts_at": "2027-01-04T01:00:00Z", "capacity": 0}]),
    ("shifts", [{"starts_at": "2027-01-04T01:00:00Z", "more": 0}]),
    ("tags", {"a": "1"}),
    ("tags", {"a\x00": 1}),
    ("tags", {str(n): n for n in range(1001)}),
    ("unknown", 1),
    ("title", "forbidden"),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_values_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        Activity.model_validate({field: value})


def test_the_schema_still_describes_the_fields() -> None:
    properties = Activity.model_json_schema()["properties"]
    assert properties["title"] == {"default": "t", "maxLength": 4000, "title": "Title", "type": "string"}
    assert properties["shifts"]["maxItems"] == 1000


def test_a_body_is_frozen() -> None:
    body = Shift(starts_at=datetime(2027, 1, 4, tzinfo=UTC))
    with pytest.raises(ValidationError):
        body.capacity = 5  # type: ignore[misc]


def test_recursive_models_are_strict_at_every_depth() -> None:
    class Node(Input):
        value: int
        children: "list[Node]" = Field(default_factory=list)

    Node.model_rebuild(_types_namespace={"Node": Node})
    assert Node.model_validate({"value": 1, "children": [{"value": 2}]}).children[0].value == 2
    with pytest.raises(ValidationError):
        Node.model_validate({"value": 1, "children": [{"value": "2"}]})


def test_inherited_models_are_strict_too() -> None:
    class Later(Shift):
        id: UUID

    with pytest.raises(ValidationError):
        Later.model_validate({"starts_at": 5, "id": str(uuid4())})
