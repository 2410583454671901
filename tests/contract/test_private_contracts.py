"""No event has room for personal data: every text of a contract is an id, a code, or public for a written reason."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from shared.contracts import CONTRACTS
from shared.contracts.base import Contract
from shared.contracts.registry import schema_of

PUBLIC = {
    "name": "public name of a site, a drive, or a badge of the criteria",
    "title": "public title of a published activity",
    "activity_title": "public title of the activity, as its volunteers were shown it",
    "reward_name": "public name in the catalogue of rewards",
    "theme": "public theme of the activity, founded by the centre",
    "kind": "public kind of the service, as its activity names it",
    "need": "code of a need on the public menu",
    "need_name": "public name of a need on the menu",
    "code": "code in the public address of a drive's page",
}
"""Text that the centre or a site typed to be shown to everybody; none of it is about a person."""
CODES = {
    "badge": "code of a badge, from the criteria",
    "bucket": "name of a unit of records: a business day, or what one award is for",
    "criteria_version": "number of a version",
    "rule_version": "number of a version",
    "thresholds_version": "number of a version",
    "template": "name of a template",
    "waits_for": "codes of reasons",
    "subject": "id of a volunteer, an account, a device, or of what an operator acted on",
    "service": "name of a service",
    "role": "name of a role",
    "consumer_group": "name of a consumer group",
    "device_ref": "id of a device, or random id of a browser",
    "district": "the district, constant within one installation",
    "watched": "code of a monitor, and the subject",
    "group": "name of a consumer group",
    "topic": "name of a topic",
}
"""Text that only code makes."""
FORBIDDEN = ("phone", "address", "latitude", "longitude", "email", "birth", "person", "full_name", "number", "reason",
             "note", "comment", "evidence", "words", "text")  # fmt: skip
"""Parts of the names of fields that would hold personal data, a printed number, or what a person typed."""
SAFE_FORMATS = ("uuid", "date-time", "date")


def _texts(schema: dict[str, Any], root: dict[str, Any], name: str = "") -> Iterator[str]:
    """The names of all members, at any depth, that can hold text of any kind."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    for branch in schema.get("anyOf", ()):
        yield from _texts(branch, root, name)
    if schema.get("type") == "object":
        if schema.get("additionalProperties"):
            yield name
        for member, inner in schema.get("properties", {}).items():
            yield from _texts(inner, root, member)
    elif schema.get("type") == "array":
        for inner in [schema.get("items", {}), *schema.get("prefixItems", ())]:
            yield from _texts(inner, root, name)
    elif schema.get("type") == "string" and "enum" not in schema and "const" not in schema:
        if schema.get("format") not in SAFE_FORMATS:
            yield name
    elif not schema.keys() & {"type", "anyOf", "enum", "const"}:
        yield name


def _members(schema: dict[str, Any]) -> set[str]:
    found = set(schema.get("properties", {}))
    for inner in schema.get("$defs", {}).values():
        found |= set(inner.get("properties", {}))
    return found


def open_texts(contract: type[Contract]) -> set[str]:
    """The members of a contract that could hold text of a person."""
    schema = schema_of(contract)
    return set(_texts(schema, schema)) - PUBLIC.keys() - CODES.keys()


def forbidden(contract: type[Contract]) -> set[str]:
    """The members of a contract whose names say that they hold what no event may."""
    texts = {name for name in _members(schema_of(contract)) if any(part in name.split("_") for part in FORBIDDEN)}
    closed = {"reason"} if contract.type == "volunteering.points.posted.v1" else set()  # an enumeration
    return texts - closed


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.type)
def test_no_event_has_room_for_what_a_person_typed_or_for_personal_data(contract: type[Contract]) -> None:
    assert open_texts(contract) == set(), "say in this file why it is public or a code, or take it out of the event"
    assert forbidden(contract) == set()


def test_what_is_allowed_is_used() -> None:
    used = {name for contract in CONTRACTS for name in _texts(schema_of(contract), schema_of(contract))}
    assert (PUBLIC.keys() | CODES.keys()) - used == set()


def test_a_text_that_is_not_explained_is_found() -> None:
    class Chatty(Contract):
        type: ClassVar[str] = "volunteering.sample.happened.v1"
        remark: str | None = None
        answers: tuple[dict[str, str], ...] = ()
        volunteer_number: int = 1

    assert open_texts(Chatty) == {"remark", "answers"}
    assert forbidden(Chatty) == {"volunteer_number"}
