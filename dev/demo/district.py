"""Founding the district: sites, teams, themes, projects, drives, appeals, rewards, imported volunteers."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dev.demo import names
from dev.demo.client import Client, DemoError, OneTimeCodes, iso
from dev.demo.pictures import PICTURES, png
from dev.demo.plan import Activity, Person, Plan, at, drive_days
from shared.ids import derived_id

__all__ = ["Device", "District", "all_of"]

RECRUITMENT = "/api/recruitment/v1"
POINTS = "/api/points/v1"
NOTIFY = "/api/notify/v1"
PILLARS = {"共享化": "shared", "制度化": "institutional", "亮单化": "showcase", "精准化": "precise"}
IMPORT_ROWS = 500
AT_ONCE = 20

T = TypeVar("T")


async def all_of(work: Iterable[Awaitable[T]], at_once: int = AT_ONCE) -> list[T]:
    """Do the work, so many at once, and return the results in order."""
    gate = asyncio.Semaphore(at_once)

    async def one(each: Awaitable[T]) -> T:
        async with gate:
            return await each

    return list(await asyncio.gather(*(one(each) for each in work)))


@dataclass(slots=True)
class Device:
    """A registered device: what it signs with, and the number of its last upload."""

    device_id: str
    secret: str
    sequence: int = 0


@dataclass(slots=True)
class District:
    """What the demo knows of the district that it founds: ids by the plan's indices, and tokens.

    ``passwords`` are those of the centre's two operators.
    """

    client: Client
    codes: OneTimeCodes
    plan: Plan
    passwords: tuple[str, str]
    operator: str = ""
    second_operator: str = ""
    stations: dict[int, str] = field(default_factory=dict)
    """Tokens of the sites' own staff, by site."""
    logins: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Username and password of the sites' own staff, by site."""
    sites: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    themes: list[str] = field(default_factory=list)
    projects: list[str | None] = field(default_factory=list)
    """By theme: the project of the same name."""
    drives: list[str] = field(default_factory=list)
    appeals: list[str] = field(default_factory=list)
    rewards: list[tuple[str, int]] = field(default_factory=list)
    devices: dict[tuple[int, str], Device] = field(default_factory=dict)
    """By site and ``kiosk`` or ``leader``."""
    volunteers: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, str] = field(default_factory=dict)
    tokens: dict[int, str] = field(default_factory=dict)
    activities: dict[int, str] = field(default_factory=dict)
    shifts: dict[int, str] = field(default_factory=dict)

    async def log_in(self) -> None:
        """Sessions of the centre's two operators; tokens are short-lived, so they are asked for again now and then."""
        first, second = self.passwords
        self.operator = await self.sign_in("operator", first)
        self.second_operator = await self.sign_in("operator2", second)

    async def sign_in(self, username: str, password: str) -> str:
        """The token of a session of staff.

        Raises:
            DemoError: the sign-in was refused.
        """
        body = {"username": username, "password": password}
        answer = await self.client.post(f"{RECRUITMENT}/auth/sessions", body, None)
        return str(answer["session"]["access_token"])

    async def sign_in_by_code(self, phone: str) -> str:
        """The token of a session of a volunteer, by a code to their phone.

        Raises:
            DemoError: three codes were refused.
        """
        for _ in range(3):
            asked = await self.client.post(f"{RECRUITMENT}/auth/codes", {"phone": phone}, None)
            body = {
                "phone": phone,
                "challenge_id": asked["challenge_id"],
                "code": await self.codes.for_phone(phone),
            }
            try:
                return str((await self.client.post(f"{RECRUITMENT}/auth/tokens", body, None))["access_token"])
            except DemoError as error:
                # The call that spent the code was answered by nobody: the service went away under it.
                refused = error
        raise refused

    def account(self, site: int) -> str:
        """The token of the site's own staff."""
        return self.stations[site]

    async def _found(self, path: str, key: str, bodies: Iterable[dict[str, Any]]) -> list[str]:
        answers = await all_of(
            self.client.post(f"{RECRUITMENT}/{path}", body, self.operator, path, number)
            for number, body in enumerate(bodies)
        )
        return [answer[key] for answer in answers]

    async def found(self) -> None:
        """Sites, teams, themes and projects."""
        parents: dict[int | None, str | None] = {None: None}
        for index, (kind, name, level, parent) in enumerate(self.plan.sites):
            body = {"kind": kind, "name": name, "level": level, "parent_id": parents[parent]}
            if parent is None:
                body.pop("parent_id")
            answer = await self.client.post(f"{RECRUITMENT}/sites", body, self.operator, "sites", index)
            parents[index] = answer["site_id"]
            self.sites.append(answer["site_id"])
        self.teams = await self._found(
            "teams",
            "team_id",
            (
                {"kind": kind, "name": name, "site_id": self.sites[site], "docked": True, **_detachment(number)}
                for number, (kind, name, site) in enumerate(self.plan.teams)
            ),
        )
        self.themes = await self._found(
            "themes", "theme_id", ({"name": name, "pillar": PILLARS[pillar]} for name, pillar in names.THEMES)
        )
        projects = await self._found(
            "projects",
            "project_id",
            (
                {
                    "name": name,
                    "site_id": self.sites[0],
                    "pillar": PILLARS[pillar],
                    "honours": [
                        {"title": title, "awarded_by": by, "year": year, "level": "province", "category": category}
                        for title, by, year, category in honours
                    ],
                }
                for name, pillar, honours in names.PROJECTS
            ),
        )
        by_name = {name: project for (name, _, _), project in zip(names.PROJECTS, projects, strict=True)}
        self.projects = [by_name.get(name) for name, _ in names.THEMES]

    async def open_drives(self) -> None:
        """Drives into squares, enterprises and compounds, and appeals on WeChat."""
        days = drive_days(self.plan.scale)
        self.drives = await self._found(
            "drives",
            "code",
            (
                {
                    "name": f"志愿红进{ {'square': '广场', 'enterprise': '企业', 'compound': '小区'}[kind] }·{place}",
                    "place_kind": kind,
                    "place": place,
                    "site_id": self.sites[1 + number % 7],
                    "starts_at": iso(at(days[number][0], 0)),
                    "ends_at": iso(at(days[number][1], 23)),
                }
                for number, (kind, place) in enumerate(names.DRIVES)
            ),
        )
        self.appeals = await self._found(
            "appeals",
            "code",
            (
                {
                    "title": title,
                    "channel": "微信公众号“微视岭东”",
                    "body": f"{title}：有时间做志愿者，有困难找志愿者。",
                }
                for title in names.APPEALS
            ),
        )

    async def offer_rewards(self) -> None:
        """The catalogue, with pictures and with stock at the centre."""
        for number, (name, price, stock) in enumerate(names.REWARDS):
            body = {"name": name, "description": f"凭{price}积分兑换{name}一份", "price": price}
            reward = await self.client.post(f"{POINTS}/rewards", body, self.operator, "reward", number)
            self.rewards.append((reward["reward_id"], price))
            photo = f"{POINTS}/rewards/{reward['reward_id']}/photo"
            await self.client.put(photo, png(PICTURES[name]), self.operator, "photo", number)
            receipt = {"site_id": self.sites[0], "quantity": stock, "note": "年初入库"}
            await self.client.post(
                f"{POINTS}/rewards/{reward['reward_id']}/stock", receipt, self.operator, "stock", number
            )

    def browser(self, owner: object) -> str:
        """The id that the browser of somebody's own phone made for itself: the same for the same seed."""
        return derived_id("browser", self.plan.seed, owner).hex

    async def import_volunteers(self, people: list[Person], reference: str) -> None:
        """A file of the registry of record with prior hours: proposed by one operator, approved by the other."""
        parts = [self._rows(people[start : start + IMPORT_ROWS]) for start in range(0, len(people), IMPORT_ROWS)]
        digests = f"{RECRUITMENT}/imports/digests"
        contents = await all_of((self.client.post(digests, {"rows": rows}, self.operator) for rows in parts), 2)
        file = {"registry": "龙江志愿", "file_reference": reference, "batches": contents, "reason": "旧系统名册迁入"}
        proposed = await self.client.post(f"{RECRUITMENT}/imports", file, self.operator, "import", reference)
        path = f"{RECRUITMENT}/imports/{proposed['proposal_id']}"
        decision = {"decision": "approve", "reason": f"与岭文明办〔2023〕{reference} 所附名册一致"}
        await self.client.post(f"{path}/decision", decision, self.second_operator, "import-decision", reference)
        await all_of((self._import(path, rows, f"{reference}-{number:02}") for number, rows in enumerate(parts)), 2)

    async def _import(self, path: str, rows: list[dict[str, Any]], intent: str) -> None:
        answer = await self.client.post(f"{path}/batches", {"rows": rows}, self.operator, "import-batch", intent)
        if answer["refused"]:
            raise DemoError(f"the import {intent} refused {answer['refused'][:3]}")

    def _rows(self, people: list[Person]) -> list[dict[str, Any]]:
        return [
            {
                "registry_number": person.registry,
                "name": person.name,
                "phone": person.phone,
                "prior_hours": person.prior_hours,
                "birth_date": person.birth.isoformat(),
                "site_id": self.sites[person.station],
            }
            for person in people
        ]

    async def learn_numbers(self) -> None:
        """Who got which volunteer number: kiosks and leaders know people by it."""
        by_registry = {person.registry: person.index for person in self.plan.people if person.registry}
        cursor = ""
        while True:
            page = await self.client.get(f"{RECRUITMENT}/volunteers?limit=200{cursor}", self.operator)
            for item in page["items"]:
                index = by_registry.get(item.get("registry_number"))
                if index is not None:
                    self.volunteers[index] = item["volunteer_id"]
                    self.numbers[index] = item["volunteer_number"]
            if not page["next_cursor"]:
                return
            cursor = f"&cursor={page['next_cursor']}"

    async def register(self, index: int) -> None:
        """One person at a drive, through an appeal or by themselves: a code to the phone, then the form."""
        body = await self.registration_of(index)
        answer = await self.client.post(f"{RECRUITMENT}/volunteers", body, None, "register", index)
        session = self.registered(index, answer)
        # A repeated answer holds no session.
        self.tokens[index] = session or await self.sign_in_by_code(self.plan.people[index].phone)
        if self.plan.people[index].email:
            await self._want_mail(index)

    async def registration_of(self, index: int) -> dict[str, Any]:
        """The form of one person, with the code that their phone got."""
        person = self.plan.people[index]
        asked = await self.client.post(f"{RECRUITMENT}/auth/codes", {"phone": person.phone}, None, "code", index)
        body: dict[str, Any] = {
            "name": person.name,
            "phone": person.phone,
            "challenge_id": asked["challenge_id"],
            "code": await self.codes.for_phone(person.phone),
            "birth_date": person.birth.isoformat(),
            "site_id": self.sites[person.station],
            "consent": True,
        }
        if person.email:
            body["email"] = person.email
        if person.drive is not None:
            body["drive_code"] = self.drives[person.drive]
        if person.appeal is not None:
            body["appeal_code"] = self.appeals[person.appeal]
        return body

    def registered(self, index: int, answer: dict[str, Any]) -> str | None:
        """Note who registered; returns the token of their session, if the answer holds one."""
        self.volunteers[index] = answer["volunteer_id"]
        self.numbers[index] = answer["volunteer_number"]
        session = answer["session"]
        return None if session is None else str(session["access_token"])

    async def _want_mail(self, index: int) -> None:
        await self.client.patch(f"{NOTIFY}/preferences", {"email": True}, self.tokens[index], "mail", index)

    async def plan_activities(self, activities: Iterable[Activity]) -> None:
        """Announce activities with their shift, in batches."""
        wanted = list(activities)
        parts = [wanted[start : start + 100] for start in range(0, len(wanted), 100)]
        for part in parts:
            body = {"activities": [self._activity(activity) for activity in part]}
            intent = ("activities", part[0].title, part[0].index, len(part))
            answer = await self.client.post(f"{RECRUITMENT}/activities/batches", body, self.operator, *intent)
            for activity, made in zip(part, answer["activities"], strict=True):
                self.activities[id_of(activity)] = made["activity_id"]
                self.shifts[id_of(activity)] = made["shifts"][0]["shift_id"]

    def _activity(self, activity: Activity) -> dict[str, Any]:
        return {
            "title": activity.title,
            "theme_id": self.themes[activity.theme],
            "team_id": self.teams[activity.team],
            "site_id": self.sites[activity.site],
            "project_id": self.projects[activity.theme],
            "kind": "服务",
            "place": self.plan.sites[activity.site][1],
            "shifts": [
                {
                    "starts_at": iso(activity.starts_at),
                    "ends_at": iso(activity.ends_at),
                    "capacity": activity.capacity,
                }
            ],
        }


def _detachment(team: int) -> dict[str, str]:
    """Series, owning department and head's position of the professional detachments, which follow the corps."""
    departments = list(names.DETACHMENTS.values())
    if not 1 <= team <= len(departments):
        return {}
    series = "eight" if team <= names.EIGHT else "five"
    return {"series": series, "department": departments[team - 1], "head": "主要负责人"}


def id_of(activity: Activity) -> int:
    """Activities of the prologue have indices of their own."""
    return -1 - activity.index if activity.starts_at.year < 2026 else activity.index
