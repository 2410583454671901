"""Says an event in one plain sentence, with names in place of ids. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.web.pages.console.forms import FIELDS, FORMS, SAYINGS, WORDS, SentenceForm
from services.web.pages.language import _
from services.web.pages.language.current import translated
from shared.clock import DISTRICT_ZONE

__all__ = ["EventNames", "SentencePart", "catalogue", "ids_of", "sentence", "text_of"]

_PLACE = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class EventNames:
    """Names by id, as far as they are known; ``numbers`` are those of volunteers."""

    sites: Mapping[str, str] = field(default_factory=dict)
    activities: Mapping[str, str] = field(default_factory=dict)
    drives: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SentencePart:
    """A piece of a sentence; ``kind`` and ``id`` say what a name stands for, and are empty for words."""

    text: str
    kind: str = ""
    id: str = ""


def sentence(event: Mapping[str, Any], names: EventNames) -> list[SentencePart]:
    """The sentence of an event of the index, in the current language; never empty."""
    kind, data = event.get("kind", "event"), event.get("value")
    if kind != "event" and kind in SAYINGS:
        return [SentencePart(_(SAYINGS[kind], topic=event.get("topic") or ""))]
    if not isinstance(data, Mapping):
        return [SentencePart(_(SAYINGS["omitted"], type=event.get("type") or kind, size=event.get("size", 0)))]
    form = _form(str(event.get("type")), data)
    if form is None:
        return [SentencePart(_(SAYINGS["unknown"], type=event.get("type") or kind))]
    return list(_parts(translated(form.said), data, names))


def text_of(event: Mapping[str, Any], names: EventNames) -> str:
    """The sentence as text."""
    return "".join(part.text for part in sentence(event, names))


def ids_of(event: Mapping[str, Any], *kinds: str) -> Iterator[str]:
    """The ids in its sentence that stand for something of these kinds."""
    data = event.get("value")
    if isinstance(data, Mapping) and (form := _form(str(event.get("type")), data)) is not None:
        for name in _PLACE.findall(form.said):
            member, kind = FIELDS.get(name, (name, "text"))
            if kind in kinds and data.get(member):
                yield str(data[member])


def catalogue() -> dict[str, Any]:
    """Forms, words and sayings in the current language, for the script of the live page."""
    return {
        "forms": {
            type: [
                {"said": translated(form.said), "when": {k: list(v) for k, v in form.when.items()}} for form in forms
            ]
            for type, forms in FORMS.items()
        },
        "fields": {name: list(field) for name, field in FIELDS.items()},
        "words": {group: {value: translated(said) for value, said in words.items()} for group, words in WORDS.items()},
        "sayings": {name: translated(said) for name, said in SAYINGS.items()},
    }


def _form(type: str, data: Mapping[str, Any]) -> SentenceForm | None:
    return next((form for form in FORMS.get(type, ()) if _fits(form, data)), None)


def _fits(form: SentenceForm, data: Mapping[str, Any]) -> bool:
    return all(_selects(wanted, _plain(data.get(member))) for member, wanted in form.when.items())


def _selects(wanted: tuple[str, ...], value: str) -> bool:
    if not wanted or "*" in wanted:
        return bool(value) == bool(wanted)
    return value in wanted


def _plain(value: object) -> str:
    """A value as text, as the script says it too; nothing for null and for what holds more than one value."""
    if value is None or isinstance(value, Mapping | list | tuple):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parts(said: str, data: Mapping[str, Any], names: EventNames) -> Iterator[SentencePart]:
    position = 0
    for found in _PLACE.finditer(said):
        if found.start() > position:
            yield SentencePart(said[position : found.start()].replace("%%", "%"))
        member, kind = FIELDS.get(found[1], (found[1], "text"))
        yield _part(found[1], kind, data.get(member), data, names)
        position = found.end()
    if position < len(said):
        yield SentencePart(said[position:].replace("%%", "%"))


def _part(name: str, kind: str, value: Any, data: Mapping[str, Any], names: EventNames) -> SentencePart:
    id = _plain(value)
    end = id[-6:].upper()
    match kind:
        case "volunteer":
            return SentencePart(names.numbers.get(id) or _(SAYINGS["someone"], end=end or "—"), kind, id)
        case "site":
            return SentencePart(names.sites.get(id, "") or _unnamed(end, "no_site"), kind, id)
        case "activity":
            title = names.activities.get(id) or _plain(data.get("activity_title"))
            return SentencePart(title or _unnamed(end, "no_activity"), kind, id)
        case "drive" | "team":
            known = names.drives if kind == "drive" else names.teams
            return SentencePart(known.get(id) or _(SAYINGS["unnamed"], end=end or "—"), kind, id)
        case "word":
            words = WORDS[name]
            return SentencePart(_(words[id]) if id in words else id)
    return SentencePart(_SAY.get(kind, _figure)(value))


def _unnamed(end: str, otherwise: str) -> str:
    return _(SAYINGS["unnamed"], end=end) if end else _(SAYINGS[otherwise])


def _figure(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _plain(value)


def _minutes(value: Any) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        return _plain(value)
    hours, rest = divmod(value, 60)
    which = "minutes" if not hours else "hours_minutes" if rest else "hours"
    return translated(SAYINGS[which]) % {"hours": f"{hours:,}", "minutes": rest}


def _signed(value: Any) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        return _plain(value)
    return f"+{value:,}" if value > 0 else f"−{-value:,}" if value < 0 else "0"


def _moment(value: Any) -> str:
    try:
        at = datetime.fromisoformat(str(value)).astimezone(DISTRICT_ZONE)
    except (ValueError, OverflowError):
        return _plain(value)
    return f"{at:%m-%d %H:%M}"


_SAY = {"minutes": _minutes, "signed": _signed, "moment": _moment}
