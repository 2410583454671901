"""Rules about people: numbers, phones, names, masks, imports. Pure."""

import string
import unicodedata
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.recruitment.vault.domain import (
    Identity,
    age_on,
    birth_facts,
    clean_birth_date,
    clean_id_number,
    clean_name,
    mask_email,
    mask_name,
    mask_phone,
    needs_guardian,
    normalise_phone,
)
from services.recruitment.volunteers.domain import (
    ImportRow,
    check_consents,
    check_rows,
    parse_volunteer_number,
    prior_minutes,
    stored_number,
    volunteer_number,
)
from shared.typed import compact

TODAY = date(2026, 3, 4)
YEARS = st.integers(1000, 9999)
SERIALS = st.integers(1, 999_999_999)
PHONES = st.builds(
    lambda second, rest: f"1{second}{rest}", st.sampled_from("3456789"), st.text("0123456789", min_size=9, max_size=9)
)
CHINESE_NAMES = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=4)


@given(YEARS, SERIALS)
def test_a_number_is_recognised_however_it_is_typed(year: int, serial: int) -> None:
    number = volunteer_number(year, serial)
    assert parse_volunteer_number(number) == number
    assert parse_volunteer_number(number.lower().replace("-", " ")) == number
    fullwidth = "".join(chr(ord(char) + 0xFEE0) for char in number.lower())
    assert stored_number(compact(f"\t{fullwidth}\u200b")) == number


@given(YEARS, SERIALS, st.data())
def test_one_wrong_digit_is_noticed(year: int, serial: int, data: st.DataObject) -> None:
    number = volunteer_number(year, serial)
    place = data.draw(st.sampled_from([i for i, char in enumerate(number) if char.isdigit()]))
    wrong = data.draw(st.sampled_from([digit for digit in string.digits if digit != number[place]]))
    with pytest.raises(ValueError):
        parse_volunteer_number(number[:place] + wrong + number[place + 1 :])


@given(YEARS, SERIALS, st.data())
def test_two_neighbours_swapped_are_noticed(year: int, serial: int, data: st.DataObject) -> None:
    number = volunteer_number(year, serial)
    places = [i for i, char in enumerate(number) if char.isdigit()]
    first = data.draw(st.sampled_from(range(len(places) - 1)))
    left, right = places[first], places[first + 1]
    assume(number[left] != number[right])
    swapped = list(number)
    swapped[left], swapped[right] = swapped[right], swapped[left]
    with pytest.raises(ValueError):
        parse_volunteer_number("".join(swapped))


def test_the_number_is_readable() -> None:
    assert volunteer_number(2026, 123) == "LD-2026-000123-" + volunteer_number(2026, 123)[-1]
    for text in ("", "LD", "LD-2026-123-4", "12345678901", "LD-２０２６-000123-1"):
        with pytest.raises(ValueError):
            parse_volunteer_number(text)


@given(PHONES, st.sampled_from(["", "+86", "0086", "86", "+86 ", "(+86)"]), st.data())
def test_a_phone_is_the_same_however_it_is_typed(phone: str, prefix: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, 10))
    blank = data.draw(st.sampled_from([" ", "-", "  ", "\u3000", "\u200b", "–", "—", "\t", "\u202d"]))
    assert normalise_phone(compact(f" {prefix}{phone[:cut]}{blank}{phone[cut:]} ")) == phone
    fullwidth = "".join(chr(ord(digit) + 0xFEE0) for digit in phone)
    assert normalise_phone(compact(fullwidth)) == phone


@given(st.text())
def test_no_text_breaks_normalisation(text: str) -> None:
    try:
        phone = normalise_phone(text)
    except ValueError:
        return
    assert len(phone) == 11
    assert phone.isascii()
    assert normalise_phone(phone) == phone


@pytest.mark.parametrize(
    "text", ["", "12345", "23845678901", "1284567890", "138456789012", "1384567890a", "+44 7700 900123"]
)
def test_what_is_no_mobile_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="eleven digits"):
        normalise_phone(text)


@given(CHINESE_NAMES)
def test_a_masked_name_shows_the_first_character_only(name: str) -> None:
    masked = mask_name(name)
    assert masked[0] == name[0]
    assert set(masked[1:]) == {"*"}
    assert 2 <= len(masked) <= 3


@given(PHONES)
def test_a_masked_phone_hides_the_middle(phone: str) -> None:
    assert mask_phone(phone) == f"{phone[:3]}****{phone[7:]}"


def test_masks_of_what_is_missing_or_an_address() -> None:
    assert mask_phone(None) is None
    assert mask_email(None) is None
    assert mask_email("zhang.wei@example.org") == "z***@example.org"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "\u200b",
        "\u200d",
        "张\u0000三",
        "张\x1b三",
        "张\x85三",
        "张\u202e三",
        "张\u2066三",
        "x" * 51,
        "13845678901",
        "张３",
        "a\ud800",
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        clean_name(name)


def test_names_lose_blanks_and_nothing_else() -> None:
    assert clean_name("  张  三 ") == "张 三"
    assert clean_name("阿卜杜拉·买买提") == "阿卜杜拉·买买提"
    assert clean_name("张\u200b三\ufeff") == "张三", "blanks without width are pasted along"


@pytest.mark.parametrize(
    "rare", ["\U00031350", "\U0002ebf0", "\ue863", "\U000f0000", "\ufa5d", "\u2f00", "㐂\U000e0100"]
)
def test_rare_characters_of_names_stay_as_they_were_typed(rare: str) -> None:
    assert clean_name(f"王{rare}") == f"王{rare}"
    assert clean_name(rare) == rare


