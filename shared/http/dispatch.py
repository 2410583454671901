"""The way of a request to its route without a walk over all routers.

FastAPI tries the routes of an app one after the other, at some microseconds each; an API of 250 routes spends as much
time on that as on the whole work. The index names the few routers that a path can lie in, which then match as before.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

__all__ = ["RouteIndex"]

_Key = tuple[int, str, str]
_CHOSEN = "weiguang.route"


class RouteIndex(BaseRoute):
    """The first route of an app: hands requests to the first of the others that matches, as the app itself does.

    What no route matches in full is left to the app, which answers 404 and 405.

    Args:
        routes: the app's own list, which may grow and may hold this index.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes
        self._known = -1
        self._table: dict[_Key, list[int]] = {}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The full match of a request, with the route that handles it in the scope; none otherwise."""
        if scope["type"] != "http" or scope.get("root_path"):
            return Match.NONE, {}
        for route in self.candidates(scope["path"]):
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                return match, {**child_scope, _CHOSEN: route}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the route that matched."""
        await scope[_CHOSEN].handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """No address: the routes behind the index have them."""
        raise NoMatchFound(name, path_params)

    def candidates(self, path: str) -> Iterator[BaseRoute]:
        """The routes that the path can lie in, in the app's order."""
        if len(self._routes) != self._known:
            self._build()
        found: set[int] = set()
        count, last, end = path.count("/"), path.rpartition("/")[2], 0
        while end >= 0:
            # each prefix that ends with a segment, the whole path included
            end = path.find("/", end + 1)
            prefix = path if end < 0 else path[:end]
            for key in ((count, prefix, last), (count, prefix, ""), (ANY, prefix, "")):
                found.update(self._table.get(key, ()))
        for key in ((count, "", last), (count, "", ""), (ANY, "", "")):
            found.update(self._table.get(key, ()))
        return (self._routes[place] for place in sorted(found))

    def _build(self) -> None:
        table: dict[_Key, list[int]] = {}
        for place, route in enumerate(self._routes):
            if route is self:
                continue
            for context in iter_route_contexts([route]):
                template = context.path
                # what has no template, such as a mount, may lie anywhere
                places = table.setdefault(_key(template) if template else (ANY, "", ""), [])
                if place not in places:
                    places.append(place)
        self._table, self._known = table, len(self._routes)


ANY = -1
"""In place of a number of segments: a parameter that takes any number of them."""


def _key(template: str) -> _Key:
    """The number of a template's segments, its literal beginning up to the first with a parameter, and its last one.

    The last is empty where it has a parameter, and where all are literal.
    """
    if ":path}" in template:
        return ANY, "", ""
    literal, brace, _rest = template.partition("{")
    if not brace:
        return template.count("/"), template, ""
    last = template.rpartition("/")[2]
    return template.count("/"), literal.rpartition("/")[0], "" if "{" in last else last
