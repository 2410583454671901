"""Values buckets: from records, what points knows about them, and a rulebook, to awards. Pure.

Ingest, rehearsal, activation and preview all value by `value`, so that what is foreseen is what is posted.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from services.points.rules.domain import Award, Facts, Rule, Rulebook, RuleRecord
from services.points.rules.worth.domain import evaluate

__all__ = ["NOTHING_KNOWN", "Known", "Valued", "value", "value_all"]


class Known(NamedTuple):
    """Facts about records that points itself keeps: complaints that stand, and cases of integrity.

    ``records`` and ``activities``: those with a complaint. ``flags``: by record, the kinds of the cases that stand
    about it; which of them matter is the rule's business.
    """

    records: frozenset[UUID] = frozenset()
    activities: frozenset[UUID] = frozenset()
    flags: Mapping[UUID, frozenset[str]] = MappingProxyType({})

    def about(self, found: Facts) -> Facts:
        """The facts, with the complaint and the cases about them."""
        if found.record_id in self.records or found.activity_id in self.activities:
            found = found._replace(complained=True)
        kinds = self.flags.get(found.record_id)
        return found if kinds is None else found._replace(flags=kinds)


NOTHING_KNOWN: Final = Known()


class Valued(NamedTuple):
    """The award of one bucket and the rule that it follows from."""

    rule: Rule
    award: Award


def value(rule: Rule, records: Sequence[RuleRecord]) -> Award:
    """The award of one bucket's records under its rule. They carry what is `Known` about them."""
    return evaluate(rule, records)


def value_all(book: Rulebook, records: Iterable[Facts], known: Known = NOTHING_KNOWN) -> dict[str, Valued]:
    """The awards of all buckets that the records of one volunteer fall into, by bucket."""
    inputs: dict[str, tuple[Rule, list[Facts]]] = {}
    for found in records:
        rule, period = book.bucket(found.day, found.activity_id)
        inputs.setdefault(period.bucket, (rule, []))[1].append(known.about(found))
    return {bucket: Valued(rule, value(rule, facts)) for bucket, (rule, facts) in inputs.items()}
