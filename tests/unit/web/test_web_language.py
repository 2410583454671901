"""The language of a page: by the switch, else by the browser; its sentences by the catalogue."""

from collections.abc import Iterator

import pytest

from services.web.pages import language
from services.web.pages.language import _, _n, listed
from services.web.pages.language.current import language_of
from services.web.pages.wording import day, moment, span, spell_minutes, word


@pytest.fixture
def english() -> Iterator[None]:
    language.choose("en")
    yield
    language.choose("zh-CN")


@pytest.mark.parametrize(
    ("cookie", "accepted", "expected"),
    [
        (b"", b"", "zh-CN"),
        (b"", b"en-GB,en;q=0.9,zh;q=0.8", "en"),
        (b"", b"zh-TW,zh;q=0.9,en;q=0.8", "zh-CN"),
        (b"", b"fr-FR,fr;q=0.9,en;q=0.2,zh;q=0.1", "en"),
        (b"", b"fr", "zh-CN"),
        (b"", b"*", "zh-CN"),
        (b"", b"zh;q=0.5, en;q=0.7", "en"),
        (b"", b"en;q=0", "zh-CN"),
        (b"", b"en;q=nan, zh;q=1e9,,;;=", "zh-CN"),
        (b"wg_language=zh-CN", b"en", "zh-CN"),
        (b"wg_language=en", b"zh-CN", "en"),
        (b'wg_language="><script>', b"zh-CN", "zh-CN"),
    ],
)
def test_the_switch_decides_and_else_the_browser(cookie: bytes, accepted: bytes, expected: str) -> None:
    assert language_of([(b"cookie", cookie), (b"accept-language", accepted)]) == expected


def test_sentences_stay_chinese_without_a_choice() -> None:
    assert _("登录") == "登录"
    assert _n("%(n)s 条未读", 1200) == "1,200 条未读"
    assert listed(["甲", "乙"]) == "甲、乙"


@pytest.mark.usefixtures("english")
def test_sentences_are_said_in_the_chosen_language() -> None:
    assert _("登录") == "Log in"
    assert _("还差 %(missing)s", missing="5 h") == "5 h to go"
    assert [_n("%(n)s 秒后可重发", n) for n in (1, 2)] == ["Resend in 1 second", "Resend in 2 seconds"]
    assert listed(["a", "b"]) == "a, b"


@pytest.mark.usefixtures("english")
def test_a_sentence_without_a_translation_stays_as_it_is() -> None:
    assert _("没有翻译的话") == "没有翻译的话"


@pytest.mark.usefixtures("english")
def test_an_unknown_language_counts_as_the_source() -> None:
    language.choose("xx")
    assert language.current() == "zh-CN"


@pytest.mark.usefixtures("english")
def test_times_durations_and_stable_words_are_said_in_english() -> None:
    assert moment("2026-03-04T17:05:00Z") == "5 Mar 01:05"
    assert day("2026-03-04T17:05:00+00:00", year=True) == "Thu 5 Mar 2026"
    assert span("2026-03-05T14:00:00Z", "2026-03-05T17:00:00Z") == "Thu 5 Mar 22:00—Fri 6 Mar 01:00"
    assert span("2026-03-05T14:00:00Z", None) == "from Thu 5 Mar 22:00"
    assert [spell_minutes(minutes) for minutes in (59, 60, 72_065)] == ["59 min", "1 h", "1,201 h 5 min"]
    assert word("scanned", "provenance") == "scanned"
    assert word("something-new", "provenance") == "something-new"
