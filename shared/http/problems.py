"""RFC 9457 problems: every error that leaves the API has this one shape.

``type`` is a stable slug that callers may branch on (a relative reference), ``detail`` a sentence for a person. Nothing
of our inside leaves with it; the correlation id leads to the log.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import ConflictError, Refusal, TransientError
from shared.telemetry import trace

__all__ = ["MEDIA_TYPE", "problem", "problem_of"]

MEDIA_TYPE = "application/problem+json"
_MAX_ERRORS = 20
_RETRY_SECONDS = "1"

_log = structlog.get_logger(__name__)

_SHOULD = re.compile(r"^(?:Input|Value|String|List|Dictionary|Set|Tuple|Data|URL|Bytes|Object) should ")
_MOMENT = "must be a date and time with an offset, such as 2027-01-04T09:00:00+08:00"
_DAY = "must be a date such as 2027-01-04"
_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "json_invalid": "is not valid JSON",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number between -9223372036854775808 and 9223372036854775807",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "timezone_aware": _MOMENT,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "none_required": "must be null",
}


def problem(
    status: int,
    type: str,
    detail: str,
    *,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """A problem document as a response. ``extra`` must not replace the standard members."""
    document: dict[str, Any] = {
        "type": type,
        "title": title or type.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
    }
    document = {**document, **extra, **document}
    here = trace.current()
    if here is not None:
        document["correlation_id"] = here.correlation_id
    body = orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, dict(headers or {}), MEDIA_TYPE)


def problem_of(error: Exception, request: Request | None = None) -> Response:
    """The problem that an exception means; an unforeseen one is logged and means 500."""
    if isinstance(error, Refusal):
        headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else {}
        if "retry_after" in error.extra:
            headers["Retry-After"] = str(error.extra["retry_after"])
        return problem(error.status, error.type, error.detail, title=error.title, headers=headers, **error.extra)
    if isinstance(error, RequestValidationError):
        return _invalid(error, request)
    if isinstance(error, HTTPException):
        return _of_http(error, request)
    if isinstance(error, TransientError | ConnectionError | TimeoutError):
        _log.warning("http.transient", error=type(error).__name__, reason=str(error))
        detail = "The service cannot do this just now: try again in a moment."
        return problem(503, "temporarily-unavailable", detail, headers={"Retry-After": _RETRY_SECONDS})
    if isinstance(error, ConflictError):
        return problem(409, "conflict", str(error) or "The request contradicts what is recorded.")
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        # the database holds what the handler did not foresee: a race, or an id that points nowhere
        _log.error("http.constraint", constraint=getattr(error, "constraint_name", None), exc_info=error)
        return problem(409, "conflict", "The request contradicts what is recorded, or names what does not exist.")
    if isinstance(error, asyncpg.DataError | asyncpg.ProgramLimitExceededError | OverflowError):
        # input that passed our checks and that PostgreSQL cannot hold: the caller's fault, and a gap of ours
        _log.error("http.unstorable", error=type(error).__name__, exc_info=error)
        return problem(422, "value-not-storable", "A value is too large, too long or of a form that cannot be stored.")
    _log.error("http.unhandled", error=type(error).__name__, exc_info=error)
    detail = "Something went wrong on our side. If it happens again, please report the correlation id."
    return problem(500, "internal-error", detail, title="Internal error")


def _of_http(error: HTTPException, request: Request | None) -> Response:
    phrase = HTTPStatus(error.status_code).phrase
    detail = "" if error.detail == phrase else str(error.detail or "")
    if error.status_code == HTTPStatus.NOT_FOUND and not detail:
        detail = "There is nothing at this address."
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not detail:
        allowed = (error.headers or {}).get("Allow", "")
        method = request.method if request is not None else "this method"
        detail = f"{method} is not possible here" + (f"; possible are: {allowed}." if allowed else ".")
    slug = re.sub(r"[^a-z]+", "-", phrase.lower()).strip("-")
    return problem(error.status_code, slug, detail or f"{phrase}.", title=phrase, headers=error.headers)


def _invalid(error: RequestValidationError, request: Request | None) -> Response:
    found = error.errors()
    if request is not None and _of_wrong_type(found, request):
        detail = "Send the body as JSON, with the header 'Content-Type: application/json'."
        return problem(415, "unsupported-media-type", detail)
    errors = [{"field": _field(item["loc"]), "detail": _sentence(item)} for item in found[:_MAX_ERRORS]]
    detail = _first(found[0], errors[0]) if errors else "The request is not valid."
    if len(found) > 1:
        detail += f" There are {len(found) - 1} more such errors." if len(found) > 2 else " There is one more error."
    return problem(422, "invalid-input", detail, errors=errors)


def _first(item: Mapping[str, Any], error: Mapping[str, str]) -> str:
    sentence = error["detail"]
    if item["type"] == "value_error" and len(item["loc"]) == 1:
        return f"{sentence[:1].upper()}{sentence[1:]}."  # a model's own rule speaks of its fields by name
    return f"{error['field']} {sentence}."


def _of_wrong_type(found: Sequence[Any], request: Request) -> bool:
    """Whether the body was not read as JSON, so that complaining about its fields would mislead."""
    if not any(tuple(item["loc"]) == ("body",) and isinstance(item.get("input"), bytes) for item in found):
        return False
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return content_type != "application/json" and not content_type.endswith("+json")


def _field(location: Sequence[str | int]) -> str:
    """``shifts[0].starts_at`` of the body; other places are named."""
    place, *steps = location
    name = ""
    for step in steps:
        if isinstance(step, int):
            name += f"[{step}]"
        elif step.isidentifier():  # pydantic adds names of union members and validators, which say nothing to people
            name += f".{step}" if name else step
        elif "(" not in step and "[" not in step and "-" in step:
            name = step
    if place == "body":
        return name or "the body"
    where = {"path": "in the path", "query": "in the query", "header": "(a header)", "cookie": "(a cookie)"}
    return f"{name} {where.get(str(place), '')}".strip()


def _sentence(error: Mapping[str, Any]) -> str:
    known = _SENTENCES.get(error["type"])
    if known is not None:
        return known
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return _SHOULD.sub("must ", text).rstrip(".")
