"""The shell of the pages: what each role is offered, how a browser wants to see it, and icons that exist."""

import re
from pathlib import Path

import pytest

from services.web.gateway.sessions import Session
from services.web.pages import render
from services.web.pages.icons import ICONS, icon
from services.web.pages.language import SOURCE, choose
from services.web.pages.look import Appearance, look_of
from services.web.pages.navigation import navigation_of

TEMPLATES = Path(render.__file__).parent / "templates"
VOLUNTEER = Session("token", {"sub": "v", "roles": ["volunteer"], "volunteer": "v"})
LEADER = Session("token", {"sub": "v", "roles": ["leader"], "volunteer": "v"})
RESIDENT = Session("token", {"sub": "r", "roles": ["resident"], "resident": "r"})
STATION = Session("token", {"sub": "s", "roles": ["station"], "sites": ["site-1"]})
NORTH = Session("token", {"sub": "n", "roles": ["operator"], "sites": ["site-1"]})
CENTRE = Session("token", {"sub": "c", "roles": ["operator"], "sites": "*"})
ENGINEER = Session("token", {"sub": "e", "roles": ["engineer"]})
AUDITOR = Session("token", {"sub": "a", "roles": ["auditor"]})
ENROLLING = Session("token", {"sub": "o", "roles": ["enrolling"]})
CONSOLE = {"/console", "/console/search"}
CENTRES = {
    f"/console/{name}" for name in ("dead-letters", "alerts", "streams", "audit", "deliveries", "ledger", "health")
}


def offered(session: Session, path: str = "/staff") -> set[str]:
    return {link.href for group in navigation_of(session, path).groups for link in group.links}


@pytest.mark.parametrize(
    ("session", "tabs"),
    [
        (Session(), ["今天", "服务", "点单", "积分", "我的"]),
        (VOLUNTEER, ["今天", "服务", "积分", "消息", "我的"]),
        (LEADER, ["今天", "服务", "积分", "消息", "我的"]),
        (RESIDENT, ["今天", "服务", "我的点单", "当志愿者", "我的"]),
    ],
)
def test_volunteers_residents_and_visitors_have_five_tabs(session: Session, tabs: list[str]) -> None:
    found = navigation_of(session, "/drives")
    assert [link.text for link in found.tabs] == tabs
    assert len([link for link in found.tabs if link.current]) == 1
    assert not found.desk


@pytest.mark.parametrize(
    ("path", "text"), [("/menu", "服务"), ("/order", "服务"), ("/orders/0192", "我的点单"), ("/me/inbox", "我的点单")]
)
def test_a_resident_finds_the_menu_and_their_orders_apart(path: str, text: str) -> None:
    assert [link.text for link in navigation_of(RESIDENT, path).tabs if link.current] == [text]


def test_the_first_tab_is_current_on_its_own_page_alone() -> None:
    for path, text in (
        ("/me", "今天"),
        ("/me/points", "积分"),
        ("/me/why", "积分"),
        ("/s/0192", "今天"),
        ("/me/inbox", "消息"),
    ):
        current = [link.text for link in navigation_of(VOLUNTEER, path).tabs if link.current]
        assert current == [text], path


def test_each_role_is_offered_what_it_may_see() -> None:
    assert offered(STATION) == {
        "/staff",
        "/staff/activities",
        "/staff/records",
        "/staff/devices",
        "/staff/organisation",
        "/staff/messages",
        "/staff/orders",
        "/staff/desk",
        "/staff/drives",
        "/staff/rectifications",
        "/staff/approvals",
        "/staff/cases",
        "/staff/volunteers",
        "/staff/rewards",
        "/staff/redemptions",
        "/account",
        "/staff/api",
    }
    assert offered(NORTH) - offered(STATION) == {
        "/staff/adjustments",
        "/staff/colleagues",
        "/staff/complaints",
        "/staff/imports",
        *CONSOLE,
    }
    assert offered(CENTRE) - offered(NORTH) == {"/staff/rules", "/staff/menu", "/staff/security", *CENTRES}
    assert offered(ENGINEER) == {"/staff/messages", "/staff/system", "/staff/api", "/account", *CONSOLE, *CENTRES}
    assert offered(AUDITOR) == offered(ENGINEER) - {"/staff/messages"}
    assert offered(ENROLLING) == {"/account"}
    assert offered(LEADER) == {"/staff", "/staff/activities", "/staff/offers", "/staff/records", "/staff/messages"}
    assert offered(LEADER, "/me") == set(), "a leader is a volunteer outside of the staff's pages"


def test_a_page_below_is_current_in_the_side_navigation() -> None:
    groups = navigation_of(CENTRE, "/staff/rules/1001").groups
    assert [link.href for group in groups for link in group.links if link.current] == ["/staff/rules"]


@pytest.mark.parametrize(
    ("cookie", "look"),
    [
        (b"", Appearance()),
        (b"wg_theme=dark; wg_size=large", Appearance("dark", "large")),
        (b"wg_theme=light", Appearance("light", "normal")),
        (b'wg_theme="><script>; wg_size=huge', Appearance()),
    ],
)
def test_the_look_comes_from_cookies_of_known_values(cookie: bytes, look: Appearance) -> None:
    assert look_of([(b"cookie", cookie)]) == look


def test_icons_are_drawn_by_name_and_every_template_names_one_that_exists() -> None:
    assert str(icon("house")).startswith('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=')
    with pytest.raises(KeyError):
        icon("no-such-icon")
    named = {
        name
        for path in TEMPLATES.rglob("*.html")
        for name in re.findall(r"icon\('([a-z0-9-]+)'\)", path.read_text("utf-8"))
    }
    assert named
    assert named <= ICONS.keys()


@pytest.mark.parametrize("session", [Session(), VOLUNTEER, RESIDENT, CENTRE, ENGINEER])
def test_english_navigation_is_written_with_capitals(session: Session) -> None:
    choose("en")
    try:
        shown = navigation_of(session, "/staff")
    finally:
        choose(SOURCE)
    texts = [*(link.text for link in shown.tabs), *(group.title for group in shown.groups)]
    texts += [link.text for group in shown.groups for link in group.links]
    assert texts
    assert [text for text in texts if text[:1] != text[:1].upper()] == []
