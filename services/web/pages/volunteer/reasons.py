"""Why a record has the points that it has: points' reasons by their code, in the language of the page."""

from collections.abc import Mapping
from typing import Any

from services.web.pages.language import N_, _, listed
from services.web.pages.wording import word

__all__ = ["REASONS", "reason_of"]

REASONS: Mapping[str, str] = {
    "counted": N_("全部计分"),
    "cut": N_("当日计分时长已到上限，超出部分不计分"),
    "cut-short": N_("当日计分时长所剩不足最低时长，不计分"),
    "day-full": N_("当日计分时长已满，不计分"),
    "short": N_("不足最低服务时长，不计分"),
    "provisional": N_("记录待确认，确认后计分"),
    "void": N_("记录已作废，不计分"),
    "provenance": N_("补录或导入的时长计入服务时长，不计积分"),
    "share": N_("不足计划时长的规定比例，不计分"),
    "rounded": N_("按进位规则不足一个计时单位，不计分"),
    "too-many": N_("超出同一活动当日可计分的次数，不计分"),
    "flagged": N_("记录正在核查，核查清楚后计分"),
    "complaint": N_("有投诉，按规则不计分"),
    "complaint-part": N_("有投诉，按规则只计部分积分"),
    "record-cut": N_("超出单次计分时长上限的部分不计分"),
    "activity-cut": N_("超出本次活动计分时长上限的部分不计分"),
    "approval-cut": N_("超出现有审批级别计分时长上限的部分不计分"),
    "month-cut": N_("超出当月计分时长上限的部分不计分"),
    "year-cut": N_("超出当年计分时长上限的部分不计分"),
    "record-cut-short": N_("单次计分时长所剩不足最低时长，不计分"),
    "activity-cut-short": N_("本次活动计分时长所剩不足最低时长，不计分"),
    "approval-cut-short": N_("现有审批级别计分时长所剩不足最低时长，不计分"),
    "month-cut-short": N_("当月计分时长所剩不足最低时长，不计分"),
    "year-cut-short": N_("当年计分时长所剩不足最低时长，不计分"),
    "record-full": N_("单次计分时长已满，不计分"),
    "activity-full": N_("本次活动计分时长已满，不计分"),
    "approval-full": N_("现有审批级别计分时长已满，不计分"),
    "month-full": N_("当月计分时长已满，不计分"),
    "year-full": N_("当年计分时长已满，不计分"),
    "record-points": N_("超出单次积分上限的部分不计"),
    "activity-points": N_("超出本次活动积分上限的部分不计"),
    "approval-points": N_("超出现有审批级别积分上限的部分不计"),
    "day-points": N_("超出当日积分上限的部分不计"),
    "month-points": N_("超出当月积分上限的部分不计"),
    "year-points": N_("超出当年积分上限的部分不计"),
}


def reason_of(record: Mapping[str, Any], minutes: int) -> str:
    """Why a record has the points that it has; an unknown reason comes with the service's own words."""
    reason = str(record.get("reason", ""))
    if reason == "provisional" and record.get("started_at") and not record.get("ended_at"):
        return _("服务中，签退后计分")
    if reason == "short" and not minutes:
        return _("不足 1 分钟，不计分")
    known = REASONS.get(reason)
    said = _(known) if known else str(record.get("reason_text") or reason)
    if kinds := [word(case["kind"], "case_kind") for case in record.get("cases", []) if case["status"] != "cleared"]:
        return _("%(said)s：%(kinds)s", said=said, kinds=listed(kinds))
    return said
