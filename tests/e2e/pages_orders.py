"""People of an order for the page tests: a need that a team serves, its leader and member, and residents, by API."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from playwright.async_api import BrowserContext

from tests.e2e.pages_district import PASSWORD, Api, District
from tests.support.waiting import WAIT_LIMIT

__all__ = ["OrderParties", "enter", "parties_of"]

ROOT = "/api/recruitment/v1"


@dataclass
class OrderParties:
    """Tokens and ids of who takes part."""

    district: District
    tag_id: str
    need: str
    teams: dict[str, str]
    leaders: dict[str, str]
    member: str
    operator: str
    station: str

    async def call(self, token: str, path: str, body: dict[str, Any]) -> Any:
        """A POST that is expected to succeed."""
        async with httpx.AsyncClient(base_url=self.district.url, timeout=WAIT_LIMIT) as client:
            client.headers["authorization"] = f"Bearer {token}"
            return await Api(client).post(f"/recruitment/v1{path}", body)

    async def resident(self, name: str, phone: str = "") -> str:
        """The token of a resident who is new."""
        made = await _registered(self.district, "/residents", name, phone)
        return str(made["session"]["access_token"])

    async def placed(self, token: str, *, days: int = 2) -> dict[str, Any]:
        """An order of a resident for a day ahead."""
        start = self.district.now + timedelta(days=days)
        order = {
            "need_tag": self.tag_id,
            "site_id": str(self.district.site_ids[self.district.names.station]),
            "wished_from": start.isoformat(),
            "wished_to": (start + timedelta(hours=3)).isoformat(),
            "details": {"address": "和平小区 3 号楼 2 单元 402", "phone": "13912345678"},
        }
        found: dict[str, Any] = await self.call(token, "/orders", order)
        return found

    async def offered(self, token: str) -> dict[str, Any]:
        """An order that was reviewed and offered to the teams."""
        order = await self.placed(token)
        for decision in ("take", "offer"):
            await self.call(self.station, f"/orders/{order['order_id']}/review", {"decision": decision})
        return order

    async def served(self, token: str) -> dict[str, Any]:
        """An order whose service, planned for an hour from now, was held by the district's own team."""
        order, name = await self.offered(token), self.district.names.team
        path, leader = f"/orders/{order['order_id']}", self.leaders[name]
        start = self.district.now + timedelta(hours=1)
        plan = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat(), "places": 1}
        await self.call(leader, f"{path}/accept", {"team_id": self.teams[name]})
        await self.call(leader, f"{path}/schedule", plan)
        await self.district.pass_time(120)
        await self.call(leader, f"{path}/complete", {"outcome": "served", "residents_served": 1})
        return order


async def parties_of(district: District) -> OrderParties:
    """A need of the district's own, two teams that serve it with their leaders, and a member of the first."""
    names = district.names
    site_id = str(district.site_ids[names.station])
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        api = Api(client)
        await api.log_in("operator", district.stack.secrets.operator_password)
        need = f"上门理发{district.number}"
        tag_body = {"tag": f"haircut-{_letters(district.number)}", "zh": need, "en": f"Haircut {district.number}"}
        tag = await api.post("/recruitment/v1/tags", tag_body)
        second = {"kind": "team", "name": f"{names.team}二", "site_id": site_id}
        await api.post("/recruitment/v1/teams", second)
        found = (await client.get(f"{ROOT}/teams")).json()["items"]
        teams = {one["name"]: one["team_id"] for one in found if one["site_id"] == site_id}
        leaders = {}
        for name, team_id in teams.items():
            leaders[name] = await _leader(district, api, client, team_id, tag["tag_id"])
        token = str(client.headers["authorization"]).removeprefix("Bearer ")
        member = await _registered(district, "/volunteers", "王敏", drive_code=district.drive_code)
        await api.post(f"/recruitment/v1/teams/{teams[names.team]}/members", {"volunteer_id": member["volunteer_id"]})
        await api.log_in(district.station_user, PASSWORD)
        station = str(client.headers["authorization"]).removeprefix("Bearer ")
    return OrderParties(
        district, tag["tag_id"], need, teams, leaders, member["session"]["access_token"], token, station
    )


async def enter(context: BrowserContext, district: District, token: str) -> None:
    """Give a browser a session, without the log-in that other tests play."""
    await context.add_cookies([{"name": "wg_access", "value": token, "url": district.url}])


async def _leader(district: District, api: Api, client: httpx.AsyncClient, team_id: str, tag_id: str) -> str:
    """Appoint a new volunteer the leader of a team that serves the need; their token."""
    phone = district.new_phone()
    made = await _registered(district, "/volunteers", "赵队长", phone=phone, drive_code=district.drive_code)
    await api.post(f"/recruitment/v1/teams/{team_id}/leader", {"volunteer_id": made["volunteer_id"]})
    version = (await client.get(f"{ROOT}/teams/{team_id}")).json()["version"]
    answer = await client.put(f"{ROOT}/teams/{team_id}/tags", json={"version": version, "tag_ids": [tag_id]})
    assert answer.status_code == 200, answer.text
    proof = await _proof(district, phone)
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as own:
        session = (await own.post(f"{ROOT}/auth/tokens", json=proof)).json()
    return str(session["access_token"])


async def _registered(district: District, path: str, name: str, phone: str = "", **more: str) -> Any:
    """A person who registers by the code that their phone gets."""
    body = {"name": name, "consent": True, **(await _proof(district, phone or district.new_phone())), **more}
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        answer = await client.post(f"{ROOT}{path}", json=body, headers={"idempotency-key": uuid.uuid4().hex})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _proof(district: District, phone: str) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        answer = await client.post(f"{ROOT}/auth/codes", json={"phone": phone})
        assert answer.status_code < 300, answer.text
    code = district.one_time_code(phone)
    return {"phone": phone, "code": code, "challenge_id": answer.json()["challenge_id"]}


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))
