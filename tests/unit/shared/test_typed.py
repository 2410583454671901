"""What people type has one spelling, and a wrong form says what is allowed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.http.models import Input
from shared.mailaddress import checked_address
from shared.typed import (
    LONGEST_TYPED,
    CodeText,
    IdNumberText,
    PhoneText,
    PickupCodeText,
    RegistryNumberText,
    RotatingCodeText,
    ShortCodeText,
    UsernameText,
    VolunteerNumberText,
    compact,
    plain,
    unspaced,
)


class Said(Input):
    phone: PhoneText = "13845678901"
    code: CodeText = "866110"
    volunteer: VolunteerNumberText = "LD202600012"
    pickup: PickupCodeText = "7KQM2XWB"
    drive: ShortCodeText = "K7M2QX"
    shown: RotatingCodeText = "ABCDEFG2"
    user: UsernameText = "operator"
    registry: RegistryNumberText = "LJ-0001"
    id_number: IdNumberText = "11010519491231002X"


SPELLINGS: list[tuple[str, str, str]] = [
    ("phone", "+86 138–4567\u200b8901", "+8613845678901"),
    ("phone", "１３８ ４５６７ ８９０１", "13845678901"),
    ("phone", "\u202a138-4567-8901\u202c", "13845678901"),
    ("phone", "138ー4567ー8901", "13845678901"),
    ("code", "866 110", "866110"),
    ("code", "８６６－１１０\n", "866110"),
    ("volunteer", "ld-2026-000123-4", "LD20260001234"),
    ("volunteer", "ＬＤ２０２６　０００１２３４", "LD20260001234"),
    ("pickup", "7kqm-2xwb\t", "7KQM2XWB"),
    ("pickup", "７ＫＱＭ ２ＸＷＢ", "7KQM2XWB"),
    ("pickup", "https://weiguang.example/staff/pickup/0192-77?c=7KQM2XWB", "7KQM2XWB"),
    ("drive", " k7m–2qx", "K7M2QX"),
    ("shown", "abcd efg2", "ABCDEFG2"),
    ("shown", "https://weiguang.example/s/0192-77?c=ABCDEFG2", "ABCDEFG2"),
    ("user", "Ｏperator\u3000", "operator"),
    ("user", "Wang—Wei", "wang-wei"),
    ("registry", " LJ－0001\u200b", "LJ-0001"),
    ("id_number", "110105 19491231 002x", "11010519491231002X"),
    ("id_number", "１１０１０５１９４９１２３１００２ｘ", "11010519491231002X"),
]


@pytest.mark.parametrize(("field", "typed", "meant"), SPELLINGS)
def test_a_decorated_spelling_is_what_was_meant(field: str, typed: str, meant: str) -> None:
    assert getattr(Said.model_validate({field: typed}), field) == meant


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("code", "86611"),
        ("code", "8661100"),
        ("code", "86611O"),
        ("code", 866110),
        ("code", "٨٦٦١١٠"),
        ("pickup", "7KQM2XW"),
        ("pickup", "7KQM2XW\x01B"),
        ("pickup", "七KQM2XWB"),
        ("pickup", None),
        ("drive", " - "),
        ("phone", "1" * (LONGEST_TYPED + 1)),
        ("volunteer", "\ufdfa" * 100),
    ],
)
def test_a_wrong_form_is_refused(field: str, typed: Any) -> None:
    with pytest.raises(ValidationError):
        Said.model_validate({field: typed})


def test_a_wrong_form_says_what_is_allowed() -> None:
    with pytest.raises(ValidationError, match="must be the six digits of the message"):
        Said(code="12345")
    with pytest.raises(ValidationError, match="must be the eight letters and digits of the pickup code"):
        Said(pickup="12345")


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    for normalise in (plain, unspaced, compact):
        once = normalise(text)
        assert normalise(once) == once


@given(st.text("0123456789", min_size=6, max_size=6), st.data())
def test_no_decoration_changes_a_code(code: str, data: st.DataObject) -> None:
    noise = st.text(" \t\u3000\u00a0\u200b\u200d\ufeff\u2066\u202e-–—－\ufe0f", max_size=3)
    decorated = "".join(data.draw(noise) + chr(ord(digit) + data.draw(st.sampled_from([0, 0xFEE0]))) for digit in code)
    assert Said(code=decorated).code == code


ADDRESSES = [
    (" Zhang.San@Example.ORG ", "Zhang.San@example.org"),
    ("ａ＠example。com", "a@example.com"),
    ("a\u200b@example.org", "a@example.org"),
    ("li+weiguang@例子.中国", "li+weiguang@xn--fsqu00a.xn--fiqs8s"),
]


@pytest.mark.parametrize(("typed", "meant"), ADDRESSES)
def test_an_address_becomes_what_mail_servers_take(typed: str, meant: str) -> None:
    assert checked_address(typed) == meant
    assert checked_address(meant) == meant
    assert meant.isascii()


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "a",
        "a@",
        "@b.org",
        "a b@c.org",
        "a@b..org",
        "a@b.org\nBcc: x@y.org",
        "a@-",
        "a,b@example.org",
        "<a@b.org>",
        "a@localhost",
        "a@[127.0.0.1]",
        '"a b"@example.org',
        "a" * 65 + "@example.org",
        "a@" + "b" * 260 + ".org",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="email is not an address"):
        checked_address(typed)


def test_letters_outside_ascii_before_the_at_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="only English letters, digits and signs before the @"):
        checked_address("张三@example.com")
