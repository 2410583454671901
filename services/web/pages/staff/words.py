"""Words of the pages of those who run a station: reasons, acts of a history, and the names of fields."""

from collections.abc import Callable, Mapping
from typing import Any

from services.web.pages.language import N_, _, listed
from services.web.pages.wording import moment

__all__ = ["CANCEL_REASONS", "MESSAGE_SUBJECTS", "act_said", "change_said", "field_said", "revision_said"]

CANCEL_REASONS: Mapping[str, str] = {
    "weather": N_("天气不好"),
    "too-few-people": N_("人数不够"),
    "place-unavailable": N_("场地用不了"),
    "no-leader": N_("没有人带队"),
    "other": N_("其他原因"),
}
MESSAGE_SUBJECTS: Mapping[str, str] = {
    "meeting": N_("集合提醒"),
    "bring": N_("请带好物品"),
    "weather": N_("注意天气"),
    "place": N_("地点说明"),
    "thanks": N_("感谢大家"),
    "other": N_("其他（请写附言）"),
}
"""The subjects of a message to the people of a shift."""
_ACTS: Mapping[str, str] = {
    "edited": N_("修改"),
    "closed": N_("结束"),
    "postponed": N_("延期"),
    "shortened": N_("提前结束"),
    "called-off": N_("取消"),
}
_REVISIONS: Mapping[str, str] = {
    "check_in": N_("签到"),
    "check_out": N_("签退"),
    "upload": N_("设备上传"),
    "import": N_("导入"),
    "auto_close": N_("系统签退"),
    "confirm": N_("确认"),
    "correct": N_("改短"),
    "void": N_("作废"),
    "approve": N_("别的站点核对通过"),
    "reject": N_("别的站点核对未通过"),
    "deny": N_("志愿者提出异议"),
    "restore": N_("恢复记录"),
    "overtime": N_("批准超时"),
    "add": N_("补录"),
    "resume": N_("撤回签退，接着计时"),
    "suspect": N_("核查确认有疑问"),
}
_FIELDS: Mapping[str, str] = {
    "title": N_("名称"),
    "theme_id": N_("服务主题"),
    "team_id": N_("队伍"),
    "site_id": N_("站点"),
    "project_id": N_("项目"),
    "kind": N_("类型"),
    "place": N_("地点"),
    "beneficiaries": N_("服务对象"),
    "content": N_("做什么"),
    "person_in_charge": N_("负责人"),
    "residents_served": N_("服务居民"),
    "note": N_("备注"),
    "starts_at": N_("开始"),
    "ends_at": N_("结束"),
    "capacity": N_("名额"),
    "cancelled_at": N_("取消时间"),
    "posts": N_("岗位"),
    "withdraw_minutes": N_("取消期限（分钟）"),
}
_TIMES = frozenset({"starts_at", "ends_at", "cancelled_at"})


def act_said(act: str) -> str:
    """An act of a history in a word; an unknown one as it is."""
    return _(_ACTS[act]) if act in _ACTS else act


def revision_said(change: str) -> str:
    """The cause of a record's revision in a word; an unknown one as it is."""
    return _(_REVISIONS[change]) if change in _REVISIONS else change


def field_said(name: str) -> str:
    """A field of an activity or a shift by its name on pages."""
    return _(_FIELDS[name]) if name in _FIELDS else name


def change_said(change: Mapping[str, Any], named: Callable[[object], str]) -> str:
    """地点 广场 → 活动室，名额 10 → 20: one change in a sentence; ``named`` names sites, teams and the like by id."""
    before, after = change["before"], change["after"]
    return listed([_field_change(name, before.get(name), after[name], named) for name in after])


def _field_change(name: str, before: Any, after: Any, named: Callable[[object], str]) -> str:
    if before is None and after is None:
        return _("%(field)s（内容不留在历史里）", field=field_said(name))
    return f"{field_said(name)} {_value(name, before, named)} → {_value(name, after, named)}"


def _value(name: str, value: Any, named: Callable[[object], str]) -> str:
    if value is None:
        return _("无")
    if name in _TIMES:
        return moment(value)
    return named(value) if name.endswith("_id") else str(value)
