"""Stable words of orders in Chinese, by group."""

from collections.abc import Mapping

from services.web.pages.language import N_

__all__ = ["ASK_REASONS", "CANCEL_REASONS", "DECLINE_REASONS", "ORDER_WORDS", "REFUSE_REASONS"]

REFUSE_REASONS = ("not-voluntary", "unsafe", "untrue", "duplicate", "out-of-district", "other")
ASK_REASONS = ("address", "time", "need", "safety", "other")
DECLINE_REASONS = ("no-time", "no-people", "no-skill", "too-far", "unsafe", "other")
CANCEL_REASONS = ("no-longer-needed", "helped-otherwise", "wrong-entry", "unsafe", "other")

ORDER_WORDS: Mapping[str, Mapping[str, str]] = {
    "order_state": {
        "placed": N_("等审核"),
        "under_review": N_("审核中"),
        "needs_information": N_("等居民补充"),
        "offered": N_("等队伍接单"),
        "dispatched": N_("已派单"),
        "accepted": N_("已接单"),
        "scheduled": N_("已定时间"),
        "served": N_("等评价"),
        "rated": N_("已评价"),
        "refused": N_("未通过"),
        "closed": N_("已关闭"),
        "unfulfilled": N_("没有队伍能接"),
        "cancelled": N_("已撤单"),
    },
    "order_act": {
        "place": N_("下了单"),
        "take": N_("工作人员开始审核"),
        "ask": N_("请居民补充情况"),
        "answer": N_("补充了情况"),
        "offer": N_("审核通过，正在找队伍"),
        "refuse": N_("审核没有通过"),
        "accept": N_("一支队伍接了单"),
        "decline": N_("一支队伍没有接"),
        "dispatch": N_("派给了一支队伍"),
        "schedule": N_("定好了服务时间"),
        "complete": N_("服务完成"),
        "rate": N_("评价了服务"),
        "reopen": N_("重新安排"),
        "cancel": N_("撤了单"),
        "escalate": N_("转到上一级处理"),
        "lapse": N_("没有等到补充，已关闭"),
        "release": N_("重新找队伍"),
        "remind": N_("服务已过，还没有登记结果"),
        "default": N_("没有收到评价，按默认结束"),
        "move": N_("转到上级站点"),
    },
    "order_desk": {"station": N_("站"), "institute": N_("所"), "centre": N_("中心")},
    "order_actor": {
        "resident": N_("居民"),
        "staff": N_("工作人员"),
        "leader": N_("队长"),
        "timer": N_("系统"),
    },
    "order_channel": {
        "page": N_("网页"),
        "phone": N_("电话"),
        "counter": N_("站点窗口"),
        "visit": N_("上门走访"),
    },
    "order_every": {"week": N_("每周一次"), "month": N_("每月一次")},
    "order_part": {
        "any": N_("全天都行"),
        "morning": N_("上午 9 点到 12 点"),
        "afternoon": N_("下午 1 点到 5 点"),
        "evening": N_("傍晚 5 点到 8 点"),
    },
    "order_outcome": {"nobody_came": N_("志愿者没有去成"), "absent": N_("居民不在家")},
    "order_stars": {
        "5": N_("很满意"),
        "4": N_("满意"),
        "3": N_("一般"),
        "2": N_("不满意"),
        "1": N_("很不满意"),
    },
    "order_words": {
        "review": N_("工作人员写的"),
        "answer": N_("居民补充的"),
        "completion": N_("服务中做了什么"),
        "rating": N_("居民的评价"),
        "cancel": N_("撤单时写的"),
    },
    "order_reader": {"staff": N_("工作人员"), "leader": N_("队长"), "volunteer": N_("志愿者")},
    "order_reason": {
        "not-voluntary": N_("不属于志愿服务"),
        "unsafe": N_("不安全"),
        "untrue": N_("情况不属实"),
        "duplicate": N_("重复的单"),
        "out-of-district": N_("不在本区"),
        "address": N_("地址不清楚"),
        "time": N_("时间不清楚"),
        "need": N_("要做什么不清楚"),
        "safety": N_("要先了解安全情况"),
        "no-time": N_("时间对不上"),
        "no-people": N_("人手不够"),
        "no-skill": N_("做不了这件事"),
        "too-far": N_("离得太远"),
        "no-longer-needed": N_("不需要了"),
        "helped-otherwise": N_("已经有人帮忙"),
        "wrong-entry": N_("填错了"),
        "no-team": N_("没有合适的队伍"),
        "no-answer": N_("没有答复"),
        "not-planned": N_("没有按时定下时间"),
        "nobody-came": N_("志愿者没有去成"),
        "absent": N_("居民不在家"),
        "same-team": N_("可以还是原来的队伍"),
        "another-team": N_("换一支队伍"),
        "site-closed": N_("站点已撤"),
        "team-closed": N_("队伍已解散"),
        "leaderless": N_("队伍没有队长"),
        "called-off": N_("班次取消了"),
        "erased": N_("居民删除了个人信息"),
        "other": N_("其他原因"),
    },
}
