"""The input of the benches: its points are those of the shipped rule."""

from collections import defaultdict
from datetime import date
from uuid import UUID

from dev.bench.history import history
from services.points.rules.documents import shipped
from services.points.rules.domain import Facts, Rulebook
from services.points.rules.worth.domain import evaluate


def test_the_points_of_days_are_those_of_the_shipped_rule() -> None:
    made = history(2_000, 40)
    assert set(made.poison) == {"broken", "schema"}
    book = Rulebook(document.rule() for document in shipped())
    highest = {one.record_id: one for one in made.published if one.theme != "refused"}
    days: dict[tuple[UUID, date], list[Facts]] = defaultdict(list)
    for one in highest.values():
        days[one.volunteer_id, one.day].append(
            Facts(
                one.record_id, one.revision, one.day, one.status, one.provenance, one.started_at, one.minutes,
                one.planned_minutes, one.kind, one.theme, one.activity_id,
            )
        )  # fmt: skip
    expected = sum(line.points for (_, day), facts in days.items() for line in evaluate(book.at(day), facts).lines)
    assert made.points_of_days() == expected
