"""A small district behind recruitment's real HTTP app: its staff, its people, and the codes on their phones."""

import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
from fastapi import FastAPI

from services.recruitment.__main__ import build_app, create_operator
from services.recruitment.access.channels import channel_for
from services.recruitment.access.domain import StaffRole
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.staff.handlers import NewStaff, add_account
from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from tests.support.apps import borrowed_app
from tests.support.imports import approve_import
from tests.support.settings import SECRETS, SettingsFactory
from tests.support.staff import LONG_AGO, add_staff

__all__ = ["NOW", "PASSWORD", "ROOT", "Answer", "District", "district_of", "running_app", "service_token"]

ROOT = "/api/recruitment/v1"
PASSWORD = "guang-mang-2026"
NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
Answer = dict[str, Any]


@dataclass
class District:
    """What tests say and expect; every call goes through HTTP."""

    app: FastAPI
    settings: RecruitmentSettings
    http: httpx.AsyncClient
    operator: str
    log: Path
    phones: Any = field(default_factory=lambda: count(13_800_000_000))
    second: str = ""
    challenges: dict[str, str] = field(default_factory=dict)
    """What each phone was challenged with last; a browser would keep it."""

    def phone(self) -> str:
        """A number that nobody has yet."""
        return str(next(self.phones))

    async def get(self, path: str, token: str | None = None, **params: Any) -> httpx.Response:
        return await self.http.get(ROOT + path, headers=_bearer(token), params=params)

    async def post(self, path: str, body: Any, token: str | None = None, *, key: str | None = None) -> httpx.Response:
        """A POST with an Idempotency-Key of its own, unless one is given, and with the challenge of its code."""
        if isinstance(body, dict) and {"phone", "code"} <= body.keys() and "challenge_id" not in body:
            body = {**body, "challenge_id": self.challenge(str(body.get("phone")))}
        headers = {"idempotency-key": key or str(new_id()), **_bearer(token)}
        return await self.http.post(ROOT + path, json=body, headers=headers)

    async def put(self, path: str, body: Any, token: str | None = None) -> httpx.Response:
        """A PUT, which needs no Idempotency-Key."""
        return await self.http.put(ROOT + path, json=body, headers=_bearer(token))

    async def made(self, path: str, body: Any, token: str | None = None) -> Answer:
        """A POST by the operator (or with a token) that is expected to succeed."""
        answer = await self.post(path, body, token or self.operator)
        assert answer.status_code in (200, 201), answer.text
        result: Answer = answer.json()
        return result

    async def code(self, phone: str) -> str:
        """Ask for a code and read it off the phone."""
        answer = await self.http.post(f"{ROOT}/auth/codes", json={"phone": phone})
        assert answer.status_code == 202, answer.text
        self.challenges[_national(phone)] = answer.json()["challenge_id"]
        return self.last_code()

    def challenge(self, phone: str) -> str:
        """The challenge of a phone's last code; one that nobody was given for a phone that asked for none."""
        return self.challenges.get(_national(phone)) or str(uuid4())

    def last_code(self) -> str:
        """The code that was sent last."""
        code: str = orjson.loads(self.log.read_bytes().splitlines()[-1])["code"]
        return code

    def code_of(self, phone: str) -> str:
        """The code that was sent last to a phone."""
        sent = [orjson.loads(line) for line in self.log.read_bytes().splitlines()]
        code: str = next(each["code"] for each in reversed(sent) if each["phone"] == phone)
        return code

    async def register(self, name: str = "张三", **said: Any) -> Answer:
        """A volunteer registers and gets {volunteer_id, volunteer_number, session}."""
        phone = said.pop("phone", None) or self.phone()
        code = await self.code(phone)
        return await self.made("/volunteers", {"name": name, "phone": phone, "code": code, "consent": True, **said})

    async def sign_in(self, phone: str) -> httpx.Response:
        """By a one-time code."""
        code = await self.code(phone)
        body = {"phone": phone, "code": code, "challenge_id": self.challenge(phone)}
        return await self.http.post(f"{ROOT}/auth/tokens", json=body)

    async def renewed(self, session: Answer) -> str:
        """The access token of a session renewed, with the roles as they are now."""
        body = {"refresh_token": session["refresh_token"]}
        answer = await self.http.post(f"{ROOT}/auth/refresh", json=body)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    async def staff(self, username: str, role: str, site_id: str | None) -> str:
        """Add a member of staff and sign them in; their access token."""
        await self.add_staff(username, role, site_id)
        return await self.password(username)

    async def add_staff(self, username: str, role: str, site_id: str | None = None) -> str:
        """An account of long standing, with the usual password; its id."""
        database, cipher = self.app.state.database, self.app.state.cipher
        return str(await add_staff(database, cipher, username, PASSWORD, role, site_id))

    async def password(self, username: str, password: str = PASSWORD) -> str:
        answer = await self.http.post(f"{ROOT}/auth/sessions", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["session"]["access_token"]
        return token

    async def second_operator(self) -> str:
        """The token of another operator of the centre, whose account is of long standing."""
        if not self.second:
            new = NewStaff("second-operator", "none", "李主任", StaffRole.OPERATOR, origin="added", created_at=LONG_AGO)
            async with self.app.state.database.transaction() as tx:
                staff_id = await add_account(tx, self.app.state.cipher, new)
            caller = Caller(subject=staff_id, roles=frozenset({Role.OPERATOR}), site_ids=None)
            self.second = mint(self.settings, caller)
        return self.second

    async def approved(self, *batches: list[Answer], token: str | None = None, **file: str) -> str:
        """A file with these batches, proposed by the operator (or with a token) and approved; its proposal's id."""
        second = await self.second_operator()
        return await approve_import(
            lambda path, body: self.made(path, body, token),
            lambda path, body: self.made(path, body, second),
            batches,
            **file,
        )

    async def imported(self, *rows: Answer, token: str | None = None, **file: str) -> Answer:
        """Import rows as a file of their own; the answer to its one batch."""
        proposal_id = await self.approved(list(rows), token=token, **file)
        return await self.made(f"/imports/{proposal_id}/batches", {"rows": list(rows)}, token)

    async def sites(self) -> dict[str, str]:
        """The centre, two institutes, a station under each, and a point under the first station."""
        ids: dict[str, str] = {}
        for name, kind, parent, level in (
            ("centre", "centre", None, "district"),
            ("north", "institute", "centre", "township"),
            ("south", "institute", "centre", "township"),
            ("惠民社区", "station", "north", "community"),
            ("东湖社区", "station", "south", "community"),
            ("窗口", "service_point", "惠民社区", "community"),
        ):
            body = {"kind": kind, "name": name, "parent_id": ids.get(parent or ""), "level": level}
            ids[name] = (await self.made("/sites", body))["site_id"]
        return ids

    async def drive(self, site_id: str, *, starts: datetime = NOW, hours: int = 8, **changes: Any) -> Answer:
        body = {
            "name": "雷锋月进广场",
            "place_kind": "square",
            "place": "人民广场",
            "site_id": site_id,
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(hours=hours)).isoformat(),
            **changes,
        }
        return await self.made("/drives", body)


