"""One database with an object of every kind, three services over it, their rightful callers, and others."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI

from services.operations.events.stream import IndexStream
from services.points.badges import handlers as badges
from services.points.ingest.handlers import Policy
from services.points.integrity import handlers as integrity
from services.points.integrity.domain import Flag
from services.points.policy import stored_policy
from services.points.rules import handlers as rules
from shared.auth.tokens import Caller, Role, mint
from shared.cloudevents import encode
from shared.contracts import SignupPlaced
from shared.ids import new_id
from shared.kafka.messages import Message
from shared.outbox import event
from shared.postgres import Database
from tests.integration.points.serving import Ledger, record
from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Work, at, work_of
from tests.support.databases import Clock, TestDatabase
from tests.support.openapi import Call, calls_of
from tests.support.settings import SettingsFactory

__all__ = ["World", "apps_of", "world_of"]

_FACTORIES = {"recruitment": "build_app", "points": "api", "notify": "api", "operations": "api"}
_UNTRACED = ("idempotency", "security_events", "schema_migrations")
"""Tables that may change although a call was refused."""


@dataclass
class World:
    """The services' apps, ids by name, and tokens by caller."""

    apps: Mapping[str, FastAPI]
    clients: Mapping[str, httpx.AsyncClient]
    observer: asyncpg.Connection
    ids: dict[str, str]
    callers: dict[str, str]
    calls: dict[tuple[str, str, str], Call] = field(default_factory=dict)

    def describe(self) -> None:
        """Derive a plausible call of every route from its description and the ids."""
        for service, app in self.apps.items():
            for call in calls_of(app.openapi(), self.ids):
                self.calls[service, call.method, call.template.partition("/v1")[2]] = call

    async def send(self, service: str, method: str, url: str, caller: str, body: Any, query: Any) -> httpx.Response:
        """A call by somebody, under a key of its own."""
        headers = {"Authorization": f"Bearer {self.callers[caller]}", "Idempotency-Key": str(new_id())}
        json = {} if body is None else {"json": body}
        return await self.clients[service].request(method, url, params=query, headers=headers, **json)

    async def trace(self) -> dict[str, tuple[int, int]]:
        """Table → how many rows it has and a hash of their content, for every table of the services."""
        tables = await self.observer.fetch(
            "select schemaname, tablename from pg_tables where schemaname = any($1) and tablename <> all($2)",
            ["recruitment", "points", "notify", "operations"],
            list(_UNTRACED),
        )
        each = " union all ".join(
            f"select '{schema}.{table}' as name, count(*) as rows, coalesce(sum(hashtext(t::text)), 0) as hash "
            f"from {schema}.{table} t"
            for schema, table in tables
        )
        return {row["name"]: (row["rows"], row["hash"]) for row in await self.observer.fetch(each)}


def apps_of(settings_for: SettingsFactory) -> dict[str, FastAPI]:
    """Service → its app, not started."""
    return {
        name: getattr(import_module(f"services.{name}.__main__"), factory)(settings_for(name))
        for name, factory in _FACTORIES.items()
    }


@asynccontextmanager
async def world_of(settings_for: SettingsFactory, test_database: TestDatabase, clock: Clock) -> AsyncIterator[World]:
    """The world; business time stands ten minutes after the beginning of its shift."""
    async with AsyncExitStack() as stack:
        opened = {
            name: await stack.enter_async_context(test_database.connect(name, size=4))
            for name in ("recruitment", "points", "notify", "operations")
        }
        work = await stack.enter_async_context(work_of(settings_for, opened["recruitment"], clock))
        apps = {**apps_of(settings_for), "recruitment": work.district.app}
        for name in ("points", "notify", "operations"):
            await stack.enter_async_context(apps[name].router.lifespan_context(apps[name]))
        clients = {
            name: await stack.enter_async_context(
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
            )
            for name, app in apps.items()
        }
        observer = await asyncpg.connect(test_database.dsn_for("postgres"))
        stack.push_async_callback(observer.close)
        world = World(apps, clients, observer, await _recruitment(work), {})
        world.callers.update(await _callers(work, world.ids, settings_for))
        await _points(world, opened["points"])
        await _notify(world)
        await _operations(world, opened["operations"])
        world.describe()
        yield world


