"""Badges and stars: which ones lifetime figures earn under a version of the criteria. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NamedTuple

__all__ = ["CREDIT", "HONOUR", "IMPORTED", "PROVENANCE_GROUPS", "Criteria", "Criterion", "Lifetime", "changes"]

Group = Literal["credit", "honour", "imported"]
CREDIT: Final = "credit"
HONOUR: Final = "honour"
IMPORTED: Final = "imported"

PROVENANCE_GROUPS: Final[dict[str, int]] = {"scanned": 0, "kiosk": 0, "leader": 0, "backfilled": 1, "imported": 2}
"""Provenance → index of its group among credit (信用时数), honour (荣誉时数) and imported."""
_GROUP_INDEX: Final = {CREDIT: 0, HONOUR: 1, IMPORTED: 2}


class Lifetime(NamedTuple):
    """Confirmed service of a whole life, by group of provenance; minutes are whole minutes."""

    credit_minutes: int = 0
    honour_minutes: int = 0
    imported_minutes: int = 0
    credit_records: int = 0
    honour_records: int = 0
    imported_records: int = 0

    @property
    def minutes(self) -> int:
        """All confirmed minutes: the legal record of service."""
        return self.credit_minutes + self.honour_minutes + self.imported_minutes


@dataclass(frozen=True, slots=True)
class Criterion:
    """One badge and the figure that earns it: ``at_least`` minutes or records of the named groups."""

    badge: str
    name: str
    measure: Literal["minutes", "records"]
    groups: tuple[Group, ...]
    at_least: int
    star: int | None = None

    def value(self, lifetime: Lifetime) -> int:
        """The figure that this criterion looks at."""
        offset = 0 if self.measure == "minutes" else 3
        return sum(lifetime[offset + _GROUP_INDEX[group]] for group in self.groups)

    def sentence(self) -> str:
        """What earns the badge, as people read it."""
        if self.measure == "minutes":
            return f"累计服务满 {self.at_least // 60} 小时"
        return f"完成 {self.at_least} 次服务"


@dataclass(frozen=True, slots=True)
class Criteria:
    """One version of all criteria."""

    version: int
    name: str
    effective_from: date
    items: tuple[Criterion, ...]

    def earned(self, lifetime: Lifetime) -> tuple[str, ...]:
        """The badges that the figures earn, sorted by name."""
        return tuple(sorted(item.badge for item in self.items if item.value(lifetime) >= item.at_least))

    def find(self, badge: str) -> Criterion | None:
        return next((item for item in self.items if item.badge == badge), None)

    def star(self, badges: Iterable[str]) -> int:
        """The highest star among badges; 0 without one."""
        held = set(badges)
        return max((item.star for item in self.items if item.star is not None and item.badge in held), default=0)

    def next_star(self, lifetime: Lifetime) -> tuple[Criterion, int] | None:
        """The next star and how much of its measure is missing; None when all are earned."""
        missing = [
            (item.at_least, item)
            for item in self.items
            if item.star is not None and item.value(lifetime) < item.at_least
        ]
        if not missing:
            return None
        item = min(missing, key=lambda pair: pair[0])[1]
        return item, item.at_least - item.value(lifetime)


def changes(held: Sequence[str], earned: Sequence[str]) -> tuple[list[str], list[str]]:
    """Badges to award and badges to revoke, each sorted."""
    return sorted(set(earned) - set(held)), sorted(set(held) - set(earned))
