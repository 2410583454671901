"""Navigation of the shell: tabs for volunteers and visitors, grouped links for staff and operators."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.web.gateway.sessions import Session
from services.web.pages.language import N_, titled

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
    ("/me", N_("今天"), "house", ("=/me", "/s/")),
    (
        "/me/service",
        N_("服务"),
        "hand-heart",
        ("/me/service", "/me/shifts", "/me/calendar", "/me/hours", "/drives", "/d/", "/a/", "/menu", "/order"),
    ),
    ("/me/points", N_("积分"), "coins", ("/me/points", "/me/why", "/me/balance", "/rules")),
    ("/me/inbox", N_("消息"), "bell", ("/me/inbox",)),
    (
        "/me/profile",
        N_("我的"),
        "user-round",
        ("/me/profile", "/account", "/leaders", "/teams", "/me/teams", "/projects", "/credentials"),
    ),
)
_VISITOR = (
    ("/", N_("今天"), "house", ("=/",)),
    ("/drives", N_("服务"), "hand-heart", ("/drives", "/d/", "/a/", "/teams")),
    ("/menu", N_("点单"), "heart-handshake", ("/menu", "/order", "/projects", "/service-points")),
    ("/rules", N_("积分"), "coins", ("/rules", "/leaders")),
    ("/me/profile", N_("我的"), "user-round", ("/login", "/welcome", "/account")),
)

_RESIDENT = (
    ("/", N_("今天"), "house", ("=/",)),
    ("/menu", N_("服务"), "hand-heart", ("/menu", "=/order", "/projects", "/service-points", "/teams")),
    ("/orders", N_("我的点单"), "list-checks", ("/orders", "/me/inbox")),
    ("/drives", N_("当志愿者"), "heart-handshake", ("/drives", "/d/", "/a/", "/welcome", "/rules")),
    ("/account", N_("我的"), "user-round", ("/account",)),
)

_STATION, _OPERATOR, _CENTRE = "station", "operator", "centre"
_ENGINEER, _AUDITOR = "engineer", "auditor"
_GROUPS = (
    (
        N_("今日"),
        (
            ("/staff", N_("工作台"), "layout-dashboard", (_STATION, _OPERATOR, "leader")),
            ("/staff/activities", N_("活动安排"), "calendar-check", (_STATION, _OPERATOR, "leader")),
            ("/staff/offers", N_("接单"), "heart-handshake", ("leader",)),
            ("/staff/messages", N_("消息"), "bell", (_STATION, _OPERATOR, _ENGINEER, "leader")),
            ("/staff/drives", N_("招募与海报"), "megaphone", (_STATION, _OPERATOR)),
        ),
    ),
    (
        N_("点单和派单"),
        (
            ("/staff/orders", N_("居民点单"), "inbox", (_STATION, _OPERATOR)),
            ("/staff/desk", N_("派单"), "send", (_STATION, _OPERATOR)),
            ("/staff/complaints", N_("居民投诉"), "message-circle", (_OPERATOR,)),
            ("/staff/menu", N_("亮单和工作日"), "menu", (_CENTRE,)),
        ),
    ),
    (
        N_("审核"),
        (
            ("/staff/records", N_("服务记录"), "list-checks", (_STATION, _OPERATOR, "leader")),
            ("/staff/rectifications", N_("更正申请"), "message-circle", (_STATION, _OPERATOR)),
            ("/staff/devices", N_("签到设备"), "radio", (_STATION, _OPERATOR)),
            ("/staff/approvals", N_("时长核对"), "clipboard-check", (_STATION, _OPERATOR)),
            ("/staff/cases", N_("核查"), "search", (_STATION, _OPERATOR)),
        ),
    ),
    (
        N_("志愿者"),
        (
            ("/staff/volunteers", N_("查志愿者"), "user-search", (_STATION, _OPERATOR)),
            ("/staff/adjustments", N_("人工调整"), "sliders-horizontal", (_OPERATOR,)),
            ("/staff/imports", N_("导入名单"), "inbox", (_OPERATOR,)),
        ),
    ),
    (
        N_("奖励"),
        (
            ("/staff/rewards", N_("奖品和库存"), "gift", (_STATION, _OPERATOR)),
            ("/staff/redemptions", N_("兑换记录"), "history", (_STATION, _OPERATOR)),
        ),
    ),
    (N_("规则"), (("/staff/rules", N_("积分规则"), "scale", (_CENTRE,)),)),
    (N_("同事"), (("/staff/colleagues", N_("同事"), "users", (_OPERATOR,)),)),
    (N_("组织"), (("/staff/organisation", N_("阵地、队伍和项目"), "layers", (_STATION, _OPERATOR)),)),
    (
        N_("事件流"),
        (
            ("/console", N_("实时"), "radio", (_OPERATOR, _ENGINEER, _AUDITOR)),
            ("/console/search", N_("搜索"), "search", (_OPERATOR, _ENGINEER, _AUDITOR)),
            ("/console/dead-letters", N_("死信"), "skull", (_CENTRE, _ENGINEER, _AUDITOR)),
            ("/console/alerts", N_("告警"), "circle-alert", (_CENTRE, _ENGINEER, _AUDITOR)),
            ("/console/streams", N_("主题和消费组"), "layers", (_CENTRE, _ENGINEER, _AUDITOR)),
            ("/console/audit", N_("操作记录"), "scroll-text", (_CENTRE, _ENGINEER, _AUDITOR)),
            ("/console/deliveries", N_("送达"), "send", (_CENTRE, _ENGINEER, _AUDITOR)),
            ("/console/ledger", N_("账本"), "wallet", (_CENTRE, _ENGINEER, _AUDITOR)),
            ("/console/health", N_("健康"), "heart-pulse", (_CENTRE, _ENGINEER, _AUDITOR)),
        ),
    ),
    (
        N_("安全"),
        (
            ("/staff/security", N_("安全日志"), "shield-check", (_CENTRE,)),
            ("/account", N_("账号"), "key-round", (_STATION, _OPERATOR, _ENGINEER, _AUDITOR, "enrolling")),
        ),
    ),
    (
        N_("系统"),
        (
            ("/staff/system", N_("系统"), "server", (_ENGINEER, _AUDITOR)),
            ("/staff/api", N_("接口说明"), "book-open", (_STATION, _OPERATOR, _ENGINEER, _AUDITOR)),
        ),
    ),
)


def navigation_of(session: Session, path: str) -> Navigation:
    """The navigation for a caller on a page; it only offers, the services decide."""
    if session.account or (session.staff and path.startswith("/staff")):
        return Navigation(groups=tuple(_groups(session, path)))
    tabs = _VOLUNTEER if session.volunteer_id else _RESIDENT if "resident" in session.roles else _VISITOR
    return Navigation(
        tabs=tuple(Link(href, titled(text), icon, _lies_under(path, on)) for href, text, icon, on in tabs)
    )


def _groups(session: Session, path: str) -> Iterator[Group]:
    held = session.roles | ({_CENTRE} if session.centre else set())
    for title, links in _GROUPS:
        seen = tuple(
            Link(
                href,
                titled(text),
                icon,
                path == href or (href not in ("/staff", "/console") and path.startswith(f"{href}/")),
            )
            for href, text, icon, roles in links
            if held & set(roles)
        )
        if seen:
            yield Group(titled(title), seen)


def _lies_under(path: str, patterns: tuple[str, ...]) -> bool:
    return any(path == one[1:] if one.startswith("=") else path.startswith(one) for one in patterns)
