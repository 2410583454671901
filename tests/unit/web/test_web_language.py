"""The language of a page: by the switch, else by the browser; its sentences by the catalogue."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from types import SimpleNamespace

import pytest

from services.web.gateway.sessions import Session
from services.web.pages import errors, language, render
from services.web.pages.console.alerts import amount_said
from services.web.pages.language import _, _n, listed, standing_alone
from services.web.pages.language.current import language_of
from services.web.pages.public.rules import rule_sentence, worth_said
from services.web.pages.volunteer.explanation import bucket_said, entry
from services.web.pages.volunteer.rewards import limits_said
from services.web.pages.volunteer.scan import early_question
from services.web.pages.volunteer.sums import sum_of
from services.web.pages.wording import date_of, day, moment, signed, span, spell_minutes, word
from shared.clock import DISTRICT_ZONE


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
    assert [_n("%(n)s 积分", n, n=signed(n)) for n in (1, -1, 2)] == ["+1 point", "−1 point", "+2 points"]
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
    assert [date_of(one) for one in ("2026-03-04", date(2026, 3, 4))] == ["4 Mar 2026"] * 2
    assert span("2026-03-05T14:00:00Z", "2026-03-05T17:00:00Z") == "Thu 5 Mar 22:00—Fri 6 Mar 01:00"
    assert span("2026-03-05T14:00:00Z", None) == "from Thu 5 Mar 22:00"
    assert [spell_minutes(minutes) for minutes in (59, 60, 72_065)] == ["59 min", "1 h", "1,201 h 5 min"]
    assert word("scanned", "provenance") == "scanned"
    assert word("something-new", "provenance") == "something-new"


@pytest.mark.usefixtures("english")
def test_rules_sums_and_questions_are_said_in_english() -> None:
    earning = {
        "points_per_hour": 10,
        "minimum_minutes": 15,
        "rates": [{"name": "雷锋月", "months": [3], "points_per_hour": 15}],
    }
    document = {"earning": earning, "caps": {"day_minutes": 480}, "first_service": {"points": 20}}
    assert rule_sentence(document) == (
        "10 points an hour, for at least 15 min from check-in to check-out. 雷锋月 (Mar): 15 points an hour. "
        "At most 8 h count a day. 20 more points for the first service. "
    )
    worth = {"points": 20, "minutes": 120, "from_minutes": 15}
    assert worth_said(worth) == "20 points for the whole 2 h; points begin after 15 min."
    assert sum_of(90, 10, 15, {}) == "1 h 30 min × 10 points/h = 15 points"
    assert sum_of(90, 15, 20, {"cuts": [["day-points", 2]]}).endswith(
        "; 2 beyond the day’s cap on points do not count, which leaves 20 points"
    )
    ends = datetime(2026, 3, 5, 18, 0, tzinfo=DISTRICT_ZONE)
    assert early_question(42, ends, None).startswith("You have served 42 min; the shift ends at 18:00.")
    assert (
        limits_said({"per_quarter_limit": 1, "own": {"in_quarter": 1, "ever": 1}})
        == "1 a quarter (you have redeemed 1)"
    )
    assert bucket_said("day/2026-03-05") == "Service on Thu 5 Mar 2026"


@pytest.mark.usefixtures("english")
def test_a_movement_is_explained_in_english() -> None:
    line = {
        "code": "hold",
        "debit": "v/available",
        "credit": "v/held",
        "amount": 30,
        "posted_at": "2026-03-05T01:00:00Z",
        "explanation": {"redemption": {"redemption_id": "1", "reward_name": "保温杯"}},
    }
    said = entry(line)
    assert said["title"] == "Redemption, points held"
    assert said["because"] == "You redeemed “保温杯”: the points are held, and used only at the pickup."
    assert said["change"] == -30


@pytest.mark.usefixtures("english")
async def test_the_page_of_an_unknown_address_is_english() -> None:
    answer = await errors.nothing_here(SimpleNamespace(session=Session()))  # type: ignore[arg-type]
    main = bytes(answer.body).decode("utf-8").split("<main", 1)[1].split("</main>", 1)[0]
    assert "There is no such page." in main
    assert not re.search(r"[\u4e00-\u9fff]", main)


def test_what_stands_alone_begins_with_a_capital_in_english(english: None) -> None:
    states = render._environment.get_template("components/states.html").module
    assert ">Registered &lt;b&gt;</span>" in str(states.pill("registered <b>"))  # type: ignore[attr-defined]
    assert standing_alone(_("服务记录")) == "Service records"
    page = render._environment.from_string(
        "{% from 'components/surfaces.html' import card %}{% call card(_('已结束'), 'e', 'clock') %}{% endcall %}"
    )
    assert "Ended</h2>" in page.render()


@pytest.mark.parametrize(
    ("unit", "number", "said"),
    [("crashes", 1, "1 crash"), ("crashes", 3.0, "3 crashes"), ("minutes", 1.2, "1 minute"), ("records", None, "—")],
)
def test_a_reading_of_one_has_a_unit_in_the_singular(english: None, unit: str, number: float | None, said: str) -> None:
    assert amount_said(unit, number) == said