async def _recruitment(work: Work) -> dict[str, str]:
    """Objects of one site and its team, with a volunteer who serves there."""
    here = work.sites["惠民社区"]
    volunteer, referred = [await work.volunteer(site_id=here) for _ in range(2)]
    activity = await work.activity((HOUR, 3 * HOUR))
    draft = await work.activity((5 * HOUR, 6 * HOUR), draft=True)
    shift_id = activity["shifts"][0]["shift_id"]
    signup = (await work.sign_up(shift_id, volunteer)).json()
    coming = await work.shift(7 * HOUR, 8 * HOUR)
    waiting = (await work.sign_up(coming, volunteer)).json()
    full = await work.shift(9 * HOUR, 10 * HOUR, capacity=1)
    referred_place = (await work.sign_up(full, referred)).json()
    body = {"volunteer_number": volunteer.number}
    swap = (await work.post(f"/signups/{referred_place['signup_id']}/swaps", body, referred.token)).json()
    queued = (await work.post(f"/shifts/{full}/waitlist", {}, volunteer.token)).json()["entry"]
    path = f"/volunteers/{volunteer.volunteer_id}/facts"
    fact = await work.district.made(path, {"kind": "skill", "code": "cpr"})
    drive = await work.district.drive(here)
    honour = {"title": "创意奖", "awarded_by": "省", "year": 2023}
    project = await work.district.made(
        "/projects", {"name": "晨光", "site_id": here, "pillar": "precise", "honours": [honour]}
    )
    tag = await work.district.made("/tags", {"tag": "haircut", "zh": "理发", "en": "haircuts"})
    order_id = await _order(work, tag["tag_id"], volunteer.token)
    organisation = await work.district.made("/organisations", {"name": "义工会", "level": "community", "site_id": here})
    held = {"title": "新平台培训", "mode": "online", "site_id": here, "starts_at": at(-HOUR), "ends_at": at(HOUR)}
    training = await work.district.made("/trainings", held)
    member = {"volunteer_id": volunteer.volunteer_id}
    membership = await work.district.made(f"/teams/{work.team}/members", member)
    dockings = (await work.get(f"/teams/{work.team}/dockings")).json()["items"]
    asked = await work.district.made(f"/teams/{work.other_team}/requests", {}, volunteer.token)
    idle_theme = await work.district.made("/themes", {"name": "雷锋精神", "pillar": "shared"})
    appeal = await work.district.made("/appeals", {"title": "倡议书", "channel": "微视岭东", "body": "来吧。"})
    device_id = await work.device()
    content = {"digest": "0" * 64, "rows": 1, "minutes": 0}
    file = {"registry": "龙江志愿", "file_reference": "f", "batches": [content], "reason": "迁入"}
    proposal = await work.district.made("/imports", file)
    staff_id = await work.count("select staff_id from staff where username = 'huimin'")
    invited = {"username": "guest", "name": "某人", "phone": work.district.phone(), "role": "station", "site_id": here}
    invitation = await work.district.made("/staff/invitations", invited)
    sessions = (await work.get("/auth/sessions", volunteer.token)).json()["items"]
    await work.clock.set(NOW + HOUR)
    made = (await work.check("in", shift_id, volunteer)).json()
    await work.clock.set(NOW + HOUR + 10 * MINUTE)
    wrong = {"words": "签到晚记了十分钟"}
    asked_right = await work.district.made(f"/shifts/{shift_id}/rectifications", wrong, volunteer.token)
    assert signup["signup_id"] != waiting["signup_id"]
    return {
        "site_id": here, "parent_id": work.sites["north"], "team_id": work.team, "theme_id": work.theme,
        "tag_id": tag["tag_id"], "honour_id": project["honours"][0]["honour_id"],
        "organisation_id": organisation["organisation_id"], "training_id": training["training_id"],
        "docking_id": dockings[0]["docking_id"], "membership_id": membership["membership_id"],
        "asked_id": asked["membership_id"],
        "idle_theme": idle_theme["theme_id"], "project_id": project["project_id"], "drive_id": drive["drive_id"],
        "drive_code": drive["code"], "appeal_id": appeal["appeal_id"], "activity_id": activity["activity_id"],
        "shift_id": shift_id, "draft_id": draft["activity_id"], "draft_shift_id": draft["shifts"][0]["shift_id"],
        "signup_id": waiting["signup_id"], "entry_id": queued["entry_id"], "swap_id": swap["swap_id"],
        "fact_id": fact["fact_id"], "order_id": order_id, "working_day": "2026-03-09",
        "volunteer_id": volunteer.volunteer_id,
        "leader_volunteer_id": volunteer.volunteer_id, "volunteer_number": volunteer.number,
        "referred_id": referred.volunteer_id, "record_id": made["record_id"], "device_id": device_id,
        "rectification_id": asked_right["rectification_id"],
        "proposal_id": proposal["proposal_id"],
        "staff_id": str(staff_id), "invitation_id": invitation["invitation_id"],
        "session_id": sessions[0]["session_id"], "nothing": str(new_id()), "one": "1", "site": "site",
        "volunteer_token": volunteer.token, "stranger_token": (await work.volunteer()).token,
        "leader_token": work.leader.token, "station_token": work.station, "other_station_token": work.other_station,
        "operator_token": work.operator, "other_team": work.other_team, "south": work.sites["south"],
        "elsewhere": work.sites["东湖社区"], "point": work.sites["窗口"],
    }  # fmt: skip


