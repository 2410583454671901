"""A district of one community on the real stack, for the page tests: made through the APIs, like everything."""

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

__all__ = ["PASSWORD", "REGISTRY_NUMBER", "START", "District", "make_district", "staff_account"]

REGISTRY_NUMBER = "hlj-2024-000017"
"""Of a volunteer who came with twelve hours from elsewhere."""
START = datetime.fromisoformat("2026-03-05T09:00:00+08:00")
"""Business time of the tests: 学雷锋纪念日, so an hour is worth 15 points."""
PASSWORD = "morning-greetings-2026"


@dataclass
class District:
    """What was made, and what the tests do behind the pages' backs: read the message log, move the clock."""

    stack: Stack
    drive_code: str
    shift_id: str
    title: str
    reward: str
    station_user: str
    now: datetime = START
    phones: int = field(default=0)

    @property
    def url(self) -> str:
        """The one address."""
        return str(self.stack.urls["gateway"])

    def new_phone(self) -> str:
        """A number that nobody has used."""
        self.phones += 1
        return f"1391234{self.phones:04}"

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


async def make_district(stack: Stack) -> District:
    """Sites, a team, a shift from 09:00 to 11:00, a drive that is open, a reward on the shelf, a member of staff."""
    await database.set_now(stack.dsn("clock_driver"), START)
    async with httpx.AsyncClient(base_url=stack.urls["gateway"], timeout=30) as client:
        api = Api(client)
        await api.log_in("operator", stack.secrets.operator_password)
        recruitment = "/recruitment/v1"
        centre = await _centre(client, api)
        institute = await api.post(
            f"{recruitment}/sites",
            {"kind": "institute", "name": "中山街道文明实践所", "parent_id": centre, "level": "township"},
        )
        site = await api.post(
            f"{recruitment}/sites",
            {"kind": "station", "name": "惠民社区站", "parent_id": institute["site_id"], "level": "community"},
        )
        site_id = site["site_id"]
        team = await api.post(
            f"{recruitment}/teams", {"kind": "team", "name": "晨光问候队", "site_id": site_id, "docked": True}
        )
        theme = await api.post(f"{recruitment}/themes", {"name": "夕阳别样红", "pillar": "precise"})
        title = "晨光问候"
        activity = await api.post(
            f"{recruitment}/activities",
            {
                "title": title,
                "theme_id": theme["theme_id"],
                "team_id": team["team_id"],
                "site_id": site_id,
                "kind": "visit",
                "place": "惠民社区广场",
                "shifts": [_shift(0, 120), _shift(180, 240)],
            },
        )
        drive = await api.post(
            f"{recruitment}/drives",
            {
                "name": "志愿红进广场",
                "place_kind": "square",
                "place": "人民广场",
                "site_id": site_id,
                "starts_at": (START - timedelta(hours=1)).isoformat(),
                "ends_at": (START + timedelta(hours=9)).isoformat(),
            },
        )
        user = "station"
        await staff_account(stack, user, PASSWORD, "station", site_id)
        person = {"name": "李建国", "phone": "13912399999", "prior_hours": 12, "site_id": site_id}
        await _import(stack, api, [{"registry_number": REGISTRY_NUMBER, **person}])
        reward = await api.post("/points/v1/rewards", {"name": "理发券", "description": "社区理发一次", "price": 30})
        await api.post(
            f"/points/v1/rewards/{reward['reward_id']}/stock", {"site_id": site_id, "quantity": 3, "note": ""}
        )
    return District(stack, drive["code"], activity["shifts"][0]["shift_id"], title, "理发券", user)


async def _import(stack: Stack, api: Api, rows: list[dict[str, Any]]) -> None:
    """A file of the registry, which the second operator approves."""
    recruitment = "/recruitment/v1"
    async with httpx.AsyncClient(base_url=stack.urls["gateway"], timeout=30) as client:
        second = Api(client)
        await second.log_in("operator2", stack.secrets.second_operator_password)
        proposal_id = await approve_import(
            lambda path, body: api.post(recruitment + path, body),
            lambda path, body: second.post(recruitment + path, body),
            [rows],
            registry="全国志愿服务信息系统",
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


def _shift(start: int, end: int) -> dict[str, Any]:
    first, last = START + timedelta(minutes=start), START + timedelta(minutes=end)
    return {"starts_at": first.isoformat(), "ends_at": last.isoformat(), "capacity": 20}


def code_in(text: str) -> str:
    """The check code that stands on the staff's screen."""
    found = re.search(r"[0-9A-Z]{8,16}", text)
    assert found, text
    return found[0]
