"""The catalogues of the pages' sentences, brought up to date with templates, Python and script.

``python -m dev.docs.catalogue`` keeps the translations of all sentences that still stand, adds new ones without a
translation, drops the others, and names what is missing.
"""

import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from services.web.pages.language import LANGUAGES
from services.web.pages.language.catalogue import catalogue_path, forms_of
from services.web.pages.language.current import SOURCE

__all__ = ["PAGES", "TRANSLATED", "extracted", "merged", "missing"]

PAGES = Path(__file__).resolve().parents[2] / "services" / "web" / "pages"
TRANSLATED = tuple(language for language in LANGUAGES if language != SOURCE)

_KEYWORDS: Mapping[str, tuple[int, ...] | None] = {"_": None, "gettext": None, "N_": None, "_n": (1, 1), "N_n": (1, 1)}
"""Functions whose first argument is a sentence; Chinese has one form, so `_n` and `N_n` are given it once."""
_METHODS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    ".py": (".", "python", {}),
    ".html": (
        "templates",
        "jinja2.ext:babel_extract",
        {
            "trim_blocks": "true",
            "lstrip_blocks": "true",
            "trimmed": "true",
            "newstyle_gettext": "true",
            "silent": "false",
        },
    ),
    ".js": ("static", "javascript", {}),
}
_HEAD = """# English sentences of the pages. Written by `python -m dev.docs.catalogue`; only `msgstr` is edited by hand.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def _files() -> Iterator[tuple[str, Path]]:
    for suffix, (folder, *_rest) in _METHODS.items():
        for path in sorted((PAGES / folder).rglob(f"*{suffix}")):
            yield suffix, path


def extracted() -> Catalog:
    """All sentences that stand in the pages, without translations, by file in the order of their first use."""
    found = Catalog(fuzzy=False)
    for suffix, path in _files():
        _folder, method, options = _METHODS[suffix]
        with path.open("rb") as file:
            for _line, message, _comments, context in extract(
                method, file, keywords=_KEYWORDS, options={**options, "encoding": "utf-8"}
            ):
                found.add(message, locations=[(path.relative_to(PAGES).as_posix(), 0)], context=context)
    return found


def merged(language: str) -> str:
    """The catalogue of a language as it should be: the sentences of the pages, with the translations known so far.

    Raises:
        OSError: the present catalogue cannot be read.
    """
    with catalogue_path(language).open("rb") as file:
        known = read_po(file, locale=language)
    result = Catalog(locale=language, fuzzy=False)
    for message in extracted():
        if not message.id:
            continue
        sentence, _empty = forms_of(message)
        before = known.get(sentence)
        said = forms_of(before)[1] if before else ("",)
        one_or_many = (said[0], said[-1]) if message.pluralizable else said[0]
        places = list(dict.fromkeys(message.locations))
        result.add(message.id, one_or_many, locations=places, flags=message.flags)
    text = io.BytesIO()
    write_po(text, result, width=0, omit_header=True, include_lineno=False)
    return _HEAD.format(language=language) + text.getvalue().decode("utf-8")


def missing(language: str) -> list[str]:
    """The sentences of the present catalogue that have no translation."""
    with catalogue_path(language).open("rb") as file:
        found = read_po(file, locale=language)
    return [sentence for sentence, said in map(forms_of, found) if sentence and not all(said)]


if __name__ == "__main__":
    for each in TRANSLATED:
        catalogue_path(each).write_text(merged(each), "utf-8")
        for sentence in missing(each):
            print(f"{each}: no translation of {sentence}", file=sys.stderr)
