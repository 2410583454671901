"""Attempts at points for service that never was, each through the real API, and what the services answer.

They are played on the evening before the last day. The district is settled before and after, so that the ledger shows
how many points they brought.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dev.demo.client import Client, DemoError, iso
from dev.demo.days import Chronicle
from dev.demo.district import POINTS, RECRUITMENT, Device, District
from dev.demo.plan import Activity, Plan, Visit, at, drive_days
from dev.demo.staff import accept_invitation, invite
from dev.demo.uploads import Upload, row_of, send

__all__ = ["Attempt", "Minted", "Minting", "cast_of"]

SITE, TEAM = 8, 21
"""The station where it is tried, and its team."""
DAYS_BACK, SHIFT_HOURS = 9, 8
LONG_SHIFT = (8, 18)
"""First and last hour of a shift that is longer than what one account can assert for one volunteer."""
CENTRE_DEVICE = (0, "kiosk")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried and what came of it: ``refused``, ``waiting`` for another site, or ``taken``."""

    what: str
    outcome: str
    answer: str

    def as_json(self) -> dict[str, str]:
        """As the report holds it."""
        return {"what": self.what, "outcome": self.outcome, "answer": self.answer}


@dataclass(frozen=True, slots=True)
class Minted:
    """All attempts, and the points that were issued meanwhile."""

    attempts: tuple[Attempt, ...]
    points: int

    @property
    def refuted(self) -> bool:
        """Whether none was taken and no point was issued."""
        return self.points == 0 and all(each.outcome != "taken" for each in self.attempts)

    def as_json(self) -> dict[str, Any]:
        """As the report holds it."""
        outcomes = [each.outcome for each in self.attempts]
        return {
            "tried": len(outcomes),
            "refused": outcomes.count("refused"),
            "waiting": outcomes.count("waiting"),
            "points": self.points,
            "attempts": [each.as_json() for each in self.attempts],
        }


@dataclass(slots=True)
class Cast:
    """Who takes part, by the plan's indices."""

    accomplice: int
    """Registers a minute before the hours are claimed."""
    stranger: int
    """Was imported and has served nowhere."""
    leader: int
    """Has been registered for long, and leads the station's team."""


def cast_of(plan: Plan) -> Cast:
    """People whom the plan needs for nothing else.

    Raises:
        DemoError: the plan is too small to have them.
    """
    busy = {visit.person for activity in (*plan.activities, *plan.prologue) for visit in activity.visits}
    finale = {visit.person for visit in plan.finale.visits}
    evening = plan.scale.last - timedelta(days=1)
    drives = drive_days(plan.scale)
    free = [
        person
        for person in plan.people
        if person.day is not None and not person.email and person.index not in busy | finale
    ]
    in_time = [p for p in free if p.drive is None or drives[p.drive][0] <= evening <= drives[p.drive][1]]
    idle = [p.index for p in plan.people if p.registry and p.index not in busy]
    leaders = [p.index for p in plan.people if p.day is not None and p.day < evening - timedelta(days=2)]
    if not (in_time and idle and leaders):
        raise DemoError("the plan has nobody left for the minting attempts")
    accomplice = max(in_time, key=lambda p: (p.day, p.index)).index
    return Cast(accomplice, idle[-1], next(index for index in leaders if index != accomplice))


