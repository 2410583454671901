"""Districts of one community on the real stack, for the page tests: made through the APIs, like everything.

All page tests of a session share one stack. Each module has a district of its own: sites, staff, a team, a drive, and a
day of its own, on which business time stands when the module begins. What the centre's operators see is of all of them.
"""

import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from dev.stack.supervisor import Stack
from ops import database
from services.recruitment.vault.cipher import Cipher
from shared.postgres import Database
from tests.support.imports import approve_import
from tests.support.staff import add_staff
from tests.support.waiting import WAIT_LIMIT

__all__ = ["PASSWORD", "District", "make_district", "staff_account"]

FIRST_START = datetime.fromisoformat("2026-03-05T09:00:00+08:00")
"""Business time of the first district: 学雷锋纪念日. In March an hour is worth 15 points."""
PASSWORD = "morning-greetings-2026"


@dataclass(frozen=True, slots=True)
class Names:
    """Names that no other district has."""

    number: int

    @property
    def institute(self) -> str:
        return f"中山第{self.number}街道文明实践所"

    @property
    def station(self) -> str:
        return f"惠民第{self.number}社区站"

    @property
    def team(self) -> str:
        return f"晨光问候{self.number}队"

    @property
    def theme(self) -> str:
        return f"夕阳别样红{self.number}"

    @property
    def activity(self) -> str:
        return f"晨光问候{self.number}组"

    @property
    def drive(self) -> str:
        return f"志愿红进广场{self.number}"

    @property
    def reward(self) -> str:
        return f"理发券{self.number}"

    @property
    def station_user(self) -> str:
        return f"station-{self.number}"

    @property
    def registry_number(self) -> str:
        """Of a volunteer who came with twelve hours from elsewhere."""
        return f"hlj-2024-{self.number:06}"


def start_of(number: int) -> datetime:
    """Each district has a day of its own, so that business time only ever goes forward."""
    start = FIRST_START + timedelta(days=number - 1)
    assert (start + timedelta(days=7)).month == 3, "more districts than days in March: an hour would be worth less"
    return start


@dataclass
class District:
    """What was made, and what the tests do behind the pages' backs: read the message log, move the clock."""

    stack: Stack
    number: int
    site_ids: dict[str, UUID]
    drive_code: str
    shift_id: str
    now: datetime
    second: str = ""
    """The centre's operator besides the first, once there is one."""
    phones: int = field(default=0)

    @property
    def start(self) -> datetime:
        """Business time when the module began; the shift begins with it."""
        return start_of(self.number)

    @property
    def names(self) -> "Names":
        """The names of the district's places and people."""
        return Names(self.number)

    @property
    def title(self) -> str:
        """Of the activity."""
        return self.names.activity

    @property
    def reward(self) -> str:
        """Name of the reward on the shelf."""
        return self.names.reward

    @property
    def station_user(self) -> str:
        """Username of the staff of the station."""
        return self.names.station_user

    @property
    def url(self) -> str:
        """The one address."""
        return str(self.stack.urls["gateway"])

    def new_phone(self) -> str:
        """A number that nobody has used."""
        self.phones += 1
        return f"139{self.number:02}{self.phones:06}"

    def one_time_code(self, phone: str) -> str:
        """The last code sent to a phone, as its owner would read it."""
        for line in reversed((self.stack.var / "messages.jsonl").read_text(encoding="utf-8").splitlines()):
            message = json.loads(line)
            if message["phone"].endswith(phone):
                return str(message["code"])
        raise AssertionError(f"no code was sent to {phone}")

    async def pass_time(self, minutes: int) -> None:
        """Let business time pass."""
        self.now += timedelta(minutes=minutes)
        await database.set_now(self.stack.dsn("clock_driver"), self.now)


