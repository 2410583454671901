"""Drives on their page: what has ended does not look open."""

from datetime import UTC, datetime
from typing import Any

from services.web.gateway.sessions import Session
from services.web.pages.public.home import by_state
from services.web.pages.render import fragment
from services.web.pages.wording import span

NOW = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)


def drive(name: str, starts_at: str, ends_at: str, *, is_open: bool = False) -> dict[str, Any]:
    return {"name": name, "code": name, "starts_at": starts_at, "ends_at": ends_at, "open": is_open, "place": "广场",
            "place_kind": "square", "funnel": None}  # fmt: skip


DRIVES = [
    drive("去年", "2025-03-04T01:00:00Z", "2025-03-04T09:00:00Z"),
    drive("今天", "2026-03-04T01:00:00Z", "2026-03-04T09:00:00Z", is_open=True),
    drive("昨天", "2026-03-03T01:00:00Z", "2026-03-03T09:00:00Z"),
    drive("下周", "2026-03-11T01:00:00Z", "2026-03-11T09:00:00Z"),
    drive("明天", "2026-03-05T01:00:00Z", "2026-03-05T09:00:00Z"),
    drive("提前结束", "2026-03-04T01:00:00Z", "2026-03-04T09:30:00Z"),
]


def test_open_coming_and_ended_drives_stand_apart() -> None:
    found = {state: [each["name"] for each in drives] for state, _, drives in by_state(DRIVES, NOW)}
    assert found == {"open": ["今天"], "coming": ["明天", "下周"], "ended": ["提前结束", "昨天", "去年"]}
    assert by_state([], NOW) == []


def test_an_ended_drive_says_so_and_its_year() -> None:
    page = fragment("public/drives.html", Session(), sections=by_state(DRIVES, NOW), next_cursor=None, path="/drives")
    ended = page[page.index("已结束</h2>") :]
    assert "2025年3月4日（周二） 09:00—17:00" in ended
    assert ended.count('<span class="tag">已结束</span>') == 3
    assert "可登记" not in ended
    assert page.count("可登记") == 1


def test_a_span_names_the_year_once() -> None:
    assert span("2025-12-31T01:00:00Z", "2026-01-01T01:00:00Z", year=True) == (
        "2025年12月31日（周三） 09:00—2026年1月1日（周四） 09:00"
    )
    assert span("2025-03-04T01:00:00Z", "2025-03-05T01:00:00Z", year=True) == (
        "2025年3月4日（周二） 09:00—3月5日（周三） 09:00"
    )


def test_forms_of_drives_and_appeals_stand_where_they_may_be_used() -> None:
    one = {
        **DRIVES[1],
        "drive_id": "7",
        "version": 2,
        "funnel": {"registered": 3, "signed_up": 2, "served": 1},
        "over": False,
        "begun": True,
        "from": "2026-03-04T09:00",
        "to": "2026-03-04T17:00",
    }
    kept = {"path": "/staff/drives", "sites": [], "kinds": [], "begin": "", "end": ""}
    html = fragment("staff/drives.html", Session(), drives=[one, {**one, "over": True, "open": False}], **kept)
    assert html.count('data-api="PATCH /api/recruitment/v1/drives/7"') == 1, "what is over cannot be changed"
    assert 'id="今天-starts"' not in html, "a drive that has begun keeps its start"
    assert 'id="今天-ends"' in html
    appeal = {"appeal_id": "8", "code": "AB23CD", "title": "倡议", "channel": "微视岭东", "body": "来", "version": 1}
    appeal |= {"published_at": "2026-03-01T01:00:00Z", "closed_at": None, "registered": 4, "url": "https://x/a/AB23CD"}
    for centre in (True, False):
        html = fragment("staff/appeals.html", Session(), path="/staff/drives/appeals", appeals=[appeal], centre=centre)
        assert ("POST /api/recruitment/v1/appeals/8/close" in html) is centre
        assert "4 人由此登记" in html