@asynccontextmanager
async def district_of(settings_for: SettingsFactory) -> AsyncIterator[District]:
    """The app with its first operator, on the test's database; no broker, which the API does not need."""
    settings: RecruitmentSettings = settings_for("recruitment")
    assert await create_operator(settings, "centre", "王主任", "operator", PASSWORD) == "created"
    assert settings.message_log is not None
    async with running_app(settings) as (app, http):
        district = District(app, app.state.settings, http, "", settings.message_log)
        district.operator = await district.password("centre")
        yield district


@asynccontextmanager
async def running_app(settings: RecruitmentSettings) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """The started app, which no other test uses at the time, and a client of it."""
    with borrowed_app("recruitment", settings, build_app) as app:
        app.state.channel = channel_for(settings)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
        ):
            yield app, http


def service_token() -> str:
    """What the service that sends messages calls with."""

    class Notify:
        service = "notify"
        auth_signing_key = _secret(SECRETS.signing_keys["notify"])

    return mint(
        Notify(), Caller(subject=new_id(), roles=frozenset({Role.SERVICE}), site_ids=None), services=("recruitment",)
    )


def _national(phone: str) -> str:
    """The eleven digits of a phone, however it was typed."""
    return "".join(char for char in unicodedata.normalize("NFKC", phone) if char.isdigit())[-11:]


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"authorization": f"Bearer {token}"}
