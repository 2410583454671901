"""Navigation of the shell: tabs for volunteers and visitors, grouped links for staff and operators."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.web.gateway.sessions import Session

__all__ = ["Group", "Link", "Navigation", "navigation_of"]


@dataclass(frozen=True, slots=True)
class Link:
    """One way on: where to, what it is called, its icon, and whether the page lies behind it."""

    href: str
    text: str
    icon: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Links of one subject at the side."""

    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Navigation:
    """Tabs at the bottom of a phone, or groups at the side of a desk; the other is empty."""

    tabs: tuple[Link, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def desk(self) -> bool:
        """Whether this is the shell of staff and operators."""
        return bool(self.groups)


_VOLUNTEER = (
    ("/me", "今天", "house", ("=/me", "/s/")),
    ("/me/service", "服务", "hand-heart", ("/me/service", "/me/hours", "/drives", "/d/")),
    ("/me/points", "积分", "coins", ("/me/points", "/me/why", "/me/balance", "/rules")),
    ("/me/inbox", "消息", "bell", ("/me/inbox",)),
    ("/me/profile", "我的", "user-round", ("/me/profile", "/account", "/leaders", "/teams", "/credentials")),
)
_VISITOR = (
    ("/", "今天", "house", ("=/",)),
    ("/drives", "服务", "hand-heart", ("/drives", "/d/", "/teams")),
    ("/rules", "积分", "coins", ("/rules", "/leaders")),
    ("/me/inbox", "消息", "bell", ()),
    ("/me/profile", "我的", "user-round", ("/login", "/welcome", "/account")),
)

_STATION, _OPERATOR, _CENTRE = "station", "operator", "centre"
_ENGINEER, _AUDITOR = "engineer", "auditor"
_GROUPS = (
    (
        "今日",
        (
            ("/staff", "工作台", "layout-dashboard", (_STATION, _OPERATOR, "leader")),
            ("/staff/messages", "消息", "bell", (_STATION, _OPERATOR, "leader")),
            ("/staff/drives", "招募与海报", "megaphone", (_STATION, _OPERATOR)),
        ),
    ),
    (
        "审核",
        (
            ("/staff/approvals", "时长核对", "clipboard-check", (_STATION, _OPERATOR)),
            ("/staff/cases", "核查", "search", (_STATION, _OPERATOR)),
        ),
    ),
    (
        "志愿者",
        (
            ("/staff/volunteers", "查志愿者", "user-search", (_STATION, _OPERATOR)),
            ("/staff/adjustments", "人工调整", "sliders-horizontal", (_OPERATOR,)),
        ),
    ),
    (
        "奖励",
        (
            ("/staff/rewards", "奖品和库存", "gift", (_STATION, _OPERATOR)),
            ("/staff/redemptions", "兑换记录", "history", (_STATION, _OPERATOR)),
        ),
    ),
    ("规则", (("/staff/rules", "积分规则", "scale", (_CENTRE,)),)),
    ("同事", (("/staff/colleagues", "同事", "users", (_OPERATOR,)),)),
    (
        "安全",
        (
            ("/staff/security", "安全日志", "shield-check", (_CENTRE,)),
            ("/account", "账号", "key-round", (_STATION, _OPERATOR, _ENGINEER, _AUDITOR, "enrolling")),
        ),
    ),
    (
        "系统",
        (
            ("/staff/system", "系统", "server", (_ENGINEER, _AUDITOR)),
            ("/staff/api", "接口说明", "book-open", (_STATION, _OPERATOR, _ENGINEER, _AUDITOR)),
        ),
    ),
)


def navigation_of(session: Session, path: str) -> Navigation:
    """The navigation for a caller on a page; it only offers, the services decide."""
    if session.account or (session.staff and path.startswith("/staff")):
        return Navigation(groups=tuple(_groups(session, path)))
    tabs = _VOLUNTEER if session.volunteer_id else _VISITOR
    return Navigation(tabs=tuple(Link(href, text, icon, _lies_under(path, on)) for href, text, icon, on in tabs))


def _groups(session: Session, path: str) -> Iterator[Group]:
    held = session.roles | ({_CENTRE} if session.centre else set())
    for title, links in _GROUPS:
        seen = tuple(
            Link(href, text, icon, path == href or (href != "/staff" and path.startswith(f"{href}/")))
            for href, text, icon, roles in links
            if held & set(roles)
        )
        if seen:
            yield Group(title, seen)


def _lies_under(path: str, patterns: tuple[str, ...]) -> bool:
    return any(path == one[1:] if one.startswith("=") else path.startswith(one) for one in patterns)
