"""Open orders of the small district: one in each state, for the accounts that `make run` prints."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dev.demo.client import iso
from dev.demo.district import RECRUITMENT, District
from dev.demo.orders import ORDERS
from shared.clock import real_now

__all__ = ["OpenOrders"]

_MANY = (
    "placed",
    "under_review",
    "needs_information",
    "offered",
    "dispatched",
    "accepted",
    "scheduled",
    "served",
    "rated",
)
_PATH = ("take", "offer", "accept", "schedule", "complete", "rating")
_REACHED = {"under_review": 1, "needs_information": 1, "offered": 2, "dispatched": 2, "accepted": 3, "scheduled": 4}


@dataclass(slots=True)
class OpenOrders:
    """The sessions of a resident, the leader of a team and its station, and the need that the team serves."""

    district: District
    resident: str
    leader: str
    station: str
    site_id: str
    team_id: str
    need_tag: str

    async def begin(self, starts_at: datetime) -> list[str]:
        """Order two services that lie at the time that is played; returns the orders."""
        return [await self._up_to("scheduled", starts_at) for _ in range(2)]

    async def go_on(self, begun: list[str]) -> None:
        """Close those services, rate one of them, and leave one order in each state before."""
        for order_id in begun:
            await self._act(order_id, "complete", self.leader, outcome="served", residents_served=1)
        await self._act(begun[0], "rating", self.resident, stars=5, words="孩子很喜欢")
        tomorrow = real_now() + timedelta(days=2)
        for state in _MANY[:-2]:
            await self._up_to(state, tomorrow)

    async def _up_to(self, state: str, starts_at: datetime) -> str:
        body = {
            "need_tag": self.need_tag,
            "site_id": self.site_id,
            "wished_from": iso(starts_at + timedelta(hours=1)),
            "wished_to": iso(starts_at + timedelta(days=6)),
            "details": {"address": "惠民小区 3 号楼 201", "phone": "13900000003", "know": "按门铃"},
        }
        made: dict[str, Any] = await self.district.client.post(ORDERS, body, self.resident)
        order_id = str(made["order_id"])
        for step in _PATH[: _REACHED.get(state, 0)]:
            if step in ("take", "offer"):
                await self._act(order_id, "review", self.station, decision=step)
            elif step == "accept":
                await self._act(order_id, "accept", self.leader, team_id=self.team_id)
            else:
                times = {"starts_at": iso(starts_at), "ends_at": iso(starts_at + timedelta(minutes=45)), "places": 2}
                await self._act(order_id, "schedule", self.leader, **times)
        if state == "needs_information":
            await self._act(
                order_id, "review", self.station, decision="ask", reason_code="time", words="上午还是下午方便？"
            )
        if state == "dispatched":
            await self._act(order_id, "dispatch", self.district.operator, team_id=self.team_id)
        return order_id

    async def _act(self, order_id: str, what: str, token: str, **body: Any) -> None:
        await self.district.client.post(f"{RECRUITMENT}/orders/{order_id}/{what}", body, token)
