"""Residents' orders over the district's days: reviewed, accepted, served at the door and rated, or ended otherwise."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from dev.demo import names
from dev.demo.client import iso
from dev.demo.district import RECRUITMENT, District, all_of
from dev.demo.plan import at

__all__ = ["BEGINS", "ENDS", "ORDERS", "Orders", "prepare_orders", "register_resident"]

ORDERS = f"{RECRUITMENT}/orders"
BEGINS, ENDS = (7, 0), (7, 45)
"""Times of day between which a service of an order lies."""
DAYS_OF_PERIOD = 40
"""A longer plan is the whole district's."""
AT_ONCE = 8
FATES = (
    *("rated",) * 26, *("default",) * 12, *("door",) * 8, *("dispatched",) * 3, *("escalated",) * 2, "left", "left",
    "unfulfilled", "refused", "refused", "asked", "lapsed", "cancelled", "cancelled", "reopened",
)  # fmt: skip
"""How each of sixty orders in turn ends, if the period is long enough."""
BY_PAGE = ("door", "escalated", "reopened")
"""Fates of orders that residents place by their own page."""
WORDS = ("谢谢，很满意", "来得准时", "人很好", "还可以")
SERIES = (30,)
"""Of 75 orders in turn, those that repeat three times, week by week."""
CHANNELS = ("phone", "counter", "visit")

Step = Callable[[], Awaitable[None]]


class Schedule(Protocol):
    """Sets a step some days after the order, at `BEGINS` or later."""

    def __call__(self, offset: int, step: Step, *, later: bool = False) -> None: ...


@dataclass(frozen=True, slots=True)
class OrderTeam:
    """A team that takes orders: its number, site and need, its leader's session, and a member who goes."""

    number: int
    site: int
    tag_id: str
    leader: str
    member: str


@dataclass(slots=True)
class PlayedOrder:
    """One order of the demo, placed at the site of its ``home``; ``token`` is the resident's own session, if any."""

    number: int
    day: int
    fate: str
    home: OrderTeam
    team: OrderTeam
    token: str | None = None
    order_id: str = ""
    calls: int = 0


