"""Steps of orders as notices to residents, to leaders whose teams may act, and to the staff of the desk."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.notify.inbox.domain import Notice
from shared.cloudevents import Event
from shared.contracts import OrderChanged

__all__ = ["order_notices"]

_RESIDENT: Mapping[str, str] = {
    "place": "已收到，站点会尽快审核",
    "take": "正在审核",
    "ask": "需要您补充情况，请打开“我的点单”回答；14 天内没有回答就会关闭",
    "offer": "审核通过，正在等队伍接单",
    "refuse": "没有通过审核，原因见“我的点单”；有疑问请联系站点",
    "accept": "已有队伍接单，正在安排时间",
    "dispatch": "已派给一支队伍，等队伍答复",
    "schedule": "已排定",
    "complete": "服务已完成，请打开“我的点单”评价",
    "escalate": "等得久了，已转给上一级处理",
    "lapse": "一直没有收到您的回答，已关闭；还需要请重新点单",
    "release": "原来的队伍不能来了，正在另找队伍",
    "reopen": "已重新安排，由区中心跟进",
    "cancel": "已取消",
    "remind": "服务时间过了还没有办结，站点会联系您",
    "default": "没有收到评价，已按默认结束",
}
_STAFF: Mapping[str, str] = {
    "place": "有新的点单等待审核",
    "answer": "居民已补充情况，请接着审核",
    "escalate": "下一级超过期限，转到您这里办理",
    "release": "队伍没有承接，请另派队伍",
    "remind": "服务结束 3 天还没有办结，请核实后办结",
    "reopen": "居民不满意，已重新打开，请派队伍",
    "move": "所属站点已关闭，转到您这里办理",
}
_LEADER: Mapping[str, str] = {
    "offer": "有一张您的队伍可以接的点单",
    "reopen": "有一张您的队伍可以接的点单",
    "dispatch": "派给您的队伍，请一个工作日内接单或谢绝",
    "release": "已不在您的队伍名下，或又可以接单",
    "cancel": "已取消，不必前往",
    "remind": "服务结束 3 天还没有办结，请办结",
    "rate": "居民已评价",
}
_UNFULFILLED = "没有队伍能承接，很抱歉；站点会联系您说明"
_BAD_STARS = 2


def order_notices(event: Event[OrderChanged]) -> list[Notice]:
    """Make the notices of a step; the first one is no message and moves the version."""
    data = event.data
    notices = [_notice(event, data.resident_id, None, "")]
    if (said := _to_resident(data)) is not None:
        people = [data.resident_id] if data.beneficiary_id is None else [data.resident_id, data.beneficiary_id]
        notices += [_notice(event, each, "order_resident", said) for each in people]
    if (said := _to_staff(data)) is not None:
        notices += [_notice(event, each, "order_staff", said) for each in data.staff_ids]
    if (said := _LEADER.get(data.act)) is not None:
        notices += [_notice(event, each, "order_leader", said) for each in data.leader_ids]
    return notices


def _to_resident(data: OrderChanged) -> str | None:
    if data.state == "unfulfilled":
        return _UNFULFILLED
    if data.act == "complete" and data.state == "accepted":
        return "这次服务没有成行，队伍会另约时间"
    return _RESIDENT.get(data.act)


def _to_staff(data: OrderChanged) -> str | None:
    if data.state == "unfulfilled":
        return "没有队伍承接，记为未满足的需求"
    if data.act == "rate" and (data.complaint or (data.stars or 0) <= _BAD_STARS):
        return "评价不满意，请跟进"
    if data.act == "cancel" and data.by == "resident":
        return "居民已取消"
    return _STAFF.get(data.act)


def _notice(event: Event[OrderChanged], recipient_id: UUID, template: str | None, said: str) -> Notice:
    data = event.data
    params: dict[str, Any] = {
        "need": data.need_name,
        "said": said,
        "starts_at": data.starts_at if data.act in ("schedule", "complete", "cancel") else None,
    }
    return Notice(
        event.id,
        recipient_id,
        event.aggregate_id,
        event.aggregate_version,
        event.correlation_id,
        event.traceparent,
        template,
        params,
        outdates=False,
        to_volunteer=template == "order_leader",
    )
