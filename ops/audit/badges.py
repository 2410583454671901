"""A5: lifetime figures and badges against what the records earn, recomputed in full, a volunteer at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from ops.audit.model import Check
from ops.audit.sql import SQL
from services.points.badges.documents import CriteriaDocument
from services.points.badges.domain import Criteria, Served
from services.points.rules.domain import Facts
from services.points.rules.hours.domain import PROVENANCE_GROUPS, Lifetime
from shared.postgres import Tx

__all__ = ["TITLE", "BadgeProof", "note_of_older"]

TITLE = "badges and lifetime figures = what the records earn"
_DAY, _STATUS, _PROVENANCE, _MINUTES, _THEME = (
    Facts._fields.index(name) + 1 for name in ("day", "status", "provenance", "minutes", "theme")
)
_SITE = len(Facts._fields) + 1
"""Places in a row of records: the volunteer comes first, then what a rule reads, then the site."""


def note_of_older(older: int) -> list[str]:
    """The note about volunteers whom the newest criteria have not judged yet."""
    return [f"{older} volunteers were last judged under earlier criteria"] if older else []


class BadgeProof:
    """Figures and badges of each volunteer, counted anew; ``check`` holds what is wrong."""

    def __init__(self, criteria: Mapping[int, Criteria]) -> None:
        self.check = Check("A5", TITLE)
        self.older = 0
        self._criteria = criteria
        self._newest = max(criteria, default=0)

    @classmethod
    async def begin(cls, tx: Tx) -> BadgeProof:
        """Load all criteria."""
        documents = [
            CriteriaDocument.model_validate_json(row["document"]) for row in await tx.fetch(SQL["criteria_versions"])
        ]
        return cls({document.version: document.criteria() for document in documents})

    def prove(self, volunteer_id: Any, account: Any | None, records: Sequence[Any]) -> None:
        """One volunteer with records or an account; the arguments are rows of the queries by volunteer."""
        check = self.check
        check.examined += 1
        if account is None:
            check.add_violation(f"volunteer {volunteer_id}", "has records and no account")
            return
        _, _, version, kept, badges, awarded, *figures = account
        confirmed = [row for row in records if row[_STATUS] == "confirmed"]
        lifetime = _lifetime(confirmed)
        judged = self._criteria.get(version or 0) or self._criteria.get(self._newest)
        self.older += judged is not None and judged.version != self._newest
        states = [] if judged is None else judged.tally(_served(row) for row in confirmed)
        earned = [] if judged is None else list(judged.earned(lifetime, states))
        known = _known(kept, judged)
        if tuple(figures) == lifetime and known == states and sorted(badges) == earned and awarded == earned:
            return
        pairs: list[tuple[str, Any, Any]] = list(zip(Lifetime._fields, figures, lifetime, strict=True))
        pairs.append(("badge figures", known, states))
        pairs += [("badges", sorted(badges), earned), ("awarded badges", list(awarded), earned)]
        check.differ(f"volunteer {volunteer_id}", pairs)


def _known(figures: str | None, criteria: Criteria | None) -> Any:
    if figures is None:
        return [] if criteria is None else criteria.blank()
    return orjson.loads(figures)


def _served(row: Any) -> Served:
    return Served(row[_DAY], row[_PROVENANCE], row[_MINUTES], row[_THEME], row[_SITE])


def _lifetime(confirmed: Iterable[Any]) -> Lifetime:
    minutes, counts = [0, 0, 0], [0, 0, 0]
    for row in confirmed:
        group = PROVENANCE_GROUPS[row[_PROVENANCE]]
        minutes[group] += row[_MINUTES]
        counts[group] += 1
    return Lifetime(*minutes, *counts)
