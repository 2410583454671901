"""What differs between two states of an object, and what keeps it from being closed."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.editing.domain import Editable, ObjectKind, Remaining, difference, may_close, may_edit
from services.recruitment.organisation.domain import Level, SiteKind, level_of

VALUES = st.dictionaries(st.sampled_from(["name", "place", "docked", "content", "note"]), st.integers(0, 2), max_size=5)


@given(VALUES, VALUES)
def test_the_history_holds_what_differs_and_no_free_text(before: dict[str, object], after: dict[str, object]) -> None:
    old, new = difference(before, after)
    assert old.keys() == new.keys() == {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
    for name in old:
        withheld = name in ("content", "note")
        assert (old[name], new[name]) == ((None, None) if withheld else (before.get(name), after.get(name)))
    if not old:
        assert {n: v for n, v in before.items() if v is not None} == {n: v for n, v in after.items() if v is not None}


def a_site(kind: str, closed_at: datetime | None = None) -> Editable:
    return Editable(ObjectKind.SITE, uuid4(), kind, uuid4(), 1, closed_at, {})


def test_what_is_closed_stays_as_it_is_and_the_centre_stays_open() -> None:
    closed = a_site("station", datetime(2026, 3, 4, tzinfo=UTC))
    assert may_edit(a_site("station")) is None
    assert may_close(a_site("station"), []) is None
    for refused in (may_edit(closed), may_close(closed, [])):
        assert isinstance(refused, DomainRefusal)
        assert refused.slug == "site-closed"
    centre = may_close(a_site("centre"), [])
    assert centre is not None
    assert centre.slug == "centre-stays"


def test_a_refusal_to_close_names_what_remains() -> None:
    refused = may_close(
        a_site("station"), [Remaining("team", uuid4(), "红纽带"), Remaining("drive", uuid4(), "进广场")]
    )
    assert refused is not None
    assert "team 红纽带; drive 进广场" in refused.detail


@pytest.mark.parametrize("parent", [None, *Level])
def test_the_level_follows_from_the_kind(parent: Level | None) -> None:
    assert level_of(SiteKind.CENTRE, parent) is Level.DISTRICT
    assert level_of(SiteKind.INSTITUTE, parent) is Level.TOWNSHIP
    assert level_of(SiteKind.STATION, parent) is Level.COMMUNITY
    assert level_of(SiteKind.SERVICE_POINT, parent) is (parent or Level.COMMUNITY)
