"""Until when the page of hours offers to deny a record: from its assertion on, not from the service. Pure."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.web.pages.volunteer.explanation import deniable

ASSERTED = datetime.fromisoformat("2026-03-30T10:00:00+08:00")
RECORD: dict[str, Any] = {
    "asserted_at": ASSERTED.isoformat(),
    "started_at": "2026-03-05T09:00:00+08:00",
    "ended_at": "2026-03-05T11:00:00+08:00",
    "status": "provisional",
    "provenance": "backfilled",
}


def test_hours_entered_weeks_later_are_deniable_for_fourteen_days() -> None:
    assert deniable(RECORD, ASSERTED + timedelta(days=13))
    assert not deniable(RECORD, ASSERTED + timedelta(days=14))


@pytest.mark.parametrize(
    "change", [{"asserted_at": None}, {"ended_at": None}, {"status": "void"}, {"provenance": "imported"}]
)
def test_records_without_an_assertion_and_those_that_do_not_count_are_not_deniable(change: dict[str, Any]) -> None:
    assert not deniable(RECORD | change, ASSERTED)
