"""Steps of orders as notices to residents, to leaders whose teams may act, and to the staff of the desk."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.notify.inbox.domain import Notice
from services.notify.inbox.notices import notice_of
from shared.cloudevents import Event
from shared.contracts import OrderChanged

__all__ = ["order_notices"]

Words = tuple[str, str, str, str]
"""The heading of a message, which says the step, and its sentence; then both in English."""

_RESIDENT: Mapping[str, Words] = {
    "place": ("已收到点单", "已收到，站点会尽快审核", "Order received", "received; the site reviews it soon"),
    "take": ("正在审核", "正在审核", "Under review", "under review"),
    "ask": (
        "请您补充",
        "需要您补充情况，请打开“我的点单”回答；14 天内没有回答就会关闭",
        "Please add details",
        "more details are needed; please answer under “My orders” within 14 days, or the order is closed",
    ),
    "offer": (
        "正在找队伍",
        "审核通过，正在等队伍接单",
        "Looking for a team",
        "approved, waiting for a team to accept it",
    ),
    "refuse": (
        "没有通过审核",
        "没有通过审核，原因见“我的点单”；有疑问请联系站点",
        "Not approved",
        "not approved; see “My orders” for the reason, and ask the site",
    ),
    "accept": (
        "队伍已接单",
        "已有队伍接单，正在安排时间",
        "A team accepted",
        "a team accepted it and is planning the time",
    ),
    "dispatch": (
        "已派给队伍",
        "已派给一支队伍，等队伍答复",
        "Sent to a team",
        "sent to a team, waiting for its answer",
    ),
    "schedule": ("时间已定", "已排定", "Time set", "the time is set"),
    "complete": (
        "请您评价",
        "服务已完成，请打开“我的点单”评价",
        "Please rate",
        "the service is done; please rate it under “My orders”",
    ),
    "escalate": (
        "已转到上一级",
        "等得久了，已转给上一级处理",
        "Passed to the next level",
        "it waited long and was passed to the next level",
    ),
    "lapse": (
        "已关闭",
        "一直没有收到您的回答，已关闭；还需要请重新点单",
        "Closed",
        "closed as no answer came; please order again if you still need it",
    ),
    "release": (
        "重新找队伍",
        "原来的队伍不能来了，正在另找队伍",
        "Looking for another team",
        "the team cannot come; another one is being found",
    ),
    "reopen": ("重新安排", "已重新安排，由区中心跟进", "Arranged anew", "arranged anew; the centre follows it up"),
    "cancel": ("已取消", "已取消", "Cancelled", "cancelled"),
    "remind": (
        "还没有办结",
        "服务时间过了还没有办结，站点会联系您",
        "Not closed yet",
        "the time of service is over and the order is not closed; the site contacts you",
    ),
    "default": ("已结束", "没有收到评价，已按默认结束", "Closed", "no rating came, so it was closed by default"),
}
_STAFF: Mapping[str, Words] = {
    "place": ("新点单待审", "有新的点单等待审核", "New order to review", "a new order waits for review"),
    "answer": (
        "居民已补充",
        "居民已补充情况，请接着审核",
        "Resident answered",
        "the resident added details; please go on with the review",
    ),
    "escalate": (
        "超时转来",
        "下一级超过期限，转到您这里办理",
        "Passed on, overdue",
        "the level below missed its deadline; it is yours now",
    ),
    "release": (
        "请另派队伍",
        "队伍没有承接，请另派队伍",
        "Please dispatch another team",
        "the team did not take it; please dispatch another",
    ),
    "remind": (
        "请核实办结",
        "服务结束 3 天还没有办结，请核实后办结",
        "Please verify and close",
        "3 days after the service it is not closed; please verify and close it",
    ),
    "reopen": (
        "居民不满意",
        "居民不满意，已重新打开，请派队伍",
        "Resident not satisfied",
        "the resident is not satisfied and it was reopened; please dispatch a team",
    ),
    "move": (
        "站点转来",
        "所属站点已关闭，转到您这里办理",
        "Passed on by a site",
        "its site is closed; it is yours now",
    ),
}
_LEADER: Mapping[str, Words] = {
    "offer": ("可以接单", "有一张您的队伍可以接的点单", "Order to accept", "your team can accept this order"),
    "reopen": ("可以接单", "有一张您的队伍可以接的点单", "Order to accept", "your team can accept this order"),
    "dispatch": (
        "派单待答复",
        "派给您的队伍，请一个工作日内接单或谢绝",
        "Dispatched to your team",
        "it was dispatched to your team; please accept or decline within one working day",
    ),
    "release": (
        "点单有变",
        "已不在您的队伍名下，或又可以接单",
        "Order changed",
        "it is no longer your team's, or can be accepted again",
    ),
    "cancel": ("点单取消", "已取消，不必前往", "Order cancelled", "cancelled; you need not come"),
    "remind": (
        "请办结",
        "服务结束 3 天还没有办结，请办结",
        "Please close",
        "3 days after the service it is not closed; please close it",
    ),
    "rate": ("居民已评价", "居民已评价", "Resident rated", "the resident rated the service"),
}
_UNFULFILLED = (
    "没有队伍能接",
    "没有队伍能承接，很抱歉；站点会联系您说明",
    "No team can take it",
    "sorry, no team can take it; the site contacts you to explain",
)
_NOT_HELD = (
    "服务没有成行",
    "这次服务没有成行，队伍会另约时间",
    "Service did not take place",
    "the service did not take place; the team arranges another time",
)
_NOT_MET = (
    "没有队伍承接",
    "没有队伍承接，记为未满足的需求",
    "No team took it",
    "no team took it; it is recorded as an unmet need",
)
_BADLY_RATED = ("评价不满意", "评价不满意，请跟进", "Poor rating", "the rating is poor; please follow it up")
_WITHDRAWN = ("居民已取消", "居民已取消", "Cancelled by the resident", "cancelled by the resident")
_BAD_STARS = 2


def order_notices(event: Event[OrderChanged]) -> list[Notice]:
    """Make the notices of a step; the first one is no message and moves the version."""
    data = event.data
    notices = [_notice(event, data.resident_id, None, ("", "", "", ""))]
    if (said := _to_resident(data)) is not None:
        people = [data.resident_id] if data.beneficiary_id is None else [data.resident_id, data.beneficiary_id]
        notices += [_notice(event, each, "order_resident", said) for each in people]
    if (said := _to_staff(data)) is not None:
        notices += [_notice(event, each, "order_staff", said) for each in data.staff_ids]
    if (said := _LEADER.get(data.act)) is not None:
        notices += [_notice(event, each, "order_leader", said) for each in data.leader_ids]
    return notices


def _to_resident(data: OrderChanged) -> Words | None:
    if data.state == "unfulfilled":
        return _UNFULFILLED
    if data.act == "complete" and data.state == "accepted":
        return _NOT_HELD
    return _RESIDENT.get(data.act)


def _to_staff(data: OrderChanged) -> Words | None:
    if data.state == "unfulfilled":
        return _NOT_MET
    if data.act == "rate" and (data.complaint or (data.stars or 0) <= _BAD_STARS):
        return _BADLY_RATED
    if data.act == "cancel" and data.by == "resident":
        return _WITHDRAWN
    return _STAFF.get(data.act)


def _notice(event: Event[OrderChanged], recipient_id: UUID, template: str | None, words: Words) -> Notice:
    data, (heading, said, heading_en, said_en) = event.data, words
    params: dict[str, Any] = {
        "need": data.need_name,
        "heading": heading,
        "said": said,
        "heading_en": heading_en,
        "said_en": said_en,
        "starts_at": data.starts_at if data.act in ("schedule", "complete", "cancel") else None,
    }
    to_volunteer = template == "order_leader"
    return notice_of(event, recipient_id, template, params, outdates=False, to_volunteer=to_volunteer)
