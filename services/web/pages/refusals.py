"""The services' refusals as a person reads them on the pages: by the problem's stable type, in Chinese.

The APIs answer everybody in English; only what our own pages ask for is put into Chinese here. A type without a
sentence keeps the service's own.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["SENTENCES", "say", "translated"]

SENTENCES: Mapping[str, str] = {
    # getting in
    "code-wrong": "验证码不对或已过期，请核对后重填，或重新获取。",
    "too-many-codes": "这个手机号获取验证码太频繁了，请 15 分钟后再试。",
    "too-many-attempts": "输错次数太多，请 {retry_after} 秒后再试。",
    "phone-invalid": "手机号不对，请填写 11 位手机号，例如 13812345678。",
    "not-registered": "这个手机号还没有登记。请先找一场招募活动登记。",
    "claim-first": "这个手机号在“龙江志愿”注册过，请直接登录，原来的账户就归到这里。",
    "nothing-to-claim": "这个手机号没有可以认领的账户。没有注册过的话，请在招募活动页登记。",
    "already-claimed": "这个账户已经认领过了，请直接登录。",
    "phone-registered": "这个手机号已经登记过了，请直接登录。",
    "already-registered": "这个手机号已经登记过了，请直接登录。",
    "id-number-registered": "这个身份证号已经用另一个手机号登记过，请到站点询问。",
    "consent-missing": "需要您同意，才能登记。",
    "consent-required": "需要您同意，才能登记。",
    "guardian-consent-missing": "未满 14 周岁，需要监护人同意才能登记。",
    "guardian-consent-required": "未满 14 周岁，需要监护人同意才能登记。",
    "birth-date-invalid": "出生日期不对，请重新选择。",
    "name-invalid": "请填写真实姓名。",
    "drive-unknown": "没有这个招募活动，请核对海报上的编号。",
    "drive-over": "这场招募已经结束，请换一场登记。",
    "drive-not-open": "这场招募现在不在登记时间内，请换一场登记。",
    "appeal-unknown": "没有这篇倡议书，请核对文章里的编号。",
    "password-wrong": "账号或密码不对。",
    "account-closed": "这个账户已经停用，请与中心联系。",
    "account-unknown": "没有这个账户。",
    "token-expired": "登录已过期，请重新登录。",
    "token-invalid": "登录已失效，请重新登录。",
    "token-missing": "请先登录。",
    "refresh-invalid": "登录已过期，请重新登录。",
    "case-settled": "这件事已经有人判断过了，请刷新页面。",
    "case-unknown": "没有这件事，或不在您负责的站点。",
    "own-case": "涉及本人或本人所记的记录，请由其他工作人员判断。",
    "role-not-allowed": "您的账户不能做这件事。",
    "site-out-of-bounds": "这个站点不在您负责的范围内。",
    "volunteers-only": "只有登记的志愿者本人才能做这件事。",
    "not-yours-to-run": "只有本站点的工作人员和本队队长才能做这件事。",
    "cross-site-request": "这个请求不是从本页发出的，请刷新页面再试。",
    # sign-up and attendance
    "shift-unknown": "没有这个班次。",
    "shift-full": "名额已满（共 {capacity} 个），请选别的班次。",
    "shift-over": "这个班次已经结束。",
    "shift-not-begun": "班次还没有开始。",
    "already-signed-up": "您已经报过这个班次了。",
    "signup-overlaps": "这个班次和您已报的班次时间冲突，请先取消那一个。",
    "signup-unknown": "没有这个报名。",
    "signup-cancelled": "这个报名已经取消了。",
    "signup-missing": "您还没有报这个班次，请先报名再签到。",
    "already-attended": "已经签到过，不能再取消报名。",
    "activity-not-open": "这个活动现在不开放。",
    "activity-closed": "这个活动已经结束。",
    "activity-unknown": "没有这个活动。",
    "check-in-too-early": "还没到签到时间，开始前一小时内可以签到。",
    "check-out-too-late": "已经超过可以签退的时间，系统已自动签退，请联系队长确认时长。",
    "already-checked-in": "您已经签到了，服务结束时请签退。",
    "already-checked-out": "您已经签退了。",
    "not-checked-in": "您还没有签到，不能签退。",
    "too-many-check-ins": "这个班次签到次数已到上限。",
    "attendance-overlaps": "这段时间您已经有一条服务记录，不能重复记录。",
    "record-void": "这条记录已作废，不能再改。",
    "code-expired": "二维码已经换新，请对准现场屏幕再扫一次。",
    "code-invalid": "二维码已经换新，请对准现场屏幕再扫一次。",
    "code-missing": "请先扫现场屏幕上的二维码。",
    "code-or-ticket-missing": "请先扫现场屏幕上的二维码。",
    "code-used": "这个二维码您已经用过，请再扫一次现场屏幕。",
    "presence-missing": "请先扫现场屏幕上的二维码。",
    "presence-invalid": "二维码已经换新，请对准现场屏幕再扫一次。",
    "proof-missing": "请先扫现场屏幕上的二维码。",
    "checked-in-elsewhere": "您在另一处还有没签退的服务，请先在那里签退。",
    "ticket-expired": "扫码已超过 15 分钟，请再扫一次现场屏幕上的二维码。",
    "ticket-invalid": "扫码凭证已失效，请再扫一次现场屏幕上的二维码。",
    "ticket-used-by-another": "这次扫码已经由另一位志愿者用了，每人要自己扫一次：请再扫现场屏幕上的二维码。",
    "leaders-own-code": "队长不能用自己出示的二维码签到，请扫站点工作人员出示的二维码。",
    "own-record": "不能操作自己的服务记录，请另一位工作人员来办。",
    # rewards
    "insufficient-points": "积分不够，再攒一攒吧。",
    "points-insufficient": "积分不够，再攒一攒吧。",
    "reward-unknown": "没有这个奖品。",
    "reward-sold-out": "这个站点的这种奖品已经换完了。",
    "reward-limit-reached": "这种奖品本季度的兑换次数已用完。",
    "reward-not-available": "这种奖品现在不在兑换时间内。",
    "redemption-unknown": "没有这笔兑换，请核对单号。",
    "redemption-not-open": "这笔兑换已经办完，不能再领取或退回。",
    "redemption-expired": "领取时间已过，积分会退回给志愿者。",
    "pickup-code-wrong": "领取码不对，请和志愿者核对。",
    "too-many-pickup-codes": "领取码输错太多次，请稍后再试（{retry_after} 秒后）。",
    "redemption-at-other-site": "这笔兑换要到别的站点领取，请志愿者看看领取地点。",
    "pickup-code-locked": "领取码输错太多次，请一刻钟后再试。",
    # the rest
    "message-unknown": "没有这条消息。",
    "volunteer-unknown": "没有这位志愿者。",
    "request-in-progress": "上一次提交还在处理，请稍等一下再试。",
    "idempotency-key-reused": "页面内容变了，请刷新后再试。",
    "invalid-input": "填写的内容不对，请检查后重填。",
    "invalid-text": "填写的内容里有不能识别的字符，请重填。",
    "number-out-of-range": "填写的数字太大了，请检查。",
    "value-not-storable": "填写的内容太长或不能识别，请检查。",
    "body-too-large": "内容太长，请删减后再试。",
    "service-away": "服务暂时没有回应，请过几秒再按一次，不会重复提交。",
    "temporarily-unavailable": "服务正忙，请过几秒再按一次，不会重复提交。",
    "internal-error": "我们这边出了错，请稍后再试；还不行，请把编号告诉工作人员：{correlation_id}。",
    "not-found": "没有找到这一页。",
}

_FIELDS: Mapping[str, str] = {
    "name": "姓名",
    "phone": "手机号",
    "code": "验证码",
    "birth_date": "出生日期",
    "guardian_consent": "监护人同意",
    "consent": "同意",
    "username": "账号",
    "password": "密码",
    "pickup_code": "领取码",
    "site_id": "站点",
    "drive_code": "招募编号",
}

_MEMBER = re.compile(r"\{(\w+)\}")


def say(type: str, detail: str, document: Mapping[str, Any] | None = None) -> str:
    """The sentence for a refusal, with the members of its document filled in; ``detail`` where there is none."""
    known = document or {}
    if type == "invalid-input" and isinstance(known.get("errors"), list):
        names = [_FIELDS[str(e["field"])] for e in known["errors"] if isinstance(e, dict) and e.get("field") in _FIELDS]
        if names:
            return f"“{'”、“'.join(dict.fromkeys(names))}”填写得不对，请检查后重填。"
    sentence = SENTENCES.get(type.rpartition("/")[2])
    if sentence is None:
        return detail
    if any(name not in known for name in _MEMBER.findall(sentence)):
        # without the number the sentence still says what happened
        return re.sub(r"（[^）]*\{\w+\}[^）]*）|[：，]?[^，。；：（]*\{\w+\}[^，。；：]*", "", sentence)
    return _MEMBER.sub(lambda found: str(known[found[1]]), sentence)


def translated(body: bytes) -> bytes:
    """A problem document with its detail in Chinese; anything else unchanged."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        return body
    document["detail"] = say(document["type"], str(document.get("detail", "")), document)
    return json.dumps(document, ensure_ascii=False).encode()
