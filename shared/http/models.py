"""The base of what comes in and what goes out.

`Input` is for JSON bodies: it takes no unknown field, and no value of another type dressed up (``"1"`` for 1, 0 for
false, a number for a time). Query parameters are text by nature; use plain types with `Instant` and `Limit` there.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.errors import PermanentError
from shared.http.guard import MAX_INTEGER, MIN_INTEGER

__all__ = [
    "EARLIEST",
    "GIVEN_ONCE",
    "LATEST",
    "GivenOnce",
    "Input",
    "Instant",
    "Limit",
    "Output",
    "storable",
]

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
MAX_TEXT, MAX_ITEMS = 4000, 1000
"""Limits of texts and lists that state none of their own."""


def _only_text(kind: type[Any]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not value.lstrip("+-").replace(".", "").isdigit():
            return value
        if isinstance(value, kind):
            return value
        raise PydanticCustomError(f"{kind.__name__}_parsing", "must be written as text")

    return check


_DATETIME, _DATE, _TIME = _only_text(datetime), _only_text(date), _only_text(time)


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise PydanticCustomError("text_nul", "must not hold the character U+0000")
    return value


def _stricter(schema: Any) -> Any:
    """The schema with the limits of this module, at every depth but not inside other models, which bring their own."""
    if isinstance(schema, list | tuple):
        return type(schema)(_stricter(item) for item in schema)
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if kind == "model" or kind in ("literal", "enum"):
        return schema
    if kind == "int":
        return {"ge": MIN_INTEGER, "le": MAX_INTEGER, "strict": True, **schema}
    if kind == "float":
        return {"allow_inf_nan": False, "strict": True, **schema}
    if kind == "bool":
        return {"strict": True, **schema}
    if kind == "str":
        return core_schema.no_info_after_validator_function(_no_nul, {"max_length": MAX_TEXT, **schema})
    if kind == "datetime":
        aware = {"tz_constraint": "aware", "ge": EARLIEST, "lt": LATEST, **schema}
        return core_schema.no_info_before_validator_function(_DATETIME, aware)
    if kind == "date":
        bounded = {"ge": EARLIEST.date(), "lt": LATEST.date(), **schema}
        return core_schema.no_info_before_validator_function(_DATE, bounded)
    if kind == "time":
        return core_schema.no_info_before_validator_function(_TIME, schema)
    inner = {key: value if key in ("metadata", "default") else _stricter(value) for key, value in schema.items()}
    if kind in ("list", "set", "frozenset", "dict"):
        inner.setdefault("max_length", MAX_ITEMS)
    return inner


def _strict_model(schema: Any) -> Any:
    """Apply `_stricter` to the fields of the model, past the validators and definitions wrapped around it."""
    if schema.get("type") == "model":
        return {**schema, "schema": _stricter(schema["schema"])}
    if "schema" in schema:
        return {**schema, "schema": _strict_model(schema["schema"])}
    return schema


class Input(BaseModel):
    """A JSON body."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = _strict_model(handler(source))
        return schema


class Output(BaseModel):
    """A JSON answer."""

    model_config = ConfigDict(frozen=True)


class GivenOnce(Output):
    """A part of an answer that opens something, such as a session: sent once, never stored."""


GIVEN_ONCE = object()
"""Marks a field of an `Output` that is sent once and never stored: ``secret: Annotated[str | None, GIVEN_ONCE]``."""


def storable(answer: BaseModel) -> BaseModel:
    """The answer with null in place of every part that is given once, at any depth.

    Raises:
        PermanentError: the answer as a whole is given once, so that nothing of it can be stored.
    """
    if isinstance(answer, GivenOnce):
        raise PermanentError(f"{type(answer).__name__} is given once: answer with a model that holds it as a member")
    changes: dict[str, Any] = {}
    for name, field in type(answer).model_fields.items():
        value = getattr(answer, name)
        if isinstance(value, GivenOnce) or any(mark is GIVEN_ONCE for mark in field.metadata):
            changes[name] = None
        elif isinstance(value, BaseModel):
            changes[name] = storable(value)
        elif isinstance(value, list | tuple):
            changes[name] = type(value)(storable(item) if isinstance(item, BaseModel) else item for item in value)
    return answer.model_copy(update=changes)


Instant = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
"""A moment in a query or path: RFC 3339 with an offset."""
Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
"""The page size of a listing; give it a default of 50."""
