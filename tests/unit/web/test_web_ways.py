"""Messages lead to the pages that their texts name, and to nothing else. Pure."""

import pytest

from services.web.pages.message_ways import linked, way_of


def test_paths_of_our_pages_become_links_and_all_else_is_escaped() -> None:
    shown = str(linked("请到“我的服务时长”（/me/hours）点“不对”。<b>"))
    assert '<a href="/me/hours">打开</a>' in shown
    assert "&lt;b&gt;" in shown
    assert 'href="/staff/approvals?view=recorded"' in str(linked("见（/staff/approvals?view=recorded）"))
    shift = "/me/shifts/01a22fa5-5df1-76fc-bf57-34beab14beab"
    assert f'href="{shift}"' in str(linked(f"打开这个班次（{shift}）查看"))


@pytest.mark.parametrize(
    "text", ["https://example.org/me/hours", "//evil.example/me/x", "/menu", "1/me/2", "/meeting", "javascript:/me/1"]
)
def test_other_addresses_stay_text(text: str) -> None:
    assert "<a" not in str(linked(text))


def test_kinds_whose_text_names_no_path_have_a_way_on() -> None:
    assert way_of("waitlist_offered") == ("/me/service#duties-title", "去我的班次")
    assert way_of("points_awarded") is None