class Api:
    """A member of staff's calls."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def log_in(self, username: str, password: str) -> None:
        answer = await self.client.post(
            "/api/recruitment/v1/auth/sessions", json={"username": username, "password": password}
        )
        answer.raise_for_status()
        self.client.headers["authorization"] = f"Bearer {answer.json()['session']['access_token']}"

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.client.post(f"/api{path}", json=body, headers={"idempotency-key": uuid.uuid4().hex})
        assert answer.status_code < 300, f"{path}: {answer.text}"
        return answer.json()


async def staff_account(
    stack: Stack, username: str, password: str, role: str, site_id: str | UUID | None = None
) -> None:
    """An account of long standing."""
    cipher = Cipher(stack.secrets.vault_key, stack.secrets.lookup_key)
    recruitment = await Database.open(stack.dsn("recruitment_app"), "recruitment", size=1)
    try:
        await add_staff(recruitment, cipher, username, password, role, site_id)
    finally:
        await recruitment.close()


async def make_district(stack: Stack, number: int = 1) -> District:
    """Sites, a team, a shift from 09:00 to 11:00, a drive that is open, a reward on the shelf, a member of staff."""
    names, start = Names(number), start_of(number)
    await database.set_now(stack.dsn("clock_driver"), start)
    async with httpx.AsyncClient(base_url=stack.urls["gateway"], timeout=WAIT_LIMIT) as client:
        api = Api(client)
        await api.log_in("operator", stack.secrets.operator_password)
        recruitment = "/recruitment/v1"
        centre = await _centre(client, api)
        institute = await api.post(
            f"{recruitment}/sites",
            {"kind": "institute", "name": names.institute, "parent_id": centre, "level": "township"},
        )
        site = await api.post(
            f"{recruitment}/sites",
            {"kind": "station", "name": names.station, "parent_id": institute["site_id"], "level": "community"},
        )
        site_id = site["site_id"]
        team = await api.post(
            f"{recruitment}/teams", {"kind": "team", "name": names.team, "site_id": site_id, "docked": True}
        )
        theme = await api.post(f"{recruitment}/themes", {"name": names.theme, "pillar": "precise"})
        activity = await api.post(
            f"{recruitment}/activities",
            {
                "title": names.activity,
                "theme_id": theme["theme_id"],
                "team_id": team["team_id"],
                "site_id": site_id,
                "kind": "visit",
                "place": "惠民社区广场",
                "shifts": [_shift(start, 0, 120), _shift(start, 180, 240)],
            },
        )
        drive = await api.post(
            f"{recruitment}/drives",
            {
                "name": names.drive,
                "place_kind": "square",
                "place": "人民广场",
                "site_id": site_id,
                "starts_at": (start - timedelta(hours=1)).isoformat(),
                "ends_at": (start + timedelta(hours=9)).isoformat(),
            },
        )
        await staff_account(stack, names.station_user, PASSWORD, "station", site_id)
        person = {"name": "李建国", "phone": f"139{number:02}999999", "prior_hours": 12, "site_id": site_id}
        await _import(stack, api, [{"registry_number": names.registry_number, **person}])
        reward = await api.post(
            "/points/v1/rewards", {"name": names.reward, "description": "社区理发一次", "price": 30}
        )
        await api.post(
            f"/points/v1/rewards/{reward['reward_id']}/stock", {"site_id": site_id, "quantity": 3, "note": ""}
        )
    site_ids = {names.institute: UUID(institute["site_id"]), names.station: UUID(site_id)}
    return District(stack, number, site_ids, drive["code"], activity["shifts"][0]["shift_id"], start)


async def _import(stack: Stack, api: Api, rows: list[dict[str, Any]]) -> None:
    """A file of the registry, which the second operator approves."""
    recruitment = "/recruitment/v1"
    async with httpx.AsyncClient(base_url=stack.urls["gateway"], timeout=WAIT_LIMIT) as client:
        second = Api(client)
        await second.log_in("operator2", stack.secrets.second_operator_password)
        proposal_id = await approve_import(
            lambda path, body: api.post(recruitment + path, body),
            lambda path, body: second.post(recruitment + path, body),
            [rows],
            registry="全国志愿服务信息系统",
            file_reference=f"{rows[0]['registry_number']}.xlsx",
        )
    await api.post(f"{recruitment}/imports/{proposal_id}/batches", {"rows": rows})


async def _centre(client: httpx.AsyncClient, api: Api) -> str:
    found = (await client.get("/api/recruitment/v1/sites")).json()["items"]
    for site in found:
        if site["kind"] == "centre":
            return str(site["site_id"])
    made = await api.post(
        "/recruitment/v1/sites", {"kind": "centre", "name": "岭东区新时代文明实践中心", "level": "district"}
    )
    return str(made["site_id"])


def _shift(day: datetime, start: int, end: int) -> dict[str, Any]:
    first, last = day + timedelta(minutes=start), day + timedelta(minutes=end)
    return {"starts_at": first.isoformat(), "ends_at": last.isoformat(), "capacity": 20}


def code_in(text: str) -> str:
    """The check code that stands on the staff's screen."""
    found = re.search(r"[0-9A-Z]{8,16}", text)
    assert found, text
    return found[0]