@dataclass
class Minting:
    """Plays the attempts. Their calls go through a client of their own, so that refusals are told apart."""

    base: str
    district: District
    chronicle: Chronicle
    cast: Cast = field(init=False)
    shift: str = ""
    """The station's long shift, planned in time."""
    waiting: list[str] = field(default_factory=list)
    """Records of the accomplice that wait for another site."""
    registration: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cast = cast_of(self.district.plan)
        self.chronicle.latecomer = self.cast.accomplice

    @property
    def _day(self) -> datetime:
        return at(self.district.plan.scale.last - timedelta(days=1), 0)

    async def prepare(self) -> None:
        """Plan the station's long shift, days before it begins."""
        begin, end = (self._day + timedelta(hours=hour) for hour in LONG_SHIFT)
        answer = await self._plan(self.district.client, "全天值守", [(begin, end)])
        self.shift = answer[0]

    async def play(self) -> Minted:
        """Play all attempts in turn, between two settled states of the ledger."""
        await self.chronicle.set_clock(self._day + timedelta(hours=20, minutes=29))
        await self.chronicle.settle()
        before = await self._issued()
        async with Client(self.base) as client:
            attempts = [await self._try(client, what, attempt) for what, attempt in self._attempts()]
        await self.chronicle.settle()
        return Minted(tuple(attempts), await self._issued() - before)

    def _attempts(self) -> list[tuple[str, Callable[[Client], Awaitable[str]]]]:
        return [
            ("一个站点账号：当场登记设备、补排九个过去的班次，为一分钟前注册的人上传 72 小时", self._past_shifts),
            ("同一站点账号自己批准自己上传的时数", self._approve_own),
            ("把扫码记录更正为 16 小时", self._stretch),
            ("中心一名操作员补录，另一名操作员批准", self._colleague),
            ("操作员邀请一名操作员，再由自己启用，当作第二人", self._second_self),
            ("操作员在另一站点安一个站点账号，再由自己启用", self._second_station),
            ("同一行换了内容再次上传", self._changed_row),
            ("一人一天上传 10 小时，超过一个账号可作证的上限", self._above_cap),
            ("队长在点名册上给自己记时数", self._own_roll_call),
            ("用猜来的密钥签名上传", self._forged_signature),
            ("猜中幂等键，重放别人的注册请求以取得会话", self._replayed_key),
        ]

    async def _try(self, client: Client, what: str, attempt: Callable[[Client], Awaitable[str]]) -> Attempt:
        try:
            answer = await attempt(client)
        except DemoError as error:
            return Attempt(what, "refused", f"{error.status} {error.type}")
        outcome, said = answer.split(": ", 1)
        return Attempt(what, outcome, said)

    async def _issued(self) -> int:
        ledger = await self.district.client.get(f"{POINTS}/reports/ledger", self.district.operator)
        return int(ledger["issued"])

    async def _plan(self, client: Client, title: str, times: list[tuple[datetime, datetime]]) -> list[str]:
        district = self.district
        body = {
            "title": title,
            "theme_id": district.themes[0],
            "team_id": district.teams[TEAM],
            "site_id": district.sites[SITE],
            "kind": "服务",
            "place": district.plan.sites[SITE][1],
            "shifts": [{"starts_at": iso(begin), "ends_at": iso(end), "capacity": 5} for begin, end in times],
        }
        answer = await client.post(f"{RECRUITMENT}/activities", body, district.account(SITE), "minting", title)
        return [str(shift["shift_id"]) for shift in answer["shifts"]]

    async def _past_shifts(self, client: Client) -> str:
        district, station = self.district, self.district.account(SITE)
        await self._register_accomplice(client)
        await self.chronicle.set_clock(self._day + timedelta(hours=20, minutes=30))
        body = {"name": "新终端", "site_id": district.sites[SITE]}
        made = await client.post(f"{RECRUITMENT}/devices", body, station, "minting-device")
        device = Device(made["device_id"], made["secret"])
        days = [self._day - timedelta(days=back) for back in reversed(range(DAYS_BACK))]
        times = [(day + timedelta(hours=9), day + timedelta(hours=9 + SHIFT_HOURS)) for day in days]
        shifts = await self._plan(client, "补排的志愿服务", times)
        number = district.numbers[self.cast.accomplice]
        rows = [_row(f"past-{place}", number, shift, *times[place]) for place, shift in enumerate(shifts)]
        answer = await send(client, station, device, "kiosk", rows, "minting-past", sequence=1)
        self.waiting = [row["record_id"] for row in answer["records"] if row["waits_for"]]
        return await self._standing(client, station, answer)

    async def _register_accomplice(self, client: Client) -> None:
        """As anybody registers; the call is the one whose replay is tried later."""
        self.registration = await self.district.registration_of(self.cast.accomplice)
        answer = await client.post(f"{RECRUITMENT}/volunteers", self.registration, None, "minting-register")
        self.district.registered(self.cast.accomplice, answer)
        self.chronicle.registrations += 1

    async def _standing(self, client: Client, token: str, answer: dict[str, Any]) -> str:
        """What became of a batch's rows, read back from the records."""
        if answer["refused"] or not answer["records"]:
            return f"refused: {answer['refused'][0]['detail']}"
        found = [
            await client.get(f"{RECRUITMENT}/attendance/records/{row['record_id']}", token) for row in answer["records"]
        ]
        states = {(record["provenance"], record["status"]) for record in found}
        reasons = sorted({reason for record in found for reason in record["waits_for"]})
        counted = any(record["status"] == "confirmed" or not record["waits_for"] for record in found)
        said = f"{len(found)} × {'/'.join(sorted(f'{kind} {status}' for kind, status in states))}, {', '.join(reasons)}"
        return f"{'taken' if counted else 'waiting'}: {said}"

    async def _decide(self, client: Client, token: str, records: list[str], *intent: object) -> str:
        body = {"record_ids": records, "decision": "approve", "reason": "属实"}
        await client.post(f"{RECRUITMENT}/attendance/approvals/decisions", body, token, "minting-decide", *intent)
        return f"taken: {len(records)} approved"

    async def _approve_own(self, client: Client) -> str:
        return await self._decide(client, self.district.account(SITE), self.waiting, "own")

    async def _stretch(self, client: Client) -> str:
        activity, visit, record_id = self._witnessed("scanned")
        body = {
            "started_at": iso(visit.starts_at),
            "ended_at": iso(visit.starts_at + timedelta(hours=16)),
            "reason": "实际服务全天",
            "evidence": "口头说明",
        }
        path = f"{RECRUITMENT}/attendance/records/{record_id}/corrections"
        record = await client.post(path, body, self.district.account(activity.site), "minting-stretch")
        return f"taken: {record['minutes']} minutes"

    async def _colleague(self, client: Client) -> str:
        district = self.district
        activity = next(each for each in district.plan.activities if each.site == 0 and each.visits)
        number = district.numbers[self.cast.stranger]
        shift = district.shifts[activity.index]
        row = _row("entered", number, shift, activity.starts_at, activity.ends_at)
        device, evidence = district.devices[CENTRE_DEVICE], "事后补录"
        answer = await send(
            client, district.operator, device, "backfilled", [row], "minting-entered", evidence=evidence
        )
        records = [each["record_id"] for each in answer["records"]]
        return await self._decide(client, district.second_operator, records, "colleague")

    async def _second_self(self, client: Client) -> str:
        return await self._activate_own(client, "friend", "operator", None, "13846000001")

    async def _second_station(self, client: Client) -> str:
        return await self._activate_own(client, "friend-station", "station", self.district.sites[9], "13846000002")

    async def _activate_own(self, client: Client, username: str, role: str, site_id: str | None, phone: str) -> str:
        """Invite, accept, activate with the inviter's own token, sign in, and decide on what waits."""
        district, password = self.district, secrets.token_urlsafe(12)
        invitation = await invite(district, username, role, site_id, phone)
        member = await accept_invitation(district, invitation, phone, password)
        refused = "activated"
        try:
            path = f"{RECRUITMENT}/staff/{member['staff_id']}/activation"
            await client.post(path, {}, district.operator, "minting-activate", username)
        except DemoError as error:
            refused = f"{error.status} {error.type}"
        body = {"username": username, "password": password}
        try:
            session = await client.post(f"{RECRUITMENT}/auth/sessions", body, None)
        except DemoError as error:
            return f"refused: {refused}; sign-in {error.status} {error.type}"
        return await self._decide(client, session["session"]["access_token"], self.waiting, username)

    async def _changed_row(self, client: Client) -> str:
        activity, visit, _ = self._witnessed("kiosk")
        number = activity.visits.index(visit)
        row = row_of(self.district, Upload(activity, visit, number))
        row["ended_at"] = iso(activity.ends_at + timedelta(hours=3))
        station = self.district.account(activity.site)
        device = self.district.devices[activity.site, "kiosk"]
        answer = await send(client, station, device, "kiosk", [row], "minting-changed")
        return await self._standing(client, station, answer)

    async def _above_cap(self, client: Client) -> str:
        begin, end = (self._day + timedelta(hours=hour) for hour in LONG_SHIFT)
        station, device = self.district.account(SITE), self.district.devices[SITE, "kiosk"]
        device.sequence += 1
        row = _row("long", self.district.numbers[self.cast.stranger], self.shift, begin, end)
        answer = await send(client, station, device, "kiosk", [row], "minting-cap", sequence=device.sequence)
        return await self._standing(client, station, answer)

    async def _own_roll_call(self, client: Client) -> str:
        district, leader = self.district, self.cast.leader
        body = {"volunteer_id": district.volunteers[leader]}
        await client.post(
            f"{RECRUITMENT}/teams/{district.teams[TEAM]}/leader", body, district.operator, "minting-leader"
        )
        token = await district.sign_in_by_code(district.plan.people[leader].phone)
        begin = self._day + timedelta(hours=LONG_SHIFT[0])
        row = _row("self", district.numbers[leader], self.shift, begin, begin + timedelta(hours=2))
        device = district.devices[SITE, "leader"]
        answer = await send(client, token, device, "leader", [row], "minting-self")
        return await self._standing(client, token, answer)

    async def _forged_signature(self, client: Client) -> str:
        device = Device(self.district.devices[SITE, "kiosk"].device_id, secrets.token_urlsafe(32))
        begin = self._day + timedelta(hours=LONG_SHIFT[0])
        number = self.district.numbers[self.cast.accomplice]
        row = _row("forged", number, self.shift, begin, begin + timedelta(hours=1))
        station = self.district.account(SITE)
        answer = await send(client, station, device, "kiosk", [row], "minting-forged")
        return await self._standing(client, station, answer)

    async def _replayed_key(self, client: Client) -> str:
        answer = await client.post(f"{RECRUITMENT}/volunteers", self.registration, None, "minting-register")
        return "taken: a session" if answer["session"] else "refused: the stored answer holds no session"

    def _witnessed(self, way: str) -> tuple[Activity, Visit, str]:
        """The first visit of that kind whose record counts and was never changed."""
        for activity in self.district.plan.activities:
            for number, visit in enumerate(activity.visits):
                record_id = self.chronicle.records.get((activity.index, number))
                fine = record_id is not None and record_id not in self.chronicle.mended
                if activity.way == way and fine and not visit.forgets and not visit.late_days:
                    assert record_id is not None
                    return activity, visit, record_id
        raise DemoError(f"the plan has no {way} visit for the minting attempts")


def _row(upload_id: str, number: str, shift_id: str, begin: datetime, end: datetime) -> dict[str, Any]:
    return {
        "upload_id": f"minting-{upload_id}",
        "volunteer_number": number,
        "shift_id": shift_id,
        "started_at": iso(begin),
        "ended_at": iso(end),
    }
