"""Stable words of teams, sites, projects and honours in Chinese, by group."""

from collections.abc import Mapping

from services.web.pages.language import N_

__all__ = ["STRUCTURE_WORDS"]

STRUCTURE_WORDS: Mapping[str, Mapping[str, str]] = {
    "team_role": {"member": N_("队员"), "deputy": N_("副队长"), "leader": N_("队长")},
    "membership_status": {
        "requested": N_("等候审批"),
        "active": N_("已加入"),
        "declined": N_("未获同意"),
        "withdrawn": N_("已撤回"),
        "left": N_("已退出"),
        "removed": N_("已移出"),
        "ended": N_("队伍已解散"),
    },
    "decline_reason": {
        "full": N_("队伍已满"),
        "elsewhere": N_("住得太远，请找就近的队伍"),
        "unfit": N_("队伍的服务不合适"),
        "unknown-person": N_("不认识，请先到站点登记"),
    },
    "removal_reason": {
        "inactive": N_("长期没有参加服务"),
        "moved": N_("搬走了"),
        "conduct": N_("违反志愿服务纪律"),
        "mistake": N_("误加"),
    },
    "membership_reason": {
        "full": N_("队伍已满"),
        "elsewhere": N_("住得太远，请找就近的队伍"),
        "unfit": N_("队伍的服务不合适"),
        "unknown-person": N_("不认识，请先到站点登记"),
        "inactive": N_("长期没有参加服务"),
        "moved": N_("搬走了"),
        "conduct": N_("违反志愿服务纪律"),
        "mistake": N_("误加"),
    },
    "series": {"eight": N_("八支专业支队"), "five": N_("五支特色支队")},
    "team_kind": {"corps": N_("总队"), "detachment": N_("专业支队"), "team": N_("小分队")},
    "site_kind": {
        "centre": N_("中心"),
        "institute": N_("所"),
        "station": N_("站"),
        "service_point": N_("志愿服务点"),
    },
    "pillar": {
        "shared": N_("共享化"),
        "institutional": N_("制度化"),
        "showcase": N_("亮单化"),
        "precise": N_("精准化"),
    },
    "honour_level": {"district": N_("区级"), "city": N_("市级"), "province": N_("省级"), "nation": N_("国家级")},
    "honour_category": {
        "project": N_("项目"),
        "creative": N_("创意"),
        "community": N_("社区"),
        "team": N_("团队"),
        "person": N_("个人"),
    },
    "training_mode": {"online": N_("线上"), "onsite": N_("现场")},
    "fact_kind": {"skill": N_("技能"), "training": N_("培训"), "insurance": N_("保险")},
    "weekday": {
        "1": N_("周一"),
        "2": N_("周二"),
        "3": N_("周三"),
        "4": N_("周四"),
        "5": N_("周五"),
        "6": N_("周六"),
        "7": N_("周日"),
    },
}