@dataclass(slots=True)
class Orders:
    """All orders with the steps that are due on each day, and at each door."""

    district: District
    teams: list[OrderTeam]
    residents: list[str]
    _today: date = date.min
    steps: dict[tuple[int, bool], list[Step]] = field(default_factory=lambda: defaultdict(list))
    """By day, and whether at `ENDS` instead of at `BEGINS`."""
    doors: dict[int, list[PlayedOrder]] = field(default_factory=lambda: defaultdict(list))

    def plan(self) -> None:
        """Decide which order is placed on which day, and how it is to end."""
        days = len(self.district.plan.days)
        count, fates = (300, FATES) if days > DAYS_OF_PERIOD else (14, ("rated", "door", "left", "dispatched", "asked"))
        for number in range(count):
            fate, team = fates[number * 7 % len(fates)], self.teams[number % len(self.teams)]
            own = number % 3 == 0 or fate in BY_PAGE
            token = self.residents[number % len(self.residents)] if own else None
            self._script(PlayedOrder(number, number * days // count, fate, team, team, token))

    async def morning(self, day: int) -> None:
        """All steps of a day, then the check-ins at the doors, by business time at `BEGINS`."""
        self._today = self.district.plan.days[day].day
        await all_of((step() for step in self.steps.pop((day, False), [])), AT_ONCE)
        await all_of((self._at_door(order, "in") for order in self.doors.get(day, [])), AT_ONCE)

    async def leave(self, day: int) -> None:
        """The check-outs at the doors and the later steps, by business time at `ENDS`."""
        await all_of((self._at_door(order, "out") for order in self.doors.pop(day, [])), AT_ONCE)
        await all_of((step() for step in self.steps.pop((day, True), [])), AT_ONCE)

    def _script(self, order: PlayedOrder) -> None:
        """Set the steps of an order, day by day; those behind the last day are not done."""

        def on(offset: int, step: Step, *, later: bool = False) -> None:
            self.steps[order.day + offset, later].append(step)

        fate = order.fate
        on(0, lambda: self._place(order))
        if fate == "cancelled":
            on(1, lambda: self._act(order, "cancel", self._who(order), reason_code="helped-otherwise"))
            return
        # Staff who took it are reviewing it: each review is over within a working day, but for those that escalate.
        taken, later = (4 if fate == "escalated" else 0), order.token is None
        desk = self._desk(order, higher=fate == "escalated")
        if order.token is not None:
            on(taken, lambda: self._act(order, "review", desk, decision="take"), later=True)
            taken += 1
        if fate == "refused":
            refuse = {"decision": "refuse", "reason_code": "not-voluntary"}
            on(taken, lambda: self._act(order, "review", desk, **refuse), later=later)
            return
        if fate in ("asked", "lapsed"):
            on(taken, lambda: self._act(order, "review", desk, decision="ask", reason_code="time"), later=later)
            if fate == "lapsed":
                return
            taken, later = taken + 1, True
            on(taken, lambda: self._act(order, "answer", self._who(order), words="周末上午都在家"))
        on(taken, lambda: self._act(order, "review", desk, decision="offer"), later=later)
        self._offered(order, taken + 1, on)

    def _offered(self, order: PlayedOrder, day: int, on: Schedule) -> None:
        team = order.home
        decline = {"team_id": self.district.teams[team.number], "reason_code": "no-people"}
        if order.fate in ("dispatched", "unfulfilled"):
            on(day, lambda: self._act(order, "decline", team.leader, **decline))
        if order.fate == "unfulfilled":
            on(day + 4, lambda: self._act(order, "cancel", self.district.operator, reason_code="no-team"))
            return
        if order.fate in ("dispatched", "left"):
            other = self._other(team) if order.fate == "dispatched" else team
            given = self.district.teams[other.number]
            wait = 0 if order.fate == "dispatched" else 5
            on(day + wait, lambda: self._act(order, "dispatch", self.district.operator, team_id=given), later=True)
            order.team = other
            day += wait
        leader, accepted = order.team.leader, {"team_id": self.district.teams[order.team.number]}
        on(day + 1, lambda: self._act(order, "accept", leader, **accepted))
        self._served(order, day + 2, on)
        if order.fate == "reopened":
            on(day + 7, lambda: self._act(order, "reopen", self._who(order), same_team=True))
            on(day + 8, lambda: self._act(order, "accept", leader, **accepted))
            self._served(order, day + 9, on, stars=5)

    def _served(self, order: PlayedOrder, day: int, on: Schedule, stars: int = 0) -> None:
        on(day, lambda: self._schedule(order, order.day + day + 2))
        served = {"outcome": "served", "residents_served": 1 + order.number % 2}
        on(day + 3, lambda: self._act(order, "complete", order.team.leader, **served))
        if order.number % 75 in SERIES:
            for week in (1, 2):
                on(day + 3 + 7 * week, lambda: self._complete_dates(order))
        if order.fate == "default":
            return
        complaint = order.number % 60 == 41
        given = stars or (1 if order.fate == "reopened" else 2 if complaint else 3 + (order.number * 5 % 7) % 3)
        body: dict[str, Any] = {"stars": given, "words": WORDS[order.number % len(WORDS)], "complaint": complaint}
        if order.token is None:
            body["channel"] = "phone"
        on(day + 4, lambda: self._act(order, "rating", self._who(order), **body))

    def _who(self, order: PlayedOrder) -> str:
        """The session that speaks for the resident: their own, or the station's that took the order."""
        return order.token or self.district.account(order.home.site)

    def _desk(self, order: PlayedOrder, *, higher: bool) -> str:
        return self.district.operator if higher else self.district.account(order.home.site)

    def _other(self, team: OrderTeam) -> OrderTeam:
        """Another team with the same need, or the same one where there is none."""
        same = [other for other in self.teams if other.tag_id == team.tag_id and other.number != team.number]
        return same[0] if same else team

    async def _place(self, order: PlayedOrder) -> None:
        day = self.district.plan.days[order.day].day
        surname = names.SURNAMES[order.number % len(names.SURNAMES)]
        phone = f"1385{order.number:07}"
        body: dict[str, Any] = {
            "need_tag": order.home.tag_id,
            "site_id": self.district.sites[order.home.site],
            "wished_from": iso(at(day, 9) + timedelta(days=3)),
            "wished_to": iso(at(day, 18) + timedelta(days=20)),
            "minutes": 45,
            "details": {"address": f"和平路 {order.number + 1} 号", "phone": phone},
            "frail": order.number % 9 == 0,
        }
        if order.number % 75 in SERIES:
            body["series"] = {"every": "week", "times": 3}
        if order.token is None:
            body["taken_by"] = CHANNELS[order.number % 3]
            body["resident"] = {"name": f"{surname}大娘", "phone": phone}
        made = await self.district.client.post(ORDERS, body, self._who(order), "order", order.number)
        order.order_id = made["order_id"]

    async def _act(self, order: PlayedOrder, what: str, token: str, **body: Any) -> Any:
        order.calls += 1
        path = f"{ORDERS}/{order.order_id}/{what}"
        return await self.district.client.post(path, body, token, "order-act", order.number, order.calls)

    async def _schedule(self, order: PlayedOrder, day: int) -> None:
        """Plan the service for a day; who goes signs up."""
        if day >= len(self.district.plan.days):
            return
        date = self.district.plan.days[day].day
        times = {"starts_at": iso(at(date, *BEGINS)), "ends_at": iso(at(date, *ENDS)), "places": 2}
        planned = await self._act(order, "schedule", order.team.leader, **times)
        path = f"{RECRUITMENT}/shifts/{planned['shift_id']}/signups"
        if order.fate == "door":
            await self.district.client.post(path, {}, order.team.member, "order-signup", order.number, day)
            self.doors[day].append(order)

    async def _complete_dates(self, order: PlayedOrder) -> None:
        """Close the dates of a series that are over."""
        token = order.team.leader
        found = await self.district.client.get(f"{ORDERS}/offers?limit=200", token)
        for one in found["items"]:
            if one["series_id"] == order.order_id and "complete" in one["allowed"]:
                path = f"{ORDERS}/{one['order_id']}/complete"
                body = {"outcome": "served", "residents_served": 1}
                if datetime.fromisoformat(one["ends_at"]) < at(self._today, *BEGINS):
                    await self.district.client.post(path, body, token, "order-date", one["order_id"])

    async def _at_door(self, order: PlayedOrder, way: str) -> None:
        assert order.token is not None
        path = f"{ORDERS}/{order.order_id}/door"
        code = (await self.district.client.get(f"{path}-code", order.token))["code"]
        await self.district.client.post(path, {"code": code}, order.team.member, "door", order.number, way)


async def prepare_orders(district: District) -> Orders:
    """Claim leaders and members of some teams among the imported, register residents, and plan the orders."""
    found = await district.client.get(f"{RECRUITMENT}/tags", district.operator)
    tags = {tag["tag"]: tag["tag_id"] for tag in found["items"]}
    teams_of = enumerate(district.plan.teams)
    numbers = [number for number, (kind, _, site) in teams_of if kind == "team" and site in district.stations]
    if len(district.plan.days) <= DAYS_OF_PERIOD:
        numbers = [number for number in numbers if number % 10 in (1, 4, 9)]
    imported = [person for person in district.plan.people if person.registry and _grown(person.birth.year)]
    chosen = {number: imported[2 * place : 2 * place + 2] for place, number in enumerate(numbers)}
    teams = await all_of((_team(district, number, people, tags) for number, people in chosen.items()), AT_ONCE)
    residents = await all_of((_resident(district, number) for number in range(min(24, 2 * len(numbers)))), AT_ONCE)
    orders = Orders(district, teams, residents)
    orders.plan()
    return orders


def _grown(born: int) -> bool:
    return born < 2005


async def _team(district: District, number: int, people: list[Any], tags: dict[str, str]) -> OrderTeam:
    _, name, site = district.plan.teams[number]
    tag = next(code for work, (code, _, _) in names.NEEDS.items() if work in name)
    for place, person in enumerate(people):
        district.volunteers[person.index] = await _claim(district, person.phone, number, place)
        path = f"{RECRUITMENT}/teams/{district.teams[number]}/members"
        body = {"volunteer_id": district.volunteers[person.index]}
        made = await district.client.post(path, body, district.operator, "order-member", number, place)
        if place == 0:
            role = f"{RECRUITMENT}/memberships/{made['membership_id']}/role"
            await district.client.post(role, {"role": "leader"}, district.operator, "order-leader", number)
    leader, member = [await district.sign_in_by_code(person.phone) for person in people]
    return OrderTeam(number, site, tags[tag], leader, member)


async def _claim(district: District, phone: str, *intent: object) -> str:
    asked = await district.client.post(f"{RECRUITMENT}/auth/codes", {"phone": phone}, None)
    code = await district.codes.for_phone(phone)
    body = {"phone": phone, "challenge_id": asked["challenge_id"], "code": code, "consent": True}
    made = await district.client.post(f"{RECRUITMENT}/volunteers/claims", body, None, "order-claim", *intent)
    return str(made["volunteer_id"])


async def _resident(district: District, number: int) -> str:
    return await register_resident(district, f"{names.SURNAMES[number % len(names.SURNAMES)]}大爷", f"1384{number:07}")


async def register_resident(district: District, name: str, phone: str) -> str:
    """The token of the first session of a new resident."""
    asked = await district.client.post(f"{RECRUITMENT}/auth/codes", {"phone": phone}, None)
    body = {
        "name": name, "phone": phone, "consent": True,
        "challenge_id": asked["challenge_id"], "code": await district.codes.for_phone(phone),
    }  # fmt: skip
    made = await district.client.post(f"{RECRUITMENT}/residents", body, None, "order-resident", phone)
    if made["session"] is None:
        return await district.sign_in_by_code(phone)
    return str(made["session"]["access_token"])