async def _order(work: Work, tag_id: str, token: str) -> str:
    """An order of the volunteer at the site, which its team has planned; its id."""
    body = {
        "need_tag": tag_id, "site_id": work.sites["惠民社区"], "wished_from": at(24 * HOUR), "wished_to": at(72 * HOUR),
        "details": {"address": "和平路 7 号", "phone": "13512345678"},
    }  # fmt: skip
    order_id: str = (await work.district.made("/orders", body, token))["order_id"]
    plan = {"starts_at": at(48 * HOUR), "ends_at": at(49 * HOUR), "places": 2}
    for act, said, by in (
        ("review", {"decision": "take"}, work.station),
        ("review", {"decision": "offer"}, work.station),
        ("dispatch", {"team_id": work.team}, work.station),
        ("accept", {"team_id": work.team}, work.leader.token),
        ("schedule", plan, work.leader.token),
    ):
        await work.district.made(f"/orders/{order_id}/{act}", said, by)
    return order_id


async def _callers(work: Work, ids: dict[str, str], settings_for: SettingsFactory) -> dict[str, str]:
    """Tokens: of those whose the objects are, and of others."""

    def token(role: Role, *sites: str, teams: tuple[str, ...] = (), everywhere: bool = False) -> str:
        caller = Caller(
            subject=new_id(),
            roles=frozenset({role}),
            volunteer_id=new_id() if role is Role.LEADER else None,
            resident_id=new_id() if role is Role.RESIDENT else None,
            site_ids=None if everywhere else frozenset(UUID(ids[site]) for site in sites),
            team_ids=frozenset(UUID(ids[team]) for team in teams),
        )
        return mint(work.district.settings, caller)

    service = Caller(subject=new_id(), roles=frozenset({Role.SERVICE}), site_ids=None)
    return {
        **{name: ids.pop(f"{name}_token") for name in
           ("volunteer", "stranger", "leader", "station", "other_station", "operator")},
        "north": token(Role.OPERATOR, "parent_id", "site_id", "point"),
        "other_operator": token(Role.OPERATOR, "south", "elsewhere"),
        "other_leader": token(Role.LEADER, teams=("other_team",)),
        "second": token(Role.OPERATOR, everywhere=True),
        "resident": token(Role.RESIDENT),
        "engineer": token(Role.ENGINEER),
        "notify": mint(settings_for("notify"), service),
    }  # fmt: skip


