"""Each route of recruitment is called by a page, or is listed here with the reason why none calls it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fastapi import FastAPI

from services.recruitment.routers import ROUTERS
from services.web.pages import render
from services.web.pages.staff import organisation
from shared.http.routes import walk_routes

PAGES = Path(render.__file__).parent
PREFIX = "/api/recruitment/v1"
Route = tuple[str, str]

_PROGRAM = "programs call it: devices, demos and other services"
NO_PAGE: Mapping[Route, str] = {
    ("GET", "/auth/me"): _PROGRAM,
    ("POST", "/auth/refresh"): "the gateway refreshes sessions",
    ("GET", "/drives/*"): _PROGRAM,
    ("GET", "/internal/volunteers/*/address"): _PROGRAM,
    ("GET", "/looks"): "the centre's list of looks stands in the security log",
    ("POST", "/teams/*/leader"): "the page of a team makes a member its leader by the role; a program appoints at once",
    ("POST", "/activities/batches"): _PROGRAM,
    ("POST", "/attendance/batches"): _PROGRAM,
    ("POST", "/imports"): "files of the registry are proposed by a program",
    ("POST", "/imports/*/batches"): "files of the registry are imported by a program",
    ("POST", "/imports/digests"): "files of the registry are proposed by a program",
    ("PUT", "/staff/*/volunteer"): "the centre says by API which volunteer a member of staff is",
}
"""Routes that no page calls on purpose, and why. This list only gets shorter."""

MOST_WITHOUT_PAGE = 12

_SET = re.compile(r"{%-?\s*set (\w+) = (.+?)\s*-?%}")
_PRINTED = re.compile(r"{{.*?}}")
_FIELD = re.compile(r"{\w[^{}]*}")
_FORM = re.compile(r"(GET|POST|PUT|PATCH|DELETE) /api/recruitment/v1(/[^\"'?\s]*)")
_LINK = re.compile(r"(?:href|src)=\"/api/recruitment/v1(/[^\"?\s]*)")
_ACT = re.compile(r"\bact\(('/\w[^,]+), _\(")
_CALL = re.compile(r"\b(ask|get_optional|post|api)\(\s*\"recruitment\",\s*f?\"(/[^\"?]*)\"")
_PATH = re.compile(r"f?\"(/[a-z][^\"?\s]*)\"")


STRUCTURES = tuple(organisation.TABS)
"""What the page of the organisation lists, creates, edits and closes by one form for each kind."""


def _structures() -> Iterator[Route]:
    for kind in (*STRUCTURES, "honours"):
        yield "GET", f"/{kind}"
        yield "POST", f"/{kind}"
        yield "PATCH", f"/{kind}/*"
        yield "POST", f"/{kind}/*/close"


def _joined(expression: str) -> str:
    """``'/a/' ~ b ~ '/c'`` as ``/a/*/c``."""
    return "".join(part.strip()[1:-1] if part.strip()[:1] in "'\"" else "*" for part in expression.split("~"))


def _template(source: str) -> Iterator[Route]:
    for name, value in _SET.findall(source):
        if value.startswith(("'/", "'POST /")):
            source = source.replace("{{ " + name + " }}", _joined(value))
    # the buttons of the scan page get the last word of the address
    yield from (("POST", f"/attendance/{verb}") for verb in re.findall(r"\bact\('(check-\w+|walk-ins)'", source))
    # a macro that makes a form with one button gets the address first
    yield from (("POST", _joined(path)) for path in _ACT.findall(source))
    plain = _FIELD.sub("*", _PRINTED.sub("*", source))
    yield from _FORM.findall(plain)
    yield from (("GET", path) for path in _LINK.findall(plain))


def _script(source: str) -> Iterator[Route]:
    for verb, path in _CALL.findall(source):
        yield "POST" if verb == "post" else "GET", _FIELD.sub("*", path)
    # what stands in a table of questions, or is posted by the browser that a session is bound to
    for path in _PATH.findall(source):
        yield "GET", _FIELD.sub("*", path)
        yield "POST" if "browser.post" in source else "GET", _FIELD.sub("*", path)


def called() -> set[Route]:
    """The routes that templates and pages name, ids as ``*``."""
    found: set[Route] = set(_structures())
    for path in PAGES.rglob("*"):
        if path.suffix == ".html":
            found.update(_template(path.read_text("utf-8")))
        elif path.suffix in (".py", ".js"):
            source = path.read_text("utf-8")
            found.update(_script(source))
            found.update(_template(source))
    return found


def offered() -> set[Route]:
    """The routes of the API, without those that every service mounts for its operators."""
    app = FastAPI(openapi_url=None)
    # the last are the operators' routes, which all services share: the console's pages call them
    for router in ROUTERS[:-1]:
        app.include_router(router)
    return {
        (route.method, re.sub(r"{\w+}", "*", route.path.removeprefix(PREFIX)))
        for route in walk_routes(app)
        if route.path.startswith(PREFIX)
    }


def test_each_route_is_called_by_a_page_or_has_none_on_purpose() -> None:
    without = offered() - called()
    assert without - set(NO_PAGE) == set(), "call it from a page, or say in NO_PAGE why no page does"


def test_the_list_of_routes_without_a_page_only_gets_shorter() -> None:
    assert len(NO_PAGE) <= MOST_WITHOUT_PAGE
    assert all(reason.strip() for reason in NO_PAGE.values())
    assert set(NO_PAGE) - offered() == set(), "a route that is gone needs no reason"


def test_routes_are_found_in_forms_and_not_made_up() -> None:
    assert ("POST", "/shifts/*/cancellation") in called()
    assert ("POST", "/shifts/*/anything") not in called()
