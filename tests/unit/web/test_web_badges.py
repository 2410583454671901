"""Badges on the way, as the pages say them. Pure."""

import re
from typing import Any

import pytest

from services.points.badges import documents as badges
from services.points.teams import documents as teams
from services.points.teams.domain import sentence as team_sentence
from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.criterion_words import criterion_said
from services.web.pages.language import SOURCE, choose
from services.web.pages.public.credentials import as_download, badge_names, nearest, progress_line


def on_the_way(**changes: Any) -> dict[str, Any]:
    plain = {
        "name": "一星志愿者",
        "measure": "minutes",
        "value": 60,
        "at_least": 6000,
        "remaining": 5940,
        "held": False,
    }
    return plain | changes


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "99 小时"),
        ({"measure": "records", "remaining": 2}, "2 次"),
        ({"measure": "weeks", "remaining": 3}, "3 周"),
        ({"measure": "themes", "remaining": 9}, "9 个主题"),
        ({"measure": "unheard-of", "remaining": 9}, "9"),
    ],
)
def test_what_is_missing_is_said_in_its_measure(changes: dict[str, Any], says: str) -> None:
    assert progress_line(on_the_way(**changes))["missing"] == says


def test_what_is_missing_has_one_form_for_one_and_one_for_many_in_english() -> None:
    choose("en")
    try:
        said = [progress_line(on_the_way(measure="themes", remaining=number))["missing"] for number in (1, 9)]
    finally:
        choose(SOURCE)
    assert said == ["1 theme", "9 themes"]


def test_the_nearest_stands_first_and_what_is_held_or_reached_does_not_stand_there() -> None:
    lines = nearest(
        [
            on_the_way(name="far"),
            on_the_way(name="near", value=5000, remaining=1000),
            on_the_way(name="held", held=True),
            on_the_way(name="reached", value=7000, remaining=0),
        ]
    )
    assert [line["name"] for line in lines] == ["near", "far"]


def test_a_credential_is_a_file_in_two_forms_and_no_third() -> None:
    found = {"award_id": "0" * 32, "jwt": "a.b.c", "credential": {"name": "微光初亮"}}
    token = as_download(found, "jwt")
    assert (token.body, token.media_type) == (b"a.b.c", "application/vc+jwt")
    assert "attachment" in token.headers["content-disposition"]
    assert "微光初亮".encode() in bytes(as_download(found, "json").body)
    with pytest.raises(UpstreamProblem):
        as_download(found, "exe")


class _Criteria:
    """A visit to which points answers with criteria, or not at all."""

    def __init__(self, found: Any) -> None:
        self._found = found

    async def get_optional(self, service: str, path: str) -> Any:
        assert (service, path) == ("points", "/criteria")
        return self._found


async def test_badges_of_a_preview_have_the_names_that_volunteers_read() -> None:
    items = [{"badge": "first-service", "name": "微光初亮"}, {"badge": "caring", "name": "爱心志愿者"}]
    name = await badge_names(_Criteria({"items": [{"items": items}]}))  # type: ignore[arg-type]
    assert [name(one) for one in ("first-service", "caring-2026", "gone")] == ["微光初亮", "2026年度爱心志愿者", "gone"]
    assert (await badge_names(_Criteria(None)))("first-service") == "first-service"  # type: ignore[arg-type]


def test_how_the_shipped_badges_are_earned_is_said_in_english() -> None:
    shipped = [item.sentence() for item in badges.shipped()[-1].criteria().items]
    shipped += [team_sentence(item) for item in teams.shipped()[-1].criteria().items]
    assert [criterion_said(one) for one in shipped] == shipped
    choose("en")
    try:
        said = [criterion_said(one) for one in shipped]
    finally:
        choose(SOURCE)
    assert [one for one in said if re.search("[\u4e00-\u9fff]", re.sub("“.+?”", "", one))] == [], (
        "add the form to services/web/pages/criterion_words.py"
    )
    assert {"100 hours of service in all", "3 services from 1 Mar to 31 Mar of a year"} <= set(said)
    assert criterion_said("一种新的说法") == "一种新的说法"
