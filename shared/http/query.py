"""Query parameters that a route does not have are refused: a misspelt filter must not answer with everything."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams

from shared.errors import Invalid

__all__ = ["refuse_unknown_parameters"]


async def refuse_unknown_parameters(request: Request) -> None:
    """Require that every query parameter of a request is one that its route has.

    Raises:
        Invalid: ``parameter-unknown``, with the parameter and the allowed ones.
    """
    given = request.scope["query_string"]
    route = request.scope.get("route")
    if not given or not isinstance(route, APIRoute):
        return
    allowed = frozenset(_names(route.dependant))
    for name in QueryParams(given):
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            said = f"Allowed are: {known}." if known else "It has none."
            detail = f"This address has no query parameter {name[:100]!r}. {said}"
            raise Invalid("parameter-unknown", detail, parameter=name[:100], allowed=sorted(allowed))


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)
