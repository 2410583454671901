"""Thresholds of integrity as documents: mistakes are named by line, the version in force is that of the day."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.integrity import documents
from services.points.integrity.domain import ThresholdsInForce
from services.points.integrity.terms.domain import day_of, day_span, span_of
from shared.errors import PermanentError
from tests.support.depth import examples
from tests.support.documents import thresholds_from

SHIPPED = documents.shipped()[0]


def test_thresholds_are_checked_with_the_line_of_each_mistake() -> None:
    text = documents.VERSIONS.joinpath("0001.yaml").read_text("utf-8")
    assert thresholds_from(text) == SHIPPED
    with pytest.raises(PermanentError, match=r"line 11, burst\.others\.records: .*; line 12, burst\.kiosk"):
        thresholds_from(text.replace("records: 30", "records: many"))
    with pytest.raises(PermanentError, match=r"line 8, two_sites\.kisok"):
        thresholds_from(text.replace("  kiosk: 5 ", "  kisok: 5 ", 1))
    with pytest.raises(PermanentError, match="line"):
        thresholds_from("a: [")


def test_the_version_in_force_is_that_of_the_day() -> None:
    first = SHIPPED.thresholds()
    second = SHIPPED.model_copy(update={"version": 2, "effective_from": date(2026, 3, 1)}).thresholds()
    book = ThresholdsInForce([second, first])
    assert book.at(date(1999, 1, 1)).version == 1
    assert [book.at(day).version for day in (date(2026, 2, 28), date(2026, 3, 1))] == [1, 2]
    assert day_span(date(2026, 3, 4)).start == int(datetime(2026, 3, 3, 16, tzinfo=UTC).timestamp())


@settings(max_examples=examples(), deadline=None)
@given(st.integers(-2_000_000_000, 8_000_000_000))
def test_days_are_those_of_the_districts_calendar(at: int) -> None:
    zone = timezone(timedelta(hours=8))
    day = datetime.fromtimestamp(at, zone).date()
    assert day_of(at) == day
    span = day_span(day)
    assert span.start == int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
    assert span.start <= at < span.end
    assert span_of(at) == span
