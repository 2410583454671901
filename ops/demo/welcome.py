"""One volunteer of the small district has been serving for 65 minutes: a check-out shows at once what it is all for."""

from datetime import timedelta
from typing import Any

from ops import database
from ops.demo.client import Client, OneTimeCodes, iso
from ops.demo.district import RECRUITMENT, District
from ops.stack.supervisor import Stack
from shared.clock import real_now

__all__ = ["open_record"]

PHONE = "13900000001"
NAME = "林晓光"
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
        asked = await client.post(f"{RECRUITMENT}/auth/codes", {"phone": PHONE}, None)
        registered = await client.post(
            f"{RECRUITMENT}/volunteers",
            {
                "name": NAME,
                "phone": PHONE,
                "challenge_id": asked["challenge_id"],
                "code": await district.codes.for_phone(PHONE),
                "birth_date": "1990-03-05",
                "drive_code": drive["code"],
                "consent": True,
            },
            None,
        )
        token = registered["session"]["access_token"]
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
    base = stack.urls["gateway"]
    text = (
        f"  志愿者      {NAME}，手机 {PHONE}：首次启动前 65 分钟已签到，签退即见积分、徽章与消息\n"
        f"  志愿者页    {base}/me （手机号登录，验证码见 codes）\n"
        f"  签退二维码  {base}/staff/shifts/{shifts[0]}/qr （operator 登录后显示）\n"
        f"  招募页      {base}/d/{drive['code']}\n"
    )
    return {"phone": PHONE, "shift_id": shifts[0], "drive_code": drive["code"], "text": text}


async def _announce(district: District, title: str, starts_at: Any, ends_at: Any) -> str:
    body = {
        "title": title,
        "theme_id": district.themes[4],
        "team_id": district.teams[0],
        "site_id": district.sites[8],
        "kind": "服务",
        "place": "惠民社区广场",
        "shifts": [{"starts_at": iso(starts_at), "ends_at": iso(ends_at), "capacity": 20}],
    }
    answer = await district.client.post(f"{RECRUITMENT}/activities", body, district.operator)
    return str(answer["shifts"][0]["shift_id"])
