"""Catalogues of translations: a ``.po`` file becomes a dictionary when the process starts, one look-up per sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

__all__ = ["LOCALES", "Translations", "catalogue_path", "forms_of", "read_catalogue"]

LOCALES = Path(__file__).parents[2] / "locale"


@dataclass(frozen=True, slots=True)
class Translations:
    """Translations by the Chinese sentence: one form, or the forms for one and for many."""

    forms: Mapping[str, tuple[str, ...]]
    script: Mapping[str, tuple[str, ...]]
    """Those that the page's script says."""

    def say(self, sentence: str, n: float | None = None) -> str:
        """The translation of a sentence for a number of things; the sentence itself where there is none."""
        forms = self.forms.get(sentence)
        if forms is None:
            return sentence
        return forms[0] if n is None or abs(n) == 1 else forms[-1]


def catalogue_path(language: str) -> Path:
    """Where the catalogue of a language is."""
    return LOCALES / language / "LC_MESSAGES" / "web.po"


def forms_of(message: Message) -> tuple[str, tuple[str, ...]]:
    """A message as its sentence and its translations, of which some may be empty."""
    sentence = message.id if isinstance(message.id, str) else message.id[0]
    said = message.string or ""
    return sentence, (said,) if isinstance(said, str) else tuple(said)


def read_catalogue(path: Path) -> Translations:
    """The translations of a ``.po`` file; sentences without one are left out.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        found = read_po(file, abort_invalid=True)
    forms: dict[str, tuple[str, ...]] = {}
    script: dict[str, tuple[str, ...]] = {}
    for message in found:
        sentence, said = forms_of(message)
        if not sentence or not all(said):
            continue
        forms[sentence] = said
        if any(place.endswith(".js") for place, _ in message.locations):
            script[sentence] = said
    return Translations(forms, script)
