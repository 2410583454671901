"""Committed schemas are the code's, and a breaking change is caught."""

from pathlib import Path
from typing import Any, ClassVar, Literal

import jsonschema
import pytest

from shared.contracts import BY_TYPE, CONTRACTS
from shared.contracts.base import Contract
from shared.contracts.compatibility import breaks
from shared.contracts.registry import check, export, versions
from shared.errors import PermanentError
from shared.kafka.topics import TOPICS

PERSONAL = {"phone", "id_number", "address", "latitude", "longitude", "email", "birth_date", "person", "full_name"}


def test_committed_schemas_are_those_of_the_code() -> None:
    assert check() == []


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.type)
def test_schema_is_valid_and_topic_is_registered(contract: type[Contract]) -> None:
    jsonschema.Draft202012Validator.check_schema(versions(contract.type)[-1])
    assert contract.topic in TOPICS
    assert contract.key in contract.model_fields
    assert contract.aggregate in contract.model_fields
    assert BY_TYPE[contract.type] is contract


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.type)
def test_no_event_has_a_place_for_personal_data(contract: type[Contract]) -> None:
    assert not PERSONAL & set(contract.model_fields)


def schema(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


BREAKING = {
    "newly required": (schema({"a": {"type": "string"}}), schema({"a": {"type": "string"}}, ("a",))),
    "new member required": (schema({}), schema({"a": {"type": "string"}}, ("a",))),
    "another type": (schema({"a": {"type": "string"}}), schema({"a": {"type": "integer"}})),
    "null taken away": (
        schema({"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}),
        schema({"a": {"type": "string"}}),
    ),
    "enum value taken away": (
        schema({"a": {"type": "string", "enum": ["x", "y"]}}),
        schema({"a": {"type": "string", "enum": ["x"]}}),
    ),
    "free text becomes enum": (schema({"a": {"type": "string"}}), schema({"a": {"type": "string", "enum": ["x"]}})),
    "bound tightened": (schema({"a": {"type": "integer"}}), schema({"a": {"type": "integer", "minimum": 1}})),
    "upper bound tightened": (
        schema({"a": {"type": "string", "maxLength": 9}}),
        schema({"a": {"type": "string", "maxLength": 8}}),
    ),
    "format": (schema({"a": {"type": "string"}}), schema({"a": {"type": "string", "format": "uuid"}})),
    "inside an array": (
        schema({"a": {"type": "array", "items": {"type": "integer"}}}),
        schema({"a": {"type": "array", "items": {"type": "string"}}}),
    ),
}

COMPATIBLE = {
    "optional added": (schema({}), schema({"a": {"type": "string"}})),
    "member removed": (schema({"a": {"type": "string"}}, ("a",)), schema({})),
    "no longer required": (schema({"a": {"type": "string"}}, ("a",)), schema({"a": {"type": "string"}})),
    "enum widened": (
        schema({"a": {"type": "string", "enum": ["x"]}}),
        schema({"a": {"type": "string", "enum": ["x", "y"]}}),
    ),
    "null allowed": (
        schema({"a": {"type": "string"}}),
        schema({"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}),
    ),
    "bound loosened": (
        schema({"a": {"type": "integer", "minimum": 1}}),
        schema({"a": {"type": "integer", "minimum": 0}}),
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_changes_are_named(name: str) -> None:
    assert breaks(*BREAKING[name]) != []


@pytest.mark.parametrize("name", COMPATIBLE)
def test_compatible_changes_pass(name: str) -> None:
    assert breaks(*COMPATIBLE[name]) == []


class First(Contract):
    """Version one."""

    topic: ClassVar[str] = "volunteers"
    type: ClassVar[str] = "volunteering.sample.happened.v1"
    key: ClassVar[str] = "sample_id"
    aggregate: ClassVar[str] = "sample_id"
    sample_id: str
    state: Literal["open", "closed"] = "open"


class Second(First):
    """An optional member more."""

    note: str | None = None


class Third(First):
    """Knows neither the note nor the state "closed": unable to read version one."""

    state: Literal["open"] = "open"


def test_compatibility_is_transitive_and_a_breaking_export_is_refused(tmp_path: Path) -> None:
    assert export(tmp_path, (First,)) == [f"{First.type}/0001.json"]
    assert export(tmp_path, (First,)) == []
    assert export(tmp_path, (Second,)) == [f"{First.type}/0002.json"]
    assert check(tmp_path, (Second,)) == []
    assert any("version 1" in problem for problem in check(tmp_path, (Third,)))
    with pytest.raises(PermanentError, match="would break its readers"):
        export(tmp_path, (Third,))
    assert len(versions(First.type, tmp_path)) == 2


def test_a_forgotten_export_and_a_vanished_contract_are_noticed(tmp_path: Path) -> None:
    export(tmp_path, (First,))
    assert any("not the code's" in problem for problem in check(tmp_path, (Second,)))
    assert any("no longer in the code" in problem for problem in check(tmp_path, ()))
