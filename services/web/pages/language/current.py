"""The language of the request that is being answered, and sentences in it."""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any

from services.web.gateway.headers import Headers, cookies, find
from services.web.pages.language.catalogue import Translations, catalogue_path, read_catalogue

__all__ = [
    "COOKIE",
    "LANGUAGES",
    "N_",
    "SOURCE",
    "N_n",
    "_",
    "_n",
    "catalogue_of",
    "choose",
    "current",
    "language_of",
    "listed",
    "standing_alone",
    "titled",
    "translated",
]

SOURCE = "zh-CN"
"""The language that sentences are written in."""
LANGUAGES: Mapping[str, str] = {SOURCE: "中文", "en": "English"}
"""Languages by the name that each has for itself."""
COOKIE = "wg_language"
_ACCEPTED = 1000
"""Characters of an ``Accept-Language`` header that are read."""

_CATALOGUES = {language: read_catalogue(catalogue_path(language)) for language in LANGUAGES if language != SOURCE}
_current: ContextVar[str] = ContextVar("language", default=SOURCE)


def current() -> str:
    """The language of the request that is being answered, as ``<html lang>`` names it."""
    return _current.get()


def choose(language: str) -> None:
    """Answer the present request in a language; an unknown one counts as the source's."""
    _current.set(language if language in LANGUAGES else SOURCE)


def language_of(headers: Headers) -> str:
    """The language that a request asks for: by the cookie of the switch, else by what the browser accepts."""
    chosen = cookies(headers).get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    accepted = (find(headers, b"accept-language") or b"")[:_ACCEPTED].decode("latin-1")
    wishes = sorted(_wishes(accepted), reverse=True)
    return wishes[0][2] if wishes and wishes[0][0] > 0 else SOURCE


def _wishes(accepted: str) -> Iterable[tuple[float, int, str]]:
    """(weight, rank, language) of each range that one of the languages answers; the earlier of equal weight wins."""
    for rank, part in enumerate(accepted.split(",")):
        tag, _semicolon, weight = part.strip().lower().partition(";")
        prefix = tag.strip().partition("-")[0]
        for language in LANGUAGES:
            if prefix == language.partition("-")[0]:
                yield _weight(weight), -rank, language


def _weight(text: str) -> float:
    name, _equals, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        found = float(value)
    except ValueError:
        return 0.0
    return found if 0 <= found <= 1 else 0.0


def catalogue_of(language: str) -> Translations:
    """The catalogue of a language other than the source.

    Raises:
        KeyError: there is none.
    """
    return _CATALOGUES[language]


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a sentence of a table for the catalogue; `_` translates it where it is used."""
    return sentence


def N_n(sentence: str) -> str:  # noqa: N802
    """Mark a sentence of a table about a number of things; `_n` translates it where it is used."""
    return sentence


def translated(sentence: str, n: float | None = None) -> str:
    """A sentence in the current language, for a number of things if there is one; its ``%(name)s`` stay as they are."""
    catalogue = _CATALOGUES.get(_current.get())
    return catalogue.say(sentence, n) if catalogue else sentence


def _(sentence: str, /, **values: Any) -> str:
    """A sentence in the current language, with its ``%(name)s`` filled in; a percent sign is written ``%%``."""
    return translated(sentence) % values


def titled(text: str) -> str:
    """A word or two that stand alone, translated: in English they also stand inside sentences, in lower case."""
    return standing_alone(_(text))


def standing_alone(said: str) -> str:
    """Translated words as they stand alone, with a capital; markup stays markup."""
    return said[:1].upper() + said[1:]


def _n(sentence: str, n: float, /, **values: Any) -> str:
    """A sentence about a number of things, ``%(n)s``: other languages have one form for one and one for many.

    ``n=…`` shows the number in another way, such as with its sign.
    """
    return translated(sentence, n) % {"n": f"{n:,}", **values}


def listed(things: Iterable[object]) -> str:
    """Things in a row, with the comma of the current language between them."""
    return ("、" if _current.get() == SOURCE else ", ").join(str(thing) for thing in things)
