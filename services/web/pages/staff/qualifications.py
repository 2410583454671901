"""Trainings and skills that activities ask for, as choices by name."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.web.pages.language import SOURCE, current
from services.web.pages.visit import Visit

__all__ = ["known_qualifications", "qualification_choices", "qualification_names"]


async def known_qualifications(visit: Visit) -> list[Mapping[str, Any]]:
    """The trainings and skills that are known; none where the service is away, so that forms show what is chosen."""
    found = await visit.get_optional("recruitment", "/qualifications")
    return list(found["items"]) if found else []


def qualification_names(known: Iterable[Mapping[str, Any]], kind: str) -> dict[str, str]:
    """Code → name in the current language, or the code itself where it has no name."""
    member = "zh" if current() == SOURCE else "en"
    return {str(one["code"]): str(one[member] or one["code"]) for one in known if one["kind"] == kind}


def qualification_choices(
    known: Iterable[Mapping[str, Any]], kind: str, chosen: Iterable[str]
) -> list[tuple[str, str, bool]]:
    """(code, name, whether it is chosen): chosen ones first, also those that are no longer known."""
    names = qualification_names(known, kind)
    first = list(dict.fromkeys(chosen))
    rest = sorted((code for code in names if code not in first), key=names.__getitem__)
    return [(code, names.get(code, code), code in first) for code in (*first, *rest)]
