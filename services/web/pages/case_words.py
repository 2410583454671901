"""Words of integrity cases, for the staff's pages and the console."""

from collections.abc import Mapping

from services.web.pages.language import N_

__all__ = ["CASE_KINDS", "CASE_SUBJECTS"]

CASE_KINDS: Mapping[str, str] = {
    "two-sites": N_("同时在两处"),
    "burst": N_("短时间大量录入"),
    "no-check-in": N_("没有签到的时长"),
    "many-accounts": N_("一部手机多个账户"),
    "long-day": N_("一天超过 16 小时"),
    "recorder-hours": N_("记录时长远多于同类"),
    "denials": N_("多次被提出异议"),
    "one-time-referrals": N_("介绍来的人只来一次"),
    "mutual-approvals": N_("互相核定时长"),
    "filled-at-once": N_("一开放就报满"),
    "never-signed-up": N_("没有报名的记录"),
    "shared-pickups": N_("一部手机替多人兑换"),
    "idle-drives": N_("招募来的人没有服务"),
}
CASE_SUBJECTS: Mapping[str, str] = {
    "volunteer": N_("志愿者"),
    "recorder": N_("一位记录人"),
    "device": N_("设备"),
    "pair": N_("两位记录人"),
    "shift": N_("一个班次"),
    "drive": N_("一场招募"),
}
