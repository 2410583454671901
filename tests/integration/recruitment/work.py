"""Teams at work in the small district: activities, shifts, codes on the wall, and what the outbox tells of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
from fastapi import FastAPI

from services.recruitment.access.domain import StaffRole
from services.recruitment.consents import store as consents
from services.recruitment.consents.domain import CURRENT, Consent
from services.recruitment.devices.signing import sign
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.staff import handlers as staff
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, Answer, District, running_app
from tests.support.databases import TEMPLATE, Clock, PostgresServer
from tests.support.settings import SettingsFactory

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "NOW",
    "Volunteer",
    "Work",
    "at",
    "furnished_database",
    "instant",
    "staff_token",
    "work_of",
]

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
EARLIER, LONG_AGO = NOW - 3 * DAY, NOW - 60 * DAY
"""When people, shifts and devices are registered unless a test says otherwise; and since when the staff are there."""


def at(offset: timedelta) -> str:
    """An instant of the test's day, as JSON has it."""
    return (NOW + offset).isoformat()


@dataclass(frozen=True, slots=True)
class Volunteer:
    """A registered volunteer and their token."""

    volunteer_id: str
    number: str
    token: str


@dataclass
class Work:
    """Sites, a team of 惠民社区 with its leader, and a theme; every call goes through HTTP."""

    district: District
    database: Database
    clock: Clock
    sites: dict[str, str]
    team: str
    other_team: str
    theme: str
    leader: Volunteer
    station: str
    other_station: str
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def operator(self) -> str:
        return self.district.operator

    def get(self, path: str, token: str | None = None, **params: Any) -> Any:
        return self.district.get(path, token or self.operator, **params)

    def post(self, path: str, body: Any, token: str | None = None, **options: Any) -> Any:
        return self.district.post(path, body, token or self.operator, **options)

    def put(self, path: str, body: Any, token: str | None = None) -> Any:
        return self.district.put(path, body, token or self.operator)

    @asynccontextmanager
    async def earlier(self, *, unless: bool = False) -> AsyncIterator[None]:
        """Business time is `EARLIER` inside the block."""
        if unless:
            yield
            return
        async with self.database.transaction() as tx:
            now = await tx.now()
        await self.clock.set(EARLIER)
        yield
        await self.clock.set(now)

    async def volunteer(self, *, late: bool = False, **said: Any) -> Volunteer:
        """Somebody registers: days before, unless it is said to be late or at a drive."""
        async with self.earlier(unless=late or "drive_code" in said):
            made = await self.district.register(**said)
        return Volunteer(made["volunteer_id"], made["volunteer_number"], made["session"]["access_token"])

    async def people(self, count: int, *, agreed: bool = True) -> list[Volunteer]:
        """Many at once, imported from the registry of record, who agreed to the terms; their tokens are minted."""
        rows = [
            {"registry_number": f"LJ{n:06}", "name": "赵建国", "phone": f"139{n:08}", "prior_hours": 0}
            for n in range(count)
        ]
        async with self.earlier():
            assert (await self.district.imported(*rows))["imported"] == count
        async with self.database.transaction() as tx:
            found = await tx.fetch("select volunteer_id, volunteer_number from volunteers where source = 'import'")
            if agreed:
                everybody = [row["volunteer_id"] for row in found]
                await consents.add_consents(tx, everybody, Consent(CURRENT, await tx.now(), guardian=False))
        return [
            Volunteer(str(row["volunteer_id"]), row["volunteer_number"], self.token(row["volunteer_id"]))
            for row in found
        ]

    def token(self, volunteer_id: UUID) -> str:
        """A volunteer's token."""
        caller = Caller(subject=volunteer_id, roles=frozenset({Role.VOLUNTEER}), volunteer_id=volunteer_id)
        return mint(self.district.settings, caller)

    def body(self, *shifts: tuple[timedelta, timedelta], capacity: int = 10, **changes: Any) -> Answer:
        """An activity of the team at its station; shifts as offsets from `NOW`."""
        return {
            "title": "唱响新时代雷锋之歌",
            "theme_id": self.theme,
            "team_id": self.team,
            "site_id": self.sites["惠民社区"],
            "kind": "演出",
            "place": "惠民社区广场",
            "shifts": [{"starts_at": at(start), "ends_at": at(end), "capacity": capacity} for start, end in shifts],
            **changes,
        }

    async def activity(
        self, *shifts: tuple[timedelta, timedelta], late: bool = False, token: str | None = None, **changes: Any
    ) -> Answer:
        """An activity that is planned days before, unless it is said to be late."""
        async with self.earlier(unless=late):
            return await self.district.made(
                "/activities", self.body(*(shifts or ((HOUR, 3 * HOUR),)), **changes), token
            )

    async def shift(self, start: timedelta = HOUR, end: timedelta = 3 * HOUR, **changes: Any) -> str:
        """One open shift; its id."""
        shift_id: str = (await self.activity((start, end), **changes))["shifts"][0]["shift_id"]
        return shift_id

    async def sign_up(self, shift_id: str, volunteer: Volunteer) -> httpx.Response:
        answer: httpx.Response = await self.post(f"/shifts/{shift_id}/signups", {}, volunteer.token)
        return answer

    async def code(self, shift_id: str, token: str | None = None) -> str:
        """The code on the wall."""
        answer = await self.get(f"/shifts/{shift_id}/code", token or self.station)
        assert answer.status_code == 200, answer.text
        code: str = answer.json()["code"]
        return code

    async def check(self, what: str, shift_id: str, volunteer: Volunteer, **body: Any) -> httpx.Response:
        """Check "in" or "out" with the code on the wall, unless a proof is given."""
        if not body.keys() & {"code", "ticket"}:
            body["code"] = await self.code(shift_id)
        answer: httpx.Response = await self.post(
            f"/attendance/check-{what}s", {"shift_id": shift_id, **body}, volunteer.token
        )
        return answer

    async def serving(self, start: timedelta = HOUR, end: timedelta = 3 * HOUR) -> tuple[str, Volunteer, Answer]:
        """Somebody who has checked in at the shift's start: (shift, volunteer, record)."""
        shift_id, volunteer = await self.shift(start, end), await self.volunteer()
        assert (await self.sign_up(shift_id, volunteer)).status_code == 201
        await self.clock.set(NOW + start)
        answer = await self.check("in", shift_id, volunteer)
        assert answer.status_code == 201, answer.text
        return shift_id, volunteer, answer.json()

    async def device(self, site: str = "惠民社区", token: str | None = None, *, late: bool = False) -> str:
        """A device that is registered days before, unless it is said to be late; its id."""
        body = {"name": "一号签到机", "site_id": self.sites[site]}
        async with self.earlier(unless=late):
            made = await self.district.made("/devices", body, token)
        self.secrets[made["device_id"]] = made["secret"]
        device_id: str = made["device_id"]
        return device_id

    async def staff(
        self, name: str, site: str | None, role: StaffRole = StaffRole.STATION, since: datetime = LONG_AGO
    ) -> str:
        """The token of a further member of staff, whose account is there ``since`` then."""
        async with self.database.transaction() as tx:
            now = await tx.now()
        await self.clock.set(since)
        site_id = None if site is None else UUID(self.sites[site])
        settings, cipher = self.district.settings, self.district.app.state.cipher
        token = await staff_token(settings, self.database, cipher, name, role, site_id)
        await self.clock.set(now)
        return token

    async def approvals(self, token: str | None = None, **params: Any) -> list[Answer]:
        """What that account may decide now."""
        answer = await self.get("/attendance/approvals", token, **params)
        assert answer.status_code == 200, answer.text
        items: list[Answer] = answer.json()["items"]
        return items

    async def decide(self, records: list[str], token: str | None = None, decision: str = "approve") -> httpx.Response:
        """Another site decides on records."""
        body = {"record_ids": records, "decision": decision, "reason": "核对过"}
        answer: httpx.Response = await self.post("/attendance/approvals/decisions", body, token)
        return answer

    def batch(self, device_id: str, *rows: Answer, provenance: str = "kiosk", skew: float = 0, **more: Any) -> Answer:
        """A signed batch."""
        body = {
            "device_id": device_id,
            "provenance": provenance,
            "measured_skew_seconds": skew,
            "records": list(rows),
            **more,
        }
        return {**body, "signature": sign(self.secrets[device_id], body)}

    async def events(self, topic: str) -> list[Answer]:
        """What was told, in order: the data of each event, with its headers under `headers`."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("select headers, value, key from outbox where topic = $1 order by id", topic)
        return [
            {**orjson.loads(row["value"]), "headers": orjson.loads(row["headers"]), "key": row["key"]} for row in rows
        ]

    async def count(self, sql: str, *values: Any) -> int:
        async with self.database.transaction() as tx:
            found: int = await tx.fetchval(sql, *values)
        return found


@dataclass(frozen=True, slots=True)
class Furnished:
    """The district of a database, and what its people know; good for each copy of the database."""

    sites: Mapping[str, str]
    teams: Sequence[str]
    theme: str
    leader: Answer
    callers: Mapping[str, Caller]
    challenges: Mapping[str, str]
    messages: bytes


@asynccontextmanager
async def work_of(
    settings_for: SettingsFactory, database: Database, clock: Clock, furnished: Furnished | None = None
) -> AsyncIterator[Work]:
    """The district with two teams, a leader, and staff of two stations; `furnished` if the database is a copy of one's.

    Tokens are minted: passwords cost time.
    """
    settings: RecruitmentSettings = settings_for("recruitment")
    async with running_app(settings) as (app, http):
        found = furnished or await _furnish(settings, database, clock, app, http)
        assert settings.message_log is not None
        settings.message_log.write_bytes(found.messages)
        tokens = {name: mint(settings, caller) for name, caller in found.callers.items()}
        district = District(app, app.state.settings, http, tokens["centre"], settings.message_log)
        district.phone()  # the leader's
        district.challenges.update(found.challenges)
        made = found.leader
        yield Work(
            district=district,
            database=database,
            clock=clock,
            sites=dict(found.sites),
            team=found.teams[0],
            other_team=found.teams[1],
            theme=found.theme,
            leader=Volunteer(made["volunteer_id"], made["volunteer_number"], tokens["leader"]),
            station=tokens["huimin"],
            other_station=tokens["donghu"],
        )


async def furnished_database(
    server: PostgresServer, directory: Path, template: str = TEMPLATE
) -> tuple[str, Furnished]:
    """The name of a furnished copy of a template without connections, made by the first call of the session."""
    key = server.superuser_dsn, template
    if key not in _FURNISHED:
        name = f"furnished_{new_id().hex}"
        database = await server.make(name, template)
        settings_for = SettingsFactory(directory, database)
        settings: RecruitmentSettings = settings_for("recruitment")
        async with (
            database.connect("recruitment") as pool,
            database.clock() as clock,
            running_app(settings) as (app, http),
        ):
            _FURNISHED[key] = name, await _furnish(settings, pool, clock, app, http)
    return _FURNISHED[key]


_FURNISHED: dict[tuple[str, str], tuple[str, Furnished]] = {}


async def _furnish(
    settings: RecruitmentSettings, database: Database, clock: Clock, app: FastAPI, http: httpx.AsyncClient
) -> Furnished:
    await clock.set(LONG_AGO)
    assert settings.message_log is not None
    cipher = app.state.cipher
    tokens = {"centre": await staff_token(settings, database, cipher, "centre", StaffRole.OPERATOR, None)}
    district = District(app, app.state.settings, http, tokens["centre"], settings.message_log)
    sites = await district.sites()
    teams = [
        (await district.made("/teams", {"kind": "team", "name": name, "site_id": sites[site], "docked": True}))
        for name, site in (("红纽带", "惠民社区"), ("安康桑榆", "东湖社区"))
    ]
    theme = await district.made("/themes", {"name": "夕阳别样红", "pillar": "shared"})
    phone = district.phone()
    made = await district.register("王队长", phone=phone)
    await district.made(f"/teams/{teams[0]['team_id']}/leader", {"volunteer_id": made["volunteer_id"]})
    tokens["leader"] = (await district.sign_in(phone)).json()["access_token"]
    for name, site in (("huimin", "惠民社区"), ("donghu", "东湖社区")):
        site_id = UUID(sites[site])
        tokens[name] = await staff_token(settings, database, cipher, name, StaffRole.STATION, site_id)
    await clock.set(NOW)
    callers = {name: app.state.verifier.verify(token) for name, token in tokens.items()}
    messages = settings.message_log.read_bytes()
    team_ids = [team["team_id"] for team in teams]
    return Furnished(sites, team_ids, theme["theme_id"], made, callers, district.challenges, messages)


async def staff_token(
    settings: RecruitmentSettings, database: Database, cipher: Cipher, name: str, role: StaffRole, site_id: UUID | None
) -> str:
    """The token of a new member of staff, who has no usable password."""
    async with database.transaction() as tx:
        staff_id = await staff.add_account(
            tx, cipher, staff.NewStaff(name, "none", "李站长", role, site_id, origin="added")
        )
        bounds = None if site_id is None else frozenset({site_id})
    return mint(settings, Caller(subject=staff_id, roles=frozenset({Role(role)}), site_ids=bounds))


def instant(text: str) -> datetime:
    """An instant as answered."""
    return datetime.fromisoformat(text)