def test_the_rule_of_names_does_not_depend_on_the_tables_of_the_interpreter() -> None:
    unassigned = [chr(point) for point in range(0x31350, 0x323B0) if unicodedata.category(chr(point)) == "Cn"]
    assert all(clean_name(f"王{char}") == f"王{char}" for char in [*unassigned, "\ue863", "\U0010fffd"])


def test_ages_turn_on_the_birthday() -> None:
    born = date(2012, 3, 4)
    assert age_on(born, TODAY) == 14
    assert age_on(born, TODAY - timedelta(days=1)) == 13
    assert needs_guardian(born, TODAY - timedelta(days=1))
    assert not needs_guardian(born, TODAY)
    assert not needs_guardian(None, TODAY)
    assert age_on(date(2012, 2, 29), date(2026, 2, 28)) == 13


def test_birth_dates_lie_in_living_memory() -> None:
    assert clean_birth_date(TODAY, TODAY) == TODAY
    for born in (TODAY + timedelta(days=1), date(1900, 1, 1)):
        with pytest.raises(ValueError):
            clean_birth_date(born, TODAY)


def test_id_numbers_are_checked() -> None:
    # Figures of the example in GB 11643.
    assert clean_id_number("11010519491231002x") == ("11010519491231002X", date(1949, 12, 31))
    assert clean_id_number("110105491231002") == ("11010519491231002X", date(1949, 12, 31)), "as issued until 1999"
    for number in ("110105194912310021", "11010519491331002X", "1101051949123100", "110105491331002", ""):
        with pytest.raises(ValueError):
            clean_id_number(number)


def id_number(born: date) -> str:
    """A well-formed number of a person born on this day."""
    stem = f"230506{born:%Y%m%d}001"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return stem + "10X98765432"[sum(int(d) * w for d, w in zip(stem, weights, strict=True)) % 11]


@given(st.dates(date(1907, 1, 1), TODAY), st.dates(date(1907, 1, 1), TODAY))
def test_the_date_in_an_id_number_is_the_birth_date(born: date, other: date) -> None:
    number = id_number(born)
    assert birth_facts(None, number, TODAY) == (born, number)
    assert birth_facts(born, number, TODAY) == (born, number)
    assert birth_facts(born, None, TODAY) == (born, None)
    if other != born:
        with pytest.raises(ValueError, match="contradict"):
            birth_facts(other, number, TODAY)


@pytest.mark.parametrize("born", [TODAY + timedelta(days=1), date(1905, 1, 1), date(2199, 1, 1)])
def test_a_date_that_cannot_be_is_refused_in_either_field(born: date) -> None:
    for facts in ((born, None), (None, id_number(born))):
        with pytest.raises(ValueError, match="birth"):
            birth_facts(facts[0], facts[1], TODAY)


def test_consent_is_needed_and_a_guardian_under_fourteen() -> None:
    check_consents(True, False, date(1990, 1, 1), TODAY)
    check_consents(True, True, date(2015, 1, 1), TODAY)
    with pytest.raises(ValueError, match="consent"):
        check_consents(False, True, None, TODAY)
    with pytest.raises(ValueError, match="guardian"):
        check_consents(True, False, date(2015, 1, 1), TODAY)


def test_hours_become_whole_minutes() -> None:
    assert prior_minutes(Decimal("0")) == 0
    assert prior_minutes(Decimal("1.5")) == 90
    assert prior_minutes(Decimal("0.1")) == 6
    for hours in ("-0.01", "200000.1", "NaN", "Infinity"):
        with pytest.raises(ValueError):
            prior_minutes(Decimal(hours))


SITE = UUID(int=7)
ROW = ImportRow("LJ0001", "张三", "13945678901", Decimal("12.5"), SITE, None)


def test_good_rows_pass_and_bad_ones_say_why() -> None:
    rows = [
        ROW,
        replace(ROW, registry_number="LJ0002"),  # the phone of the first
        replace(ROW, phone="13845678902"),  # the number of the first
        replace(ROW, registry_number="LJ0003", phone="12"),
        replace(ROW, registry_number="LJ0004", phone="13845678904", prior_hours=Decimal(-1)),
        replace(ROW, registry_number="LJ0005", phone="13845678905", site_id=UUID(int=8)),
        replace(ROW, registry_number="", phone="13845678906"),
        replace(ROW, registry_number="LJ0007", phone="13845678907", name=""),
        replace(ROW, registry_number="LJ0008", phone="13845678908", site_id=None, id_number="11010519491231002X"),
        replace(ROW, registry_number="LJ0009", phone="13845678909", id_number="110105491231002"),
        replace(ROW, registry_number="LJ0010", phone="13845678910", id_number="110105194912310021"),
        replace(
            ROW, registry_number="LJ0011", phone="13845678911", id_number=id_number(date(1990, 1, 2)), birth_date=TODAY
        ),
    ]
    accepted, problems = check_rows(rows, frozenset({SITE}), TODAY)
    assert [row.row for row in accepted] == [1, 9]
    assert accepted[0].minutes == 750
    assert accepted[1].identity.birth_date == date(1949, 12, 31)
    assert [problem.row for problem in problems] == [2, 3, 4, 5, 6, 7, 8, 10, 11, 12]
    assert "ID number stands in the batch twice" in problems[7].detail
    for problem in problems:
        assert all(row.phone not in problem.detail for row in rows[:2])
        assert "张三" not in problem.detail


def test_people_do_not_print() -> None:
    person = Identity(name="张三", phone="13845678901", id_number="11010519491231002X")
    assert "张" not in f"{person} {person!r} {ROW!r}"
    assert "138" not in f"{person} {person!r} {ROW!r}"
