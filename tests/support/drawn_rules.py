"""Rules, activities and records that hypothesis draws."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.points.rules.domain import (
    Facts,
)
from shared.clock import district_day
from tests.reference import rules as reference

__all__ = [
    "ACTIVITY",
    "OTHER",
    "conditional",
    "conditions",
    "drawn_records",
    "drawn_rules",
    "limit",
    "minutes_drawn",
    "served",
]

ACTIVITY, OTHER = UUID(int=0xA1), UUID(int=0xA2)


def served(number: int, minutes: int, start: str = "2026-05-10T09:00", **changes: Any) -> Facts:
    """A confirmed, scanned record of an activity; times are the district's."""
    started_at = datetime.fromisoformat(start + "+08:00").astimezone(UTC)
    found = Facts(
        UUID(int=number), 1, district_day(started_at), "confirmed", "scanned", started_at, minutes, 120, "visit", "t",
        ACTIVITY,
    )  # fmt: skip
    return found._replace(**changes)


minutes_drawn = st.sampled_from([0, 14, 15, 16, 44, 45, 60, 61, 100, 240, 300, 466, 480, 481, 1000])

drawn_records = st.lists(
    st.builds(
        reference.Record,
        record_id=st.integers(1, 9).map(lambda number: str(UUID(int=number))),
        revision=st.just(1),
        volunteer=st.just("v"),
        status=st.sampled_from(["confirmed", "confirmed", "confirmed", "provisional", "void"]),
        provenance=st.sampled_from(["scanned", "scanned", "kiosk", "backfilled", "imported"]),
        started_at=st.builds(
            lambda day, minute: datetime(2026, 2, 26, 16, tzinfo=UTC) + timedelta(days=day, minutes=minute),
            st.sampled_from([0, 1, 2, 3, 30, 310, 400]),
            st.sampled_from([0, 1, 480, 600, 1439]),
        ),
        minutes=minutes_drawn,
        activity=st.sampled_from([str(ACTIVITY), str(ACTIVITY), str(OTHER), None]),
        kind=st.sampled_from(["visit", "night"]),
        theme=st.sampled_from(["a", "b"]),
        planned=st.sampled_from([0, 60, 120, 480]),
        approval=st.sampled_from(["none", "leader", "site", "centre"]),
    ),
    max_size=9,
    unique_by=lambda record: record.record_id,
)

limit = st.sampled_from([30, 60, 100, 200, 480])

conditions: dict[str, Any] = {
    "months": st.sampled_from([[3], [2, 3]]),
    "kinds": st.just(["night"]),
    "themes": st.just(["a"]),
    "provenances": st.just(["kiosk"]),
    "first_day": st.just(date(2026, 2, 28)),
    "last_day": st.just(date(2026, 12, 31)),
}

conditional = st.fixed_dictionaries({"name": st.just("n")}, optional=conditions).filter(lambda found: len(found) > 1)


@st.composite
def drawn_rules(draw: Any, version: int = 1, begins: date = date(2026, 1, 1)) -> dict[str, Any]:
    """Any rule document, as plain data."""
    caps = {
        f"{of}_{what}": limit for of in ("record", "activity", "day", "month", "year") for what in ("minutes", "points")
    }
    within = {"activity_within": st.sampled_from(["day", "month", "year", "life"])}
    rounding = {"every_minutes": 60, "steps": [{"from_minutes": 15, "counts_minutes": 30}]}
    rate = st.tuples(conditional, st.sampled_from([0, 7, 120])).map(lambda pair: pair[0] | {"points_per_hour": pair[1]})
    multiplier = st.tuples(conditional, st.sampled_from([0, 50, 150])).map(lambda pair: pair[0] | {"percent": pair[1]})
    approvals = [{"above_minutes": 60, "level": "site"}, {"above_minutes": 120, "level": "centre"}]
    earning = st.fixed_dictionaries(
        {"provenances": st.just(["scanned", "kiosk"]), "points_per_hour": st.sampled_from([1, 10, 60])},
        optional={
            "minimum_minutes": st.just(15),
            "minimum_percent": st.just(60),
            "rounding": st.just(rounding),
            "rates": st.lists(rate, max_size=2),
            "multipliers": st.lists(multiplier, max_size=2),
        },
    )
    optional: dict[str, Any] = {
        "caps": st.fixed_dictionaries({}, optional=caps | within),
        "limits": st.fixed_dictionaries(
            {}, optional={"records_per_activity_day": st.integers(1, 2), "approvals": st.just(approvals)}
        ),
        "complaint": st.fixed_dictionaries({"worth_percent": st.sampled_from([0, 50, 100])}),
        "first_service": st.just({"points": 20}),
        "expiry": st.sampled_from([{"months": 1}, {"fixed_day": "06-30", "years": 1}, {"fixed_day": "02-28"}]),
    }
    fixed = {"version": st.just(version), "name": st.just("n"), "effective_from": st.just(begins), "earning": earning}
    found: dict[str, Any] = draw(st.fixed_dictionaries(fixed, optional=optional))
    return found
