"""Sentences of events: every contract has one in both languages, with names in place of ids. Pure."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.pages import language
from services.web.pages.console.forms import FIELDS, FORMS, SAYINGS, WORDS
from services.web.pages.console.sentences import EventNames, catalogue, ids_of, sentence, text_of
from services.web.pages.language.current import SOURCE, catalogue_of
from shared.contracts import BY_TYPE

VOLUNTEER = "0192f000-0000-7000-8000-00000000000a"
SITE = "0192f000-0000-7000-8000-00000000000b"
NAMES = EventNames(sites={SITE: "惠民社区"}, numbers={VOLUNTEER: "LD-2026-000461-7"})


def event(type: str, **value: Any) -> dict[str, Any]:
    return {"kind": "event", "topic": "attendance", "type": type, "size": 9, "value": value}


@pytest.fixture
def english() -> Iterator[None]:
    language.choose("en")
    yield
    language.choose(SOURCE)


def test_activities_and_drives_are_said_by_name() -> None:
    drive = event("volunteering.volunteer.registered.v1", volunteer_id=VOLUNTEER, source="drive", drive_id="d")
    names = EventNames(drives={"d": "志愿红进广场"}, activities={"a": "晨光问候"})
    assert "志愿红进广场" in text_of(drive, names)
    assert list(ids_of(drive, "activity", "drive")) == ["d"]
    cancelled = event("volunteering.signup.cancelled.v1", volunteer_id=VOLUNTEER, activity_id="a")
    assert "晨光问候" in text_of(cancelled, names)


def test_a_check_out_is_said_with_number_site_and_duration() -> None:
    left = event(
        "volunteering.attendance.recorded.v1",
        volunteer_id=VOLUNTEER,
        site_id=SITE,
        status="confirmed",
        ended_at="2026-03-05T10:00:00+08:00",
        minutes=42,
    )
    assert text_of(left, NAMES) == "LD-2026-000461-7 在惠民社区签退，42 分钟"
    assert (list(ids_of(left, "volunteer")), list(ids_of(left, "activity", "drive"))) == ([VOLUNTEER], [])
    assert [(part.kind, part.id) for part in sentence(left, NAMES) if part.kind] == [
        ("volunteer", VOLUNTEER),
        ("site", SITE),
    ]


@pytest.mark.usefixtures("english")
def test_a_check_out_is_said_in_english_too() -> None:
    left = event(
        "volunteering.attendance.recorded.v1",
        volunteer_id=VOLUNTEER,
        site_id=SITE,
        status="confirmed",
        ended_at="2026-03-05T10:00:00+08:00",
        minutes=65,
    )
    assert text_of(left, NAMES) == "LD-2026-000461-7 checked out at 惠民社区, 1 h 5 min"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"status": "void", "minutes": 0}, "的服务记录作废"),
        ({"status": "provisional", "minutes": 0, "ended_at": None}, "签到"),
        ({"status": "provisional", "minutes": 60, "ended_at": "x", "closed_by": "auto"}, "自动签退，1 小时，待确认"),
        ({"status": "confirmed", "minutes": 30, "ended_at": "x", "closed_by": "correction"}, "更正为 30 分钟"),
        ({"status": "confirmed", "minutes": 600, "provenance": "imported"}, "以前的服务 10 小时"),
    ],
)
def test_each_state_of_a_record_has_its_own_sentence(value: dict[str, Any], said: str) -> None:
    found = text_of(event("volunteering.attendance.recorded.v1", volunteer_id=VOLUNTEER, site_id=SITE, **value), NAMES)
    assert said in found


@pytest.mark.parametrize("type", sorted(BY_TYPE))
def test_every_contract_has_a_sentence_that_always_fits(type: str) -> None:
    forms = FORMS[type]
    assert not forms[-1].when, "the last form fits any event"
    members = set(BY_TYPE[type].model_fields)
    for form in forms:
        assert set(form.when) <= members, form
        for name in form.said.split("%(")[1:]:
            name = name.partition(")")[0]
            assert FIELDS.get(name, (name, ""))[0] in members, f"{form.said}: {name} is no member"


@pytest.mark.parametrize("type", sorted(FORMS))
def test_every_sentence_is_translated(type: str) -> None:
    translations = catalogue_of("en").forms
    assert [form.said for form in FORMS[type] if form.said not in translations] == []


def test_words_and_sayings_are_translated() -> None:
    translations = catalogue_of("en").forms
    said = [*SAYINGS.values(), *(word for words in WORDS.values() for word in words.values())]
    assert [one for one in said if one not in translations] == []


def test_the_kinds_of_records_that_are_no_events_are_named() -> None:
    for kind in ("dead-letter", "foreign", "unreadable", "conflicting"):
        assert "points" in text_of({"kind": kind, "topic": "points", "value": None, "size": 3}, EventNames())
    large = {"kind": "event", "topic": "points", "type": "a.b", "value": None, "size": 900_000}
    assert "900000" in text_of(large, EventNames())
    assert "a.b" in text_of(event("a.b"), EventNames())


def test_the_script_gets_the_same_forms_in_the_language_of_the_page() -> None:
    found = catalogue()
    assert found["forms"].keys() == FORMS.keys()
    language.choose("en")
    try:
        english = catalogue()
    finally:
        language.choose(SOURCE)
    assert english["sayings"] != found["sayings"]
    assert english["fields"] == found["fields"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.uuids().map(str),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3),
    max_leaves=6,
)


@given(st.data(), st.sampled_from(sorted(FORMS)))
def test_no_content_of_an_event_breaks_its_sentence(data: st.DataObject, type: str) -> None:
    members = sorted({FIELDS.get(name, (name, ""))[0] for name in FIELDS} | {"status", "reason", "amount", "minutes"})
    value = {name: data.draw(JSON, label=name) for name in data.draw(st.sets(st.sampled_from(members), max_size=6))}
    parts = sentence(event(type, **value), NAMES)
    assert parts
    assert all(isinstance(part.text, str) for part in parts)
