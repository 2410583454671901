"""The reference of all services' APIs: one OpenAPI document, and one page of it without any foreign script."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp
import orjson
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from services.web.gateway.upstream import UpstreamAway
from services.web.pages.render import finish, page
from services.web.pages.visit import Visit, VisitOf, staff_only
from services.web.settings import UPSTREAM_NAMES
from shared.auth.access import public

__all__ = ["merged", "router", "sections"]

router = APIRouter(prefix="/staff/api", include_in_schema=False, dependencies=[public()])

AGE_SECONDS = 60.0
_SCHEMAS = "#/components/schemas/"


@router.get("")
async def reference(visit: VisitOf) -> Response:
    """The routes by service and subject: who may call them, what they take and what they answer."""
    staff_only(visit)
    found = sections(await _document(visit))
    return page("operator/api.html", visit.session, path=visit.path, sections=found)


@router.get("/openapi.json")
async def document(visit: VisitOf) -> Response:
    """The whole document."""
    staff_only(visit)
    answer = JSONResponse(await _document(visit), headers={"cache-control": "no-store"})
    return finish(answer, visit.session)


async def _document(visit: Visit) -> dict[str, Any]:
    async def load() -> dict[str, Any]:
        found = await asyncio.gather(*(_described(visit, service) for service in UPSTREAM_NAMES))
        return merged(dict(zip(UPSTREAM_NAMES, found, strict=True)), visit.web.settings.public_url)

    answer: dict[str, Any] = await visit.web.cache.get("openapi", AGE_SECONDS, load)
    return answer


async def _described(visit: Visit, service: str) -> dict[str, Any]:
    url = f"{visit.web.upstream.base(service)}/openapi.json"
    try:
        async with visit.web.upstream.session.get(url, allow_redirects=False) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = orjson.loads(await answer.read())
            return found
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise UpstreamAway(f"{service} does not describe itself: {error!r}") from error


def merged(documents: Mapping[str, dict[str, Any]], url: str) -> dict[str, Any]:
    """One document of several: schemas are named after their service, and the services' internals are left out."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    security: dict[str, Any] = {}
    for service, found in documents.items():
        own = json.loads(json.dumps(found).replace(_SCHEMAS, f"{_SCHEMAS}{service}."))
        paths |= {path: item for path, item in own.get("paths", {}).items() if "/internal/" not in path}
        components = own.get("components", {})
        schemas |= {f"{service}.{name}": schema for name, schema in components.get("schemas", {}).items()}
        security |= components.get("securitySchemes", {})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Weiguang", "version": "1"},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": security},
    }


def sections(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operations as the page shows them: by service, then by subject, in the order of the document."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            subject = (path.split("/")[2], next(iter(operation.get("tags", ())), "other"))
            found.setdefault(subject, []).append(_operation(document, method, path, operation))
    return [
        {"service": service, "tag": tag, "id": f"{service}-{tag}".replace(" ", "-"), "operations": operations}
        for (service, tag), operations in found.items()
    ]


def _operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = []
    for status, response in operation.get("responses", {}).items():
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema")
        answers.append(
            {
                "status": status,
                "types": ", ".join(content),
                "fields": [] if schema is None or status == "default" else list(_fields(document, schema)),
            }
        )
    roles = operation.get("x-roles")
    return {
        "method": method.upper(),
        "path": path,
        "text": operation.get("description") or operation.get("summary", ""),
        "roles": ", ".join(roles) if roles else "everybody",
        "parameters": [
            {
                "name": each["name"],
                "hint": each["in"],
                "required": each.get("required", False),
                "type": _type(document, each.get("schema", {})),
            }
            for each in operation.get("parameters", ())
        ],
        "body": [] if body is None else list(_fields(document, body)),
        "answers": answers,
    }


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The fields of an object, each with its type; of a list of objects, theirs."""
    schema = _resolved(document, schema)
    if schema.get("type") == "array":
        schema = _resolved(document, schema.get("items", {}))
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield {
            "name": name,
            "required": name in required,
            "type": _type(document, field),
            "hint": field.get("description", ""),
        }


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition(".")[2]
        values = _resolved(document, schema).get("enum")
        return " | ".join(map(str, values)) if values else name
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(_type(document, each) for each in schema[union])
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_type(document, schema.get('items', {}))}"
    kind = str(schema.get("format") or schema.get("type") or "any")
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "≥"), ("maximum", "≤"), ("minLength", "length ≥"), ("maxLength", "length ≤"))
        if key in schema
    ]
    return f"{kind} ({', '.join(bounds)})" if bounds else kind


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"].get(reference.removeprefix(_SCHEMAS), {})
    return found
