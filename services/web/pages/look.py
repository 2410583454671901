"""How a browser wants the pages: theme, size of type and language, kept in cookies that hold nothing else."""

from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.web.gateway.headers import Headers, cookie, cookies
from services.web.pages import language
from services.web.pages.language.current import COOKIE
from services.web.pages.visit import VisitOf, safe_next
from shared.auth.access import public

__all__ = ["Appearance", "current", "look_of", "remember", "router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

THEMES = ("auto", "light", "dark")
SIZES = ("normal", "large")
_THEME, _SIZE = "wg_theme", "wg_size"
_SECONDS = 400 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Appearance:
    """Theme (``auto`` follows the device) and size of type."""

    theme: str = "auto"
    size: str = "normal"


_current: ContextVar[Appearance] = ContextVar("look")


def look_of(headers: Headers) -> Appearance:
    """The look that a request's cookies ask for; an unknown value counts as none."""
    found = cookies(headers)
    theme, size = found.get(_THEME, ""), found.get(_SIZE, "")
    return Appearance(theme if theme in THEMES else "auto", size if size in SIZES else "normal")


def remember(headers: Headers) -> None:
    """Keep the look and the language of a request for the pages that answer it."""
    _current.set(look_of(headers))
    language.choose(language.language_of(headers))


def current() -> Appearance:
    """The look of the request that is being answered."""
    return _current.get(Appearance())


@router.post("/look")
async def change_look(visit: VisitOf, request: Request) -> Response:
    """Store a theme, a size of type or a language and show the same page again; works without the script."""
    sent = parse_qs((await request.body())[:4096].decode("utf-8", "replace"))
    response = RedirectResponse(safe_next(sent.get("next", [""])[0], "/"), 303)
    choices = ((_THEME, "theme", THEMES), (_SIZE, "size", SIZES), (COOKIE, "language", tuple(language.LANGUAGES)))
    for name, field, known in choices:
        value = sent.get(field, [""])[0]
        if value in known:
            kept = cookie(name, value, seconds=_SECONDS, secure=visit.web.settings.secure)
            response.raw_headers.append(kept)
    return response