async def _points(world: World, database: Database) -> None:
    """Points of the volunteer, and what staff of the site and the centre have done about them."""
    ids = world.ids
    site_id, volunteer_id, referred_id = [UUID(ids[name]) for name in ("site_id", "volunteer_id", "referred_id")]
    ledger = Ledger(database, Policy(await rules.install(database), await badges.install(database)))
    first = record(volunteer_id, 480, site_id=site_id, record_id=UUID(ids["record_id"]))
    later = [
        record(volunteer_id, 480, site_id=site_id, started_at=first.started_at + timedelta(days=n))
        for n in range(1, 14)
    ]
    await ledger.feed(first, *later, record(referred_id, 60, site_id=site_id))
    evidence = {"day": "2026-01-11", "measured": 60, "limit": 1, "unit": "minutes"}
    flagged = ((later[0].record_id, volunteer_id),)
    flag = Flag("two-sites", "volunteer", str(volunteer_id), str(flagged), flagged, (site_id,), evidence, 1)
    async with database.transaction() as tx:
        assert await integrity.report(tx, [flag], stored_policy())
    ids["case_id"] = str(integrity.case_id_of(flag))
    pool = database.pool
    ids["transfer_id"] = str(await pool.fetchval("select transfer_id from transfers order by posted_at limit 1"))
    award = "select award_id from badge_awards where volunteer_id = $1 limit 1"
    ids["award_id"] = str(await pool.fetchval(award, volunteer_id))

    async def made(path: str, body: Any, caller: str = "operator") -> Any:
        answer = await world.send("points", "POST", f"/api/points/v1{path}", caller, body, None)
        assert answer.is_success, (path, answer.text)
        return answer.json()

    ids["reward_id"] = (await made("/rewards", {"name": "保温杯", "price": 10}))["reward_id"]
    await made(f"/rewards/{ids['reward_id']}/stock", {"site_id": ids["site_id"], "quantity": 9})
    hold = {"reward_id": ids["reward_id"], "site_id": ids["site_id"]}
    ids["redemption_id"] = (await made("/redemptions", hold, "volunteer"))["redemption_id"]
    words = {"volunteer_id": ids["volunteer_id"], "points": 5, "reason": "整理档案", "evidence": "签字单"}
    ids["adjustment_id"] = (await made("/adjustments", words))["adjustment_id"]
    ids["complaint_proposal"] = str(new_id())
    await pool.execute(
        "insert into proposed_complaints (proposal_id, activity_id, site_id, stars, proposed_at) "
        "values ($1, $2, $3, 1, now())",
        UUID(ids["complaint_proposal"]), new_id(), site_id,
    )  # fmt: skip
    about = {"record_id": str(later[1].record_id), "reason": "没有人来"}
    ids["complaint_id"] = (await made("/complaints", about))["complaint_id"]
    pair = {"referrer_id": ids["volunteer_id"], "referred_id": ids["referred_id"]}
    ids["referral_id"] = (await made("/referrals", pair))["referral_id"]


async def _notify(world: World) -> None:
    """A message to the volunteer."""
    world.ids["message_id"] = str(new_id())
    insert = (
        "insert into notify.messages (message_id, event_id, recipient_id, template, template_version, title, body, "
        "correlation_id, created_at) values ($1, $2, $3, 'signup_cancelled', 1, 't', 'b', 'c', now())"
    )
    await world.observer.execute(insert, UUID(world.ids["message_id"]), new_id(), UUID(world.ids["volunteer_id"]))


async def _operations(world: World, database: Database) -> None:
    """A sign-up at the site in the index of events."""
    placed = SignupPlaced(
        signup_id=UUID(world.ids["signup_id"]),
        volunteer_id=UUID(world.ids["volunteer_id"]),
        shift_id=UUID(world.ids["shift_id"]),
        activity_id=UUID(world.ids["activity_id"]),
        activity_title="晨光问候",
        site_id=UUID(world.ids["site_id"]),
        starts_at=NOW,
        ends_at=NOW + HOUR,
        placed_at=NOW,
    )
    made = event(placed, source="test", aggregate_version=1)
    headers, value = encode(made)
    lies = Message("volunteering.signups.v1", "signups", 0, 0, made.subject.encode(), value, headers, 0)
    await IndexStream(database, "first", 30).handle([lies])
    world.ids["event_id"], world.ids["correlation_id"] = str(made.id), made.correlation_id
