"""The services' refusals as a person reads them on the pages: by the problem's stable type, in Chinese.

The APIs answer everybody in English; only what our own pages ask for is put into Chinese here. A type without a
sentence keeps the service's own, and so do pages in English.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.web.pages.language import SOURCE, current

__all__ = ["SENTENCES", "say", "translated"]

SENTENCES: Mapping[str, str] = {
    # getting in
    "code-wrong": "验证码不对或已过期，请核对后重填，或重新获取。",
    "too-many-codes": "获取验证码太频繁了，请稍后再试（{retry_after} 秒后）。",
    "too-many-attempts": "输错次数太多，请 {retry_after} 秒后再试。",
    "sign-ins-busy": "现在登录的人太多，请 {retry_after} 秒后再试。",
    "too-many-requests": "您的网络同时发来的请求太多，请稍等片刻再试。",
    "phone-invalid": "手机号不对，请填写 11 位手机号，例如 13812345678。",
    "not-registered": "这个手机号还没有登记。请先找一场招募活动登记。",
    "claim-first": "这个手机号在“龙江志愿”注册过，请直接登录，原来的账户就归到这里。",
    "nothing-to-claim": "这个手机号没有可以认领的账户。没有注册过的话，请在招募活动页登记。",
    "already-claimed": "这个账户已经认领过了，请直接登录。",
    "phone-registered": "这个手机号已经登记过了，请直接登录。",
    "already-registered": "这个手机号已经登记过了，请直接登录。",
    "id-number-registered": "这个身份证号已经用另一个手机号登记过，请到站点询问。",
    "consent-missing": "需要您同意，才能登记。",
    "drive-unknown": "没有这个招募活动，请核对海报上的编号。",
    "drive-not-open": "这场招募现在不在登记时间内，请换一场登记。",
    "appeal-unknown": "没有这篇倡议书，请核对文章里的编号。",
    "password-wrong": "账号或密码不对。",
    "account-closed": "这个账户已经停用，请与中心联系。",
    "account-unknown": "没有这个账户，或者这位志愿者没有在您负责的站点服务或兑换过；积分明细由本人和中心查看。",
    "token-expired": "登录已过期，请重新登录。",
    "token-invalid": "登录已失效，请重新登录。",
    "token-missing": "请先登录。",
    "role-not-allowed": "您的账户不能做这件事。",
    "site-out-of-bounds": "这个站点不在您负责的范围内。",
    "centre-only": "这件事关系到全区，由区中心的操作员来办；您的账户只负责部分站点。",
    "volunteers-only": "只有登记的志愿者本人才能做这件事。",
    "not-yours-to-plan": "工作人员只能在本站点安排本站点的队伍；队长只能为本队在所属站点及其下级站点安排活动。",
    "not-yours-to-run": "只有本站点的工作人员和本队队长才能做这件事。",
    "cross-site-request": "这个请求不是从本页发出的，请刷新页面再试。",
    "award-unknown": "没有这张凭证，请核对地址或二维码。",
    "credentials-not-configured": "区里还没有启用凭证签名，暂时不能下载凭证。徽章仍然有效。",
    "team-unknown": "没有这支队伍。",
    # sign-up and attendance
    "shift-unknown": "没有这个班次。",
    "shift-full": "名额已满（共 {capacity} 个），请选别的班次。",
    "shift-cancelled": "这个班次已经取消了，请选别的班次。",
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
    "shift-planned-late": "这个班次是开始之后才发布的，不能扫码签到；请站点工作人员凭证据补记时长。",
    "another-site-needed": "这条记录要由其他站点的工作人员核对，本站点和下属站点不能自己通过。",
    "approval-unknown": "这条记录没有在等待核对。",
    "approval-decided": "这条记录已经核对过了，请刷新页面。",
    "approval-lapsed": "30 天内无人核对，这段时长不再计入；请作废后重新补记。",
    "correction-only-shortens": "更正只能缩短，不能超出原来的起止时间；漏记的时间请另外补记一条。",
    "record-open": "这条记录还没有签退，签退或班次结束之后再办。",
    "record-confirmed": "这条记录已经确认过了。",
    "record-not-confirmed": "这条记录还没有确认，先确认再加记超时。",
    "record-waits": "这条记录正等其他站点核对，核对之后再办。",
    "record-not-void": "这条记录没有作废，不需要恢复。",
    "record-never-closed": "这条记录作废前没有签退，没有时长可以恢复；请凭证据补记。",
    "record-imported": "导入的时长要到原登记平台更正。",
    "no-overtime": "这条记录没有超出班次结束时间，没有超时可以加记。",
    "overtime-exhausted": "每人每个班次最多加记 4 小时超时，已经用完。",
    "nothing-to-deny": "这条记录是您自己扫码记下的，别人没有改过；有错请联系站点更正。",
    "denial-too-late": "记录之后 14 天内可以提出异议，现在已过期限；请联系站点更正。",
    "code-invalid": "二维码已经换新，请对准现场屏幕再扫一次。",
    "proof-missing": "请先扫现场屏幕上的二维码。",
    "checked-in-elsewhere": "您在另一处还有没签退的服务，请先在那里签退。",
    "ticket-expired": "扫码已超过 15 分钟，请再扫一次现场屏幕上的二维码。",
    "ticket-invalid": "扫码凭证已失效，请再扫一次现场屏幕上的二维码。",
    "ticket-used-by-another": "这次扫码已经由另一位志愿者用了，每人要自己扫一次：请再扫现场屏幕上的二维码。",
    "leaders-own-code": "队长不能用自己出示的二维码签到，请扫站点工作人员出示的二维码。",
    "staff-own-code": "工作人员不能用自己出示的二维码给自己签到，请扫队长出示的二维码。",
    "own-record": "不能操作自己的服务记录，请另一位工作人员来办。",
    # rewards
    "insufficient-points": "积分不够，再攒一攒吧。",
    "reward-unknown": "没有这个奖品。",
    "reward-changed": "这个奖品在您打开之后被改过，没有保存。请刷新页面，看过现在的内容再改。",
    "reward-sold-out": "这个站点的这种奖品已经换完了。",
    "reward-limit-reached": "这种奖品您能兑换的次数已经用完了。",
    "quarterly-redemptions-used": "按规则，本季度的兑换次数已经用完了。",
    "reward-not-available": "这种奖品现在不在兑换时间内。",
    "shelf-unknown": "这个站点没有放过这种奖品，请先登记入库。",
    "stock-below-zero": "有 {reserved} 件正等人领取，盘点数不能比它少；请先退回其中的兑换。",
    "photo-too-large": "照片太大，请换一张不超过 256 KB 的。",
    "photo-type-unknown": "照片要用 PNG、JPEG 或 WebP 格式。",
    "number-unknown": "请重新登录后再试。",
    "redemption-unknown": "没有这笔兑换，请核对单号。",
    "redemption-not-open": "这笔兑换已经办完，不能再领取或退回。",
    "redemption-expired": "领取时间已过，积分会退回给志愿者。",
    "pickup-code-wrong": "领取码不对，请和志愿者核对。",
    "too-many-pickup-codes": "领取码输错太多次，请稍后再试（{retry_after} 秒后）。",
    "redemption-at-other-site": "这笔兑换要到别的站点领取，请志愿者看看领取地点。",
    "pickup-code-locked": "领取码输错太多次，请一刻钟后再试。",
    # rules
    "rule-invalid": "规则写得不对，请按下面指出的行修改。",
    "rule-unknown": "没有这个版本的规则。",
    "rule-not-draft": "只有草案可以试算。",
    "rehearsal-under-way": "这份草案正在试算，请等它完成。",
    "rules-under-way": "另一版规则正在生效，等所有志愿者都换到新规则后再试算。",
    "rehearsal-unknown": "没有这次试算。",
    "rehearsal-ended": "这次试算已经结束。",
    "rehearsal-not-done": "试算还没有完成，请稍后再看。",
    "rule-not-a-draft": "只有草案可以启用，这个版本已经不是草案了。",
    "as-if-in-future": "假设的生效日期不能晚于今天。",
    "rehearsal-as-if": "这次试算假设规则早已生效，不能作为启用的依据；请按草案自己的生效日期再试算一次。",
    "rehearsal-of-another-rule": "这次试算的是另一个版本，请选这份草案的试算。",
    "rehearsal-outdated": "这次试算之后有别的规则生效，请重新试算再提议。",
    "activation-in-progress": "另一版规则正在启用或撤销，请等所有志愿者都换好再办。",
    "activation-proposed": "已经有人提议启用这份草案，请等另一位操作员决定。",
    "activation-unknown": "没有这次启用。",
    "activation-decided": "这次启用已经有了决定，请刷新页面。",
    "not-stopped": "这次启用没有停下，不用继续。",
    "not-applied": "只有已经启用，或中途停下的规则才能撤销。",
    "reversal-proposed": "已经有人提议撤销，请等另一位操作员决定。",
    "no-reversal-proposed": "现在没有撤销的提议，请刷新页面。",
    "not-the-proposer": "只有提议的人自己才能收回。",
    # integrity
    "case-unknown": "没有这个核查事项，或者它不在您负责的站点。",
    "case-settled": "这个核查事项已经有了结论，请刷新页面。",
    "own-case": "不能处理关于自己、或自己录入的核查事项，请另一位操作员来办。",
    "case-at-other-sites": "这个核查事项还涉及您不负责的站点，由区中心的操作员来定。",
    # complaints and referrals
    "complaint-unknown": "没有这件投诉。",
    "complaint-withdrawn": "这件投诉已经撤销了。",
    "own-referral": "不能引荐自己。",
    "referrer-unknown": "没有这位引荐人，或者这位志愿者没有在您负责的站点服务过。",
    "referrals-of-the-day": "一个账户每天最多登记20人的引荐，其余的请明天再登记。",
    "referred-not-served": "被引荐的人还没有已确认的服务，请等第一次服务确认之后再登记。",
    "already-referred": "这个人是谁引荐的，已经登记过了。",
    "referral-unknown": "没有这次引荐。",
    "referral-withdrawn": "这次引荐已经撤销了。",
    # manual adjustments
    "adjustment-unknown": "没有这笔人工调整。",
    "adjustment-decided": "这笔人工调整已经有了决定，请刷新页面。",
    "evidence-unreadable": "凭据打不开：现在的密钥不是保存时的密钥，或者内容被改动过。请告诉工程师。",
    "adjustment-below-zero": "扣回的比给过的多（多出 {missing} 分），请不批准这一笔，另提一笔少些的。",
    "nothing-to-correct": "只有已经批准的人工调整才能扣回；服务得的积分不对，要更正服务记录。",
    # accounts
    "code-not-asked": "请先在这个浏览器里获取验证码。",
    "account-pending": "密码正确。这个账号还在等候另一位操作员启用（邀请您的人不能启用），启用后就能登录。",
    "account-deactivated": "这个账号已经停用了，请刷新页面。",
    "account-exists": "这个手机号的主人已有账号，要先停用原来的账号再邀请。",
    "account-not-pending": "这个账号不在等候启用，请刷新页面。",
    "last-operator": "这是区中心最后一位操作员，请先启用另一位再停用。",
    "invitation-unknown": "这个邀请已经用过、收回，或者过了七天。请联系邀请您的人。",
    "password-weak": "密码太容易猜到：至少 10 个字符，不含账号和站点名，不用常见的词、生日、手机号。",
    "own-password-wrong": "现在的密码不对。",
    "phone-missing": "这个账号没有登记手机，请联系区中心。",
    "second-factor-wrong": "验证码不对或已用过。等手机上换一个新的再填；还不行，请从头登录。",
    "second-factor-set": "第二步验证已经开启了。",
    "second-factor-missing": "请先显示二维码，用验证器扫一下。",
    "session-unknown": "这台设备已经退出了，请刷新页面。",
    "staff-invalid": "账号要 3 到 50 个小写字母、数字、点、横线，姓名不能空。",
    "site-required": "站点工作人员要选一个站点。",
    # planning
    "activity-without-shift": "请先加一个班次，大家报名的是班次。",
    "activity-begun": "这个活动已有班次开始，这些内容不能再改。",
    "activity-not-closed": "这个活动还没有结束，结束之后才能填这些内容。",
    "too-many-shifts": "一个活动里的班次太多了，请另建一个活动。",
    "shift-times-invalid": "班次的时间不对：结束要晚于开始，也不能太长或太早，请检查后重填。",
    "shift-changed": "刚才正好有人报名或签到，请再试一次。",
    "shift-frozen": "班次已经开始或有人签到，时间不能再改；签到之前可以延期，也可以缩短或取消。",
    "shift-attended": "已经有人签到，这个班次不能再延期。",
    "capacity-below-taken": "名额不能少于已报名的 {taken} 人。",
    "signups-overlap": "改了时间，有人会和自己报的其他班次冲突，请换个时间。",
    "times-invalid": "结束时间要晚于开始时间；要整条不计，请作废这条记录。",
    "period-too-long": "选的时段太长，请缩短后再查。",
    "reference-unknown": "选的项目、主题、队伍或站点不存在，请重新选择。",
    "not-your-record": "只有记录所说的志愿者本人才能提出异议。",
    # organisation
    "site-exists": "已经有同名的站点；区中心只能有一个。",
    "site-invalid": "站点填写得不对，请检查名称、类别和上级站点。",
    "site-closed": "这个站点已经关闭，不能再往下添加。",
    "centre-stays": "区中心不能关闭。",
    "level-contradicts": "站点的级别和上级站点对不上，应是 {level}。",
    "team-exists": "已经有同名的队伍；总队只能有一支。",
    "team-invalid": "队伍填写得不对，请检查名称、类别和所属站点。",
    "team-closed": "这支队伍已经解散，不能再任命队长。",
    "theme-exists": "已经有同名的主题。",
    "theme-invalid": "主题填写得不对，请检查名称。",
    "project-exists": "已经有同名的品牌项目。",
    "project-invalid": "品牌项目填写得不对，请检查名称和荣誉。",
    "drive-invalid": "招募活动填写得不对，请检查名称、地点和时间。",
    "appeal-invalid": "倡议书填写得不对，请检查标题和正文。",
    "appeal-closed": "这篇倡议书已经停用，请不填它的编号登记。",
    "changed-meanwhile": "您打开之后，这一项被别人改过，没有保存。请刷新页面，看过现在的内容再改。",
    # devices
    "device-unknown": "没有这台设备。",
    "device-revoked": "这台设备已经停用，请重新登记。",
    "signature-invalid": "设备的签名对不上，请重新登记这台设备。",
    "provenance-not-allowed": "队长只能上传自己的点名。",
    "evidence-missing": "事后补录的时长要附凭据。",
    # holds
    "hold-unknown": "没有这笔冻结的积分。",
    "hold-settled": "这笔冻结的积分已经办完，请刷新页面。",
    "hold-taken": "这个编号已经用于另一笔冻结，请刷新后再试。",
    "rehearsal-forgotten": "这次试算的明细已经过期删除，请重新试算。",
    # the rest
    "message-unknown": "没有这条消息。",
    "volunteer-unknown": "没有这位志愿者。",
    "staff-unknown": "没有这位工作人员。",
    "request-in-progress": "上一次提交还在处理，请稍等一下再试。",
    "idempotency-key-reused": "页面内容变了，请刷新后再试。",
    "idempotency-key-guessable": "页面已过期，请刷新后再试。",
    "answer-expired": "这次提交已经成功，请用验证码登录。",
    "looks-limited": "您查看个人信息的次数已到上限，请稍后再看（{retry_after} 秒后）。",
    "too-many-replays": "这次提交已经成功，请用验证码登录。",
    "invalid-input": "填写的内容不对，请检查后重填。",
    "invalid-text": "填写的内容里有不能识别的字符，请重填。",
    "number-out-of-range": "填写的数字太大了，请检查。",
    "value-not-storable": "填写的内容太长或不能识别，请检查。",
    "body-too-large": "内容太长，请删减后再试。",
    "service-away": "服务暂时没有回应，请过几秒再按一次，不会重复提交。",
    "temporarily-unavailable": "服务正忙，请过几秒再按一次，不会重复提交。",
    "internal-error": "我们这边出了错，请稍后再试；还不行，请把编号告诉工作人员：{correlation_id}。",
    "login-failed": "登录没有成功，请再试一次。",
    "username-taken": "这个账号名已经有人用了，请换一个。",
    "person-unknown": "没有这个人。",
    "purpose-required": "请写明查看这些信息做什么用，4 到 500 个字。",
    "pulse-full": "正在看实时数据的浏览器太多，请关掉几个再试。",
    "body-too-slow": "网络太慢，内容没有传完，请再试一次。",
    "invalid-json": "发送的内容不完整，请刷新页面再试。",
    "json-too-deep": "发送的内容不对，请刷新页面再试。",
    "duplicate-key": "发送的内容里有重复的项，请刷新页面再试。",
    "unsupported-media-type": "发送的内容格式不对，请刷新页面再试。",
    "idempotency-key-missing": "页面已过期，请刷新后再试。",
    "idempotency-key-invalid": "页面已过期，请刷新后再试。",
    "not-found": "没有找到这一页。",
    "cursor-invalid": "这一页的地址不完整，请从第一页看起。",
    "address-too-long": "地址太长了，请从首页重新进入。",
    "method-not-allowed": "这一页不能这样打开，请从首页重新进入。",
    "phone-on-registry": "这个手机号在“龙江志愿”注册过，请直接登录，原来的账户和时长就归到这里。",
    "registration-invalid": "姓名、出生日期或监护人同意填得不对，请检查后重填。",
    "volunteer-number-invalid": "志愿者编号不对，例如 LD-2026-000001-0。",
    "two-codes": "招募码和倡议书编号只填一个。",
    "signup-changed": "这个报名刚刚有变，请刷新后再试。",
    "record-changed": "这条记录刚刚有变，请刷新后再试。",
    "activity-changed": "这个活动刚刚有变，请刷新后再试。",
    "record-unknown": "没有这条记录。",
    "not-your-records": "这是别人的记录。",
    "staff-only": "只有记录所在站点的工作人员才能做这件事。",
    "site-unknown": "没有这个站点。",
    "transfer-unknown": "没有这一笔。",
    "photo-unknown": "这种奖品还没有照片。",
    "redemption-not-due": "领取时间还没有到期。",
    "refresh-token-invalid": "登录已过期，请重新登录。",
    "refresh-token-reused": "登录已失效，请重新登录。",
    "time-reversed": "结束时间要晚于开始时间，而且不超过一天。",
    "parameter-unknown": "网址里有这个页面不认识的参数，请检查后再试。",
    "period-reversed": "结束日期要晚于开始日期。",
    "volunteer-unclaimed": "这位志愿者还没有登录过，不能办理。",
    "own-account": "不能办理自己的积分。",
    "second-person-needed": "要由另一位工作人员来批准。",
    "import-unknown": "没有这份导入名册。",
    "import-proposed": "这份名册已经提出或批准过；新的名册请换一个文件名。",
    "import-second-person": "要由另一位操作员来决定：不同站点或区中心的，账号满 7 天，且与提出人的账号互不经手。",
    "import-decided": "这份名册已经有了结果，请刷新页面。",
    "import-lapsed": "30 天内无人决定，这份名册已失效，请重新提出。",
    "import-not-approved": "这份名册还没有批准，不能导入。",
    "import-differs": "这批数据与批准的名册不一致，没有导入。",
    "import-sums-differ": "这批数据的行数或时长与批准的不符，没有导入。",
    "batch-size": "一批的行数不对，每批 1 到 500 行。",
    "import-begun": "这份名册已经开始导入，不能再撤回。",
    "import-invalid": "名册的名称、理由或批次填写得不对，请检查后再试。",
    "staff-needed": "只有在用的工作人员账号才能这样做。",
    "quiet-hours-incomplete": "免打扰要填开始和结束两个时间。",
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
    "price": "积分",
    "per_quarter_limit": "每季度次数",
    "per_person_limit": "每人次数",
    "available_from": "开始日期",
    "available_until": "结束日期",
    "hold_days": "领取天数",
    "quantity": "数量",
    "counted": "盘点数",
    "points": "积分",
    "reason": "原因",
    "evidence": "凭据",
    "note": "备注",
}

_WRONG: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"Field required", "缺少这一项"),
        (r"Extra inputs are not permitted", "没有这样的项，请核对名称"),
        (r"Input should be a valid integer.*", "应是整数"),
        (r"Input should be a valid (?:string|date).*", "写法不对"),
        (r"Input should be a valid (?:tuple|list|dictionary).*|Input should be .* instance of .*", "结构不对"),
        (r"Input should be greater than or equal to (\S+)", r"不能小于 \1"),
        (r"Input should be less than or equal to (\S+)", r"不能大于 \1"),
        (r"Input should be (?!a valid|greater|less)(.+)", r"只能是 \1"),
        (r"Value error, only 'scanned'.*earn points.*", "只有 scanned、kiosk、leader 的时长能得分，补录和导入的不能"),
        (r"a text must not contain U\+0000", "文字里不能有 U+0000（空字符）"),
        (r"(?:Value error, )?a day is written as (\S+)", r"日期要写成 \1"),
    )
)
"""What is wrong with a line of a rule, of the commonest kinds; others keep the service's own sentence."""

_MEMBER = re.compile(r"\{(\w+)\}")


def say(type: str, detail: str, document: Mapping[str, Any] | None = None) -> str:
    """The sentence for a refusal, with the members of its document filled in; ``detail`` where there is none."""
    if detail and current() != SOURCE:
        return detail
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


def _wrong(message: str) -> str:
    for pattern, said in _WRONG:
        if found := pattern.fullmatch(message):
            return found.expand(said)
    return message


def translated(body: bytes) -> bytes:
    """A problem document with its detail in the language of the page; anything else unchanged."""
    if current() != SOURCE:
        return body
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        return body
    document["detail"] = say(document["type"], str(document.get("detail", "")), document)
    problems = document.get("problems")
    for problem in problems if isinstance(problems, list) else ():
        if isinstance(problem, dict) and isinstance(problem.get("message"), str):
            problem["message"] = _wrong(problem["message"])
    return json.dumps(document, ensure_ascii=False).encode()
