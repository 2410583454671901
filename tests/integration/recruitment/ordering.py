"""Orders in the small district: a need that a team serves, a resident, and the acts of each party."""

from dataclasses import dataclass
from typing import Any

import httpx

from services.recruitment.orders import timers
from services.recruitment.orders.terms.domain import OrderPolicy
from tests.integration.recruitment.people import ROOT, Answer
from tests.integration.recruitment.work import DAY, HOUR, Work, at

__all__ = ["Ordering", "ordering_of", "refused", "run_timers", "serve", "steps"]


@dataclass
class Ordering:
    """A district with one need on the menu, which the team of the station serves, and a resident who orders."""

    work: Work
    tag_id: str
    resident: str
    leader: str

    def body(self, **changes: Any) -> Answer:
        """An order of the resident."""
        return {
            "need_tag": self.tag_id,
            "site_id": self.work.sites["惠民社区"],
            "wished_from": at(DAY),
            "wished_to": at(3 * DAY),
            "details": {"address": "和平路 7 号 3 单元 402", "phone": "13512345678", "know": "耳朵不好，请大声敲门"},
            **changes,
        }

    async def placed(self, token: str | None = None, **changes: Any) -> Answer:
        """An order that was placed."""
        return await self.work.district.made("/orders", self.body(**changes), token or self.resident)

    async def offered(self, **changes: Any) -> Answer:
        """An order that was reviewed and offered to the teams."""
        order = await self.placed(**changes)
        await self.act(order, "review", self.work.station, decision="take")
        return await self.act(order, "review", self.work.station, decision="offer")

    async def accepted(self, **changes: Any) -> Answer:
        """An order that the team accepted."""
        return await self.act(await self.offered(**changes), "accept", self.leader, team_id=self.work.team)

    async def scheduled(self, **changes: Any) -> Answer:
        """An order that the team planned for two days later, one hour long."""
        return await self.act(
            await self.accepted(**changes),
            "schedule",
            self.leader,
            starts_at=at(2 * DAY),
            ends_at=at(2 * DAY + HOUR),
            places=2,
        )

    async def post(self, order: Answer, what: str, token: str, **body: Any) -> httpx.Response:
        answer: httpx.Response = await self.work.post(f"/orders/{order['order_id']}/{what}", body, token)
        return answer

    async def act(self, order: Answer, what: str, token: str, **body: Any) -> Answer:
        """An act that is expected to succeed; the order after it."""
        answer = await self.post(order, what, token, **body)
        assert answer.status_code == 200, (what, answer.text)
        found: Answer = answer.json()
        return found

    async def read(self, order: Answer, token: str) -> httpx.Response:
        answer: httpx.Response = await self.work.get(f"/orders/{order['order_id']}", token)
        return answer


async def ordering_of(work: Work) -> Ordering:
    """The need and its team; the leader's token names the team that they lead."""
    tag = await work.district.made("/tags", {"tag": "haircut", "zh": "理发", "en": "haircuts"})
    await serve(work, work.team, tag["tag_id"])
    phone = work.district.phone()
    code = await work.district.code(phone)
    body = {"name": "李秀英", "phone": phone, "code": code, "consent": True}
    made = await work.district.made("/residents", body)
    return Ordering(work, tag["tag_id"], made["session"]["access_token"], work.leader.token)


async def serve(work: Work, team_id: str, tag_id: str) -> None:
    """Say that a team serves a need."""
    version = (await work.get(f"/teams/{team_id}")).json()["version"]
    headers = {"authorization": f"Bearer {work.operator}"}
    body = {"version": version, "tag_ids": [tag_id]}
    answer = await work.district.http.put(f"{ROOT}/teams/{team_id}/tags", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def run_timers(work: Work) -> int:
    """All that is due now."""
    total = 0
    while done := await timers.run_due(work.database, OrderPolicy()):
        total += done
    while done := await timers.run_stranded(work.database, OrderPolicy()):
        total += done
    return total


async def steps(orders: Ordering, order: Answer) -> list[tuple[str, str, str | None]]:
    """Act, state and reason of each step, as staff of the site see them."""
    found = (await orders.read(order, orders.work.station)).json()
    return [(step["act"], step["state"], step["reason_code"]) for step in found["history"]]


def refused(answer: httpx.Response) -> tuple[int, str]:
    """The status and the type of a refusal."""
    return answer.status_code, str(answer.json().get("type", ""))
