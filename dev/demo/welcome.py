"""One volunteer of the small district has been serving for 65 minutes: a check-out shows at once what it is all for."""

from datetime import timedelta
from typing import Any

from dev.demo.client import Client, OneTimeCodes, iso
from dev.demo.district import RECRUITMENT, District
from dev.demo.orders import register_resident
from dev.demo.orders_open import OpenOrders
from dev.stack.supervisor import Stack
from ops import database
from shared.clock import real_now

__all__ = ["open_record"]

PHONE = "13900000001"
NAME = "林晓光"
LEADER_PHONE = "13900000002"
LEADER = "周启明"
RESIDENT_PHONE = "13900000003"
RESIDENT = "王秀兰"
NEED = "after-school"
SITE, TEAM = 8, 21
"""The station where it happens, and its team."""
OPEN_FOR = timedelta(minutes=65)


async def open_record(stack: Stack, district: District) -> dict[str, Any]:
    """Register the volunteer, check them in 65 minutes ago by business time, and let time run again.

    Returns what `make run` prints: the phone, the shift's page, and the text.
    """
    clock = stack.dsn("clock_driver")
    begin = real_now() - OPEN_FOR
    async with Client(stack.urls["gateway"]) as client:
        district.client = client
        district.codes = OneTimeCodes(stack.var / "messages.jsonl")
        await district.log_in()
        await database.set_now(clock, begin - timedelta(minutes=30))
        operator = district.operator
        drive = await client.post(
            f"{RECRUITMENT}/drives",
            {
                "name": "志愿红进广场·今日",
                "place_kind": "square",
                "place": "人民广场",
                "site_id": district.sites[1],
                "starts_at": iso(begin - timedelta(hours=1)),
                "ends_at": iso(begin + timedelta(days=20)),
            },
            operator,
        )
        token, _ = await _register(district, NAME, PHONE, drive["code"])
        _, leader = await _register(district, LEADER, LEADER_PHONE, drive["code"])
        team = f"{RECRUITMENT}/teams/{district.teams[TEAM]}/leader"
        await client.post(team, {"volunteer_id": leader}, operator)
        orders = await _open_orders(district)
        begun = await orders.begin(begin + timedelta(minutes=5))
        shifts = [
            await _announce(district, "惠民社区“晨光问候”志愿服务", begin, begin + timedelta(hours=3)),
            await _announce(district, "东湖社区“文明交通劝导”", begin + timedelta(hours=4), begin + timedelta(hours=6)),
            await _announce(
                district, "通达社区“义务理发”", begin + timedelta(days=1), begin + timedelta(days=1, hours=2)
            ),
        ]
        await client.post(f"{RECRUITMENT}/shifts/{shifts[0]}/signups", {}, token)
        await database.set_now(clock, begin)
        code = (await client.get(f"{RECRUITMENT}/shifts/{shifts[0]}/code", operator))["code"]
        body = {"shift_id": shifts[0], "code": code, "device_id": district.browser(PHONE)}
        await client.post(f"{RECRUITMENT}/attendance/check-ins", body, token)
        await database.set_now(clock, None)
        await orders.go_on(begun)
    base = stack.urls["gateway"]
    text = (
        f"  志愿者 volunteer      {NAME}，手机 {PHONE}：首次启动前 65 分钟已签到，签退即见积分、徽章与消息\n"
        f"  志愿者页 page         {base}/me （手机号登录，验证码见 codes）\n"
        f"  签退二维码 check-out  {base}/staff/shifts/{shifts[0]}/qr （operator 登录后显示）\n"
        f"  居民 resident         {RESIDENT}，手机 {RESIDENT_PHONE}：点单、跟踪、评单；各状态的单子各有一张\n"
        f"  招募页 drive          {base}/d/{drive['code']}\n"
        f"{_others(district)}"
    )
    return {"phone": PHONE, "shift_id": shifts[0], "drive_code": drive["code"], "text": text}


def _others(district: District) -> str:
    """Who else may sign in, and what each may do."""
    username, password = district.logins[SITE]
    return (
        f"  队长 team leader      {LEADER}，手机 {LEADER_PHONE}："
        "看本队班次与签到码、为队员点名、安排本队活动，不能记自己的时数\n"
        f"  站点账号 station      {username} / {password}："
        "惠民社区站的班次、终端、签到、更正、兑换，审核别的站点待审的时数\n"
        "  operator、operator2    全区事务、邀请工作人员、规则与人工调整；一人提出，另一人批准或启用\n"
        "  engineer               服务状态、指标、死信，不见个人资料；能重放、暂停\n"
        "  auditor                看得到工程师所见的，什么也不能动\n"
    )


async def _open_orders(district: District) -> OpenOrders:
    found = await district.client.get(f"{RECRUITMENT}/tags", district.operator)
    return OpenOrders(
        district,
        resident=await register_resident(district, RESIDENT, RESIDENT_PHONE),
        leader=await district.sign_in_by_code(LEADER_PHONE),
        station=district.account(SITE),
        site_id=district.sites[SITE],
        team_id=district.teams[TEAM],
        need_tag=next(tag["tag_id"] for tag in found["items"] if tag["tag"] == NEED),
    )


async def _register(district: District, name: str, phone: str, drive_code: str) -> tuple[str, str]:
    """Register a volunteer through the drive; returns the token of the session and the volunteer's id."""
    asked = await district.client.post(f"{RECRUITMENT}/auth/codes", {"phone": phone}, None)
    body = {
        "name": name,
        "phone": phone,
        "challenge_id": asked["challenge_id"],
        "code": await district.codes.for_phone(phone),
        "birth_date": "1990-03-05",
        "drive_code": drive_code,
        "site_id": district.sites[SITE],
        "consent": True,
    }
    answer = await district.client.post(f"{RECRUITMENT}/volunteers", body, None)
    return str(answer["session"]["access_token"]), str(answer["volunteer_id"])


async def _announce(district: District, title: str, starts_at: Any, ends_at: Any) -> str:
    body = {
        "title": title,
        "theme_id": district.themes[4],
        "team_id": district.teams[TEAM],
        "site_id": district.sites[SITE],
        "kind": "服务",
        "place": "惠民社区广场",
        "shifts": [{"starts_at": iso(starts_at), "ends_at": iso(ends_at), "capacity": 20}],
    }
    answer = await district.client.post(f"{RECRUITMENT}/activities", body, district.operator)
    return str(answer["shifts"][0]["shift_id"])
