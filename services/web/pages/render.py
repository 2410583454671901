"""Templates, and the answers made of them."""

import hashlib
from pathlib import Path
from typing import Any, TypeVar

import segno
from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.web.gateway.sessions import Session
from services.web.pages import assets, language, look, message_ways, wording
from services.web.pages.criterion_words import criterion_said
from services.web.pages.forms import PostForms
from services.web.pages.icons import icon
from services.web.pages.language.current import translated
from services.web.pages.navigation import navigation_of

_Answer = TypeVar("_Answer", bound=Response)

__all__ = ["finish", "fragment", "page", "part", "part_state", "qr"]


def qr(content: str, *, label: str) -> Markup:
    """A QR code as SVG that stands in the page itself; scales with its box."""
    code = segno.make(content, error="m", micro=False)
    drawing = code.svg_inline(
        scale=1, border=4, omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
    # segno has no option for an accessible name
    named = drawing.replace("<svg ", Markup('<svg role="img" aria-label="{}" ').format(label), 1)
    return Markup(named)  # noqa: S704 - drawn by segno from modules alone; the label is escaped above


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    extensions=[PostForms, "jinja2.ext.i18n"],
)


def _counted(sentence: str, n: int | None, /, **values: Any) -> Markup:
    """`_n` for templates, a dash where there is no number: what is filled in is escaped, the sentence is ours."""
    return Markup(translated(sentence, n or 0)) % {"n": wording.figure(n), **values}  # noqa: S704 - from the templates and catalogues


def _plural(sentence: str, _many: str, n: int) -> str:
    return translated(sentence, n)


_environment.policies["ext.i18n.trimmed"] = True
# The extension adds this method; the one that it gives templates escapes what is filled in.
_environment.install_gettext_callables(translated, _plural, newstyle=True)  # type: ignore[attr-defined]
_environment.filters.update(wording.FILTERS, standing_alone=language.standing_alone)
_environment.filters.update(linked=message_ways.linked, way_of=message_ways.way_of, criterion_said=criterion_said)
_environment.globals.update(
    span=wording.span,
    choices_of=wording.choices_of,
    asset=assets.address,
    qr=qr,
    icon=icon,
    look=look.current,
    navigation=navigation_of,
    language=language.current,
    languages=tuple(language.LANGUAGES.items()),
    words=assets.words,
    _n=_counted,
    listed=language.listed,
)


def page(name: str, session: Session, /, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page; never kept by caches in between, as it may be about a person."""
    html = _environment.get_template(name).render(session=session, path=context.pop("path", ""), **context)
    return finish(HTMLResponse(html, status, headers={"cache-control": "no-store"}), session)


def fragment(name: str, session: Session, /, **context: Any) -> str:
    """The HTML of a part of a page."""
    return _environment.get_template(name).render(session=session, **context)


def part(name: str, session: Session, /, **context: Any) -> HTMLResponse:
    """A part of a page, with a mark by which the script sees whether anything changed."""
    html = fragment(name, session, **context)
    headers = {"cache-control": "no-store", "x-part-state": part_state(html)}
    return finish(HTMLResponse(html, headers=headers), session)


def part_state(html: str) -> str:
    """The mark of a part's content."""
    return hashlib.blake2b(html.encode(), digest_size=8).hexdigest()


def finish(response: _Answer, session: Session) -> _Answer:
    """Let the session's refreshed or deleted cookies go out with an answer."""
    response.raw_headers[:] = session.on(response.raw_headers)
    return response
