"""Chinese sentences of refusals about orders, by their type."""

from collections.abc import Mapping

__all__ = ["ORDERS"]

ORDERS: Mapping[str, str] = {
    "complaint-proposal-unknown": "没有这条居民投诉，或者不在您负责的站点。",
    "complaint-proposal-decided": "这条居民投诉已经处理过了。",
    "order-unknown": "没有这张点单。",
    "order-state": "这张点单现在不能这样办，请刷新页面看它的进展。",
    "order-changed": "这张点单刚刚有变动，请刷新页面再试。",
    "order-act-of-others": "这一步要由这张点单的另一方来办。",
    "order-window-invalid": "希望的结束时间要晚于开始时间。",
    "order-window-past": "希望的时间已经过去，请选以后的时间。",
    "order-of-another-team": "这张点单已派给别的队伍。",
    "order-plan-past": "服务时间要在现在之后。",
    "order-plan-length": "一次服务最长 8 小时，结束要晚于开始。",
    "order-places-few": "这张点单至少需要 {people} 名志愿者，名额不能更少。",
    "order-dates-wrong": "系列服务的日期要依次排列，每次一个。",
    "order-not-begun": "服务还没有开始，不能办结；不能成行请取消或改期。",
    "order-served-mismatch": "完成的服务至少服务 1 人次；没有成行的服务为 0。",
    "order-person-invalid": "姓名或手机号不对，请核对后再填。",
    "order-resident-missing": "请填写点单人的姓名和手机号，并选择来电、来访或上门。",
    "order-resident-given": "这里只能为自己点单；为家人点单请填写受助人。",
    "order-declined-before": "本队已经谢绝过这张点单。",
    "order-details-closed": "服务前 24 小时到服务后 7 天之间才能看详情；工作人员在点单结束 7 天后不能再看。",
    "order-details-erased": "这位居民的资料已经删除，没有详情可看。",
    "orders-many": "点单太多了，同一位居民一天最多 {most} 单，请 {wait}后再点；急事请直接联系站点。",
    "orders-many-here": "点单太多了，同一个网络一小时最多 {most} 单，请 {wait}后再点；急事请直接联系站点。",
    "need-unknown": "菜单上没有这项服务。",
    "need-not-orderable": "这项服务现在不能点单，请选别的。",
    "need-not-served": "本队没有登记这项服务，可请站点为本队添加。",
    "not-your-team": "只有本队队长才能替本队答复。",
    "team-without-leader": "这支队伍现在没有队长，请派给别的队伍。",
    "residents-only": "请先登录居民或志愿者账户。",
    "rating-channel-wrong": "居民在页面上评价；电话评价由工作人员代填。",
    "theme-missing": "区里还没有开放的主题，不能安排活动，请与中心联系。",
    "door-not-open": "上门验证码从服务前 1 小时起、到办结为止有效。",
    "door-code-wrong": "验证码不对，请让居民再念一遍现在的码。",
    "door-own-order": "不能为自己的点单上门签到。",
}
