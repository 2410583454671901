"""Registration, claims and imports through HTTP on a real database."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.recruitment.volunteers.domain import parse_volunteer_number
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, ROOT, Answer, District, district_of
from tests.support.databases import Clock, TestDatabase
from tests.support.settings import SettingsFactory
from tests.support.statements import statements_of


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        yield district


async def events(database: Database, topic: str) -> list[asyncpg.Record]:
    async with database.transaction() as tx:
        return await tx.fetch("select key, headers, value from outbox where topic = $1 order by id", topic)


async def count(database: Database, table: str) -> int:
    async with database.transaction() as tx:
        found: int = await tx.fetchval(f"select count(*) from {table}")
    return found


def row(number: int, **changes: Any) -> Answer:
    return {
        "registry_number": f"LJ{number:06}",
        "name": "赵钱孙"[number % 3] + "建国",
        "phone": f"139{number:08}",
        "prior_hours": (number % 4) * 40.5,
        **changes,
    }


async def test_a_volunteer_registers_at_a_drive(district: District, recruitment_db: Database) -> None:
    sites = await district.sites()
    drive = await district.drive(sites["惠民社区"])
    typed = f" {drive['code'].lower()} "
    answer = await district.register("欧阳修", drive_code=typed, email="ou@Example.org", birth_date="1990-01-02")

    assert parse_volunteer_number(answer["volunteer_number"]).startswith("LD-2026-")
    session = answer["session"]
    assert session["roles"] == ["resident", "volunteer"]
    assert session["volunteer_id"] == session["subject"] == answer["volunteer_id"]
    assert session["site_ids"] == []

    me = (await district.get("/volunteers/me", session["access_token"])).json()
    assert (me["name"], me["phone"], me["email"]) == ("欧阳修", "138****0000", "o***@example.org")
    assert (me["source"], me["drive_id"], me["site_id"]) == ("drive", drive["drive_id"], sites["惠民社区"])
    assert me["claimed"]

    (event,) = await events(recruitment_db, "volunteers")
    assert event["key"] == answer["volunteer_id"]
    assert answer["volunteer_number"].encode() not in event["value"]
    assert len(await events(recruitment_db, "drives")) == 1


async def test_a_drive_takes_people_only_while_it_is_open(district: District, clock: Clock) -> None:
    sites = await district.sites()
    drive = await district.drive(sites["centre"])
    for at, status, type_ in (
        (NOW - timedelta(seconds=1), 409, "drive-not-open"),
        (NOW + timedelta(hours=8), 409, "drive-not-open"),
        (NOW + timedelta(hours=7), 201, None),
    ):
        await clock.set(at)
        phone = district.phone()
        body = {"name": "张三", "phone": phone, "code": await district.code(phone), "consent": True}
        answer = await district.post("/volunteers", {**body, "drive_code": drive["code"]})
        assert answer.status_code == status, answer.text
        assert answer.json().get("type") == type_
    assert (await district.get(f"/drives/{drive['drive_id']}", district.operator)).json()["funnel"] == {
        "registered": 1,
        "signed_up": 0,
        "checked_in": 0,
        "served": 0,
    }


async def test_an_appeal_is_credited_and_a_wrong_code_refused(district: District) -> None:
    appeal = await district.made("/appeals", {"title": "倡议书", "channel": "微视岭东", "body": "志愿红，等你来。"})
    await district.register(appeal_code=appeal["code"])
    listed = (await district.get("/appeals", district.operator)).json()["items"]
    assert [(item["appeal_id"], item["registered"]) for item in listed] == [(appeal["appeal_id"], 1)]
    assert (await district.get(f"/appeals/by-code/{appeal['code'].lower()}")).json()["registered"] is None

    phone = district.phone()
    body = {"name": "张三", "phone": phone, "code": await district.code(phone), "consent": True}
    for wrong, type_ in (
        ({"drive_code": "ABCDEF"}, "drive-unknown"),
        ({"appeal_code": "x"}, "appeal-unknown"),
        ({"drive_code": "ABCDEF", "appeal_code": "ABCDEF"}, "two-codes"),
        ({"site_id": str(new_id())}, "site-unknown"),
    ):
        answer = await district.post("/volunteers", {**body, **wrong})
        assert answer.json()["type"] == type_


async def test_a_phone_registers_once(district: District, recruitment_db: Database) -> None:
    phone = district.phone()
    first = await district.register(phone=phone)
    code = await district.code(phone)
    body = {"name": "别人", "phone": f"+86 {phone[:3]}-{phone[3:]}", "code": code, "consent": True}
    again = await district.post("/volunteers", body)
    assert (again.status_code, again.json()["type"]) == (409, "phone-registered")
    assert "log in" in again.json()["detail"]
    assert await count(recruitment_db, "volunteers") == 1
    session = await district.post("/auth/tokens", {"phone": phone, "code": code})
    assert session.json()["volunteer_id"] == first["volunteer_id"], "the refused registration did not spend the code"


async def test_without_the_right_code_nothing_is_told(district: District) -> None:
    phone = district.phone()
    await district.register(phone=phone)
    for number in (phone, district.phone()):
        body = {"name": "张三", "phone": number, "code": "000000", "consent": True}
        answer = await district.post("/volunteers", body)
        assert (answer.status_code, answer.json()["type"]) == (401, "code-wrong")


async def test_the_same_registration_twice_makes_one_volunteer(district: District, recruitment_db: Database) -> None:
    phone, key = district.phone(), str(new_id())
    body = {"name": "张三", "phone": phone, "code": await district.code(phone), "consent": True}
    first = await district.post("/volunteers", body, key=key)
    again = await district.post("/volunteers", body, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["session"]["refresh_token"]
    assert again.json() == {**first.json(), "session": None}, "who only repeats the request gets no session"
    other = await district.post("/volunteers", {**body, "name": "李四"}, key=key)
    assert other.status_code == 422
    assert await count(recruitment_db, "volunteers") == 1


IMPOSSIBLE: list[tuple[Answer, str]] = [
    ({"consent": False}, "registration-invalid"),
    ({"birth_date": "2020-01-01"}, "registration-invalid"),
    ({"birth_date": "2026-03-05"}, "registration-invalid"),
    ({"name": "  "}, "registration-invalid"),
    ({"email": "nobody"}, "registration-invalid"),
    ({"id_number": "123"}, "registration-invalid"),
    ({"phone": "12345"}, "phone-invalid"),
    ({"role": "operator"}, "invalid-input"),
    ({"name": "张\u0000"}, "invalid-text"),
    ({"birth_date": 5}, "invalid-input"),
    ({"consent": "yes"}, "invalid-input"),
    ({"code": 123456}, "invalid-input"),
]


async def test_impossible_registrations(district: District, recruitment_db: Database) -> None:
    for said, type_ in IMPOSSIBLE:
        phone = district.phone()
        body = {"name": "张三", "phone": phone, "code": await district.code(phone), "consent": True, **said}
        answer = await district.post("/volunteers", body)
        assert answer.status_code in (400, 422), (said, answer.text)
        assert answer.json()["type"] == type_, said
        assert answer.json()["detail"]
    assert await count(recruitment_db, "volunteers") == 0


async def test_children_need_a_guardian_and_id_numbers_are_unique(district: District) -> None:
    await district.register(birth_date="2016-05-01", guardian_consent=True)
    await district.register(id_number="11010519491231002x")
    phone = district.phone()
    body = {"name": "张三", "phone": phone, "code": await district.code(phone), "consent": True}
    answer = await district.post("/volunteers", {**body, "id_number": "11010519491231002X"})
    assert (answer.status_code, answer.json()["type"]) == (409, "id-number-registered")


async def test_who_asks_may_serve_later(district: District) -> None:
    phone = district.phone()
    body = {"name": "孙奶奶", "phone": phone, "code": await district.code(phone), "consent": True}
    resident = await district.made("/residents", body)
    assert resident["session"]["roles"] == ["resident"]
    assert resident["session"]["volunteer_id"] is None
    assert (await district.get("/volunteers/me", resident["session"]["access_token"])).status_code == 403
    volunteer = await district.register("孙奶奶", phone=phone)
    assert volunteer["session"]["roles"] == ["resident", "volunteer"]
    assert volunteer["session"]["resident_id"] == resident["resident_id"]
    again = await district.post("/residents", {**body, "code": await district.code(phone)})
    assert (again.status_code, again.json()["type"]) == (409, "phone-registered")


async def test_an_import_can_be_sent_again(district: District, recruitment_db: Database) -> None:
    rows = [row(number) for number in range(10)]
    proposal_id = await district.approved(rows)
    for imported, known in ((10, 0), (0, 10)):
        answer = await district.made(f"/imports/{proposal_id}/batches", {"rows": rows})
        assert (answer["imported"], answer["known"], answer["refused"]) == (imported, known, [])
    later = await district.imported(*rows, row(10), file_reference="2026-02.xlsx")
    assert (later["imported"], later["known"], later["refused"]) == (1, 10, [])
    assert await count(recruitment_db, "volunteers") == 11
    assert len(await events(recruitment_db, "volunteers")) == 11
    hours = await events(recruitment_db, "attendance")
    assert len(hours) == sum(1 for each in [*rows, row(10)] if each["prior_hours"] > 0)
    assert all(b'"provenance":"imported"' in event["value"] for event in hours)


async def test_bad_rows_are_named_and_the_others_imported(district: District) -> None:
    taken = district.phone()
    await district.register(phone=taken)
    sites = await district.sites()
    answer = await district.imported(
        row(1, site_id=sites["惠民社区"]),
        row(2, phone=taken),
        row(3, phone="123"),
        row(4, phone=row(1)["phone"]),
        row(1, phone="13912345678"),
        row(5, prior_hours=-3),
        row(6, site_id=str(new_id())),
        row(7, birth_date="2030-01-01"),
        row(8, phone="＋86 139–0000 0008", id_number="11010519491231002x"),
        row(9, id_number="110105491231002"),
        row(10, id_number="11010519491231002X", birth_date="1950-01-01"),
    )
    assert answer["imported"] == 2
    assert [problem["row"] for problem in answer["refused"]] == [2, 3, 4, 5, 6, 7, 8, 10, 11]
    assert answer["refused"][1]["registry_number"] == "LJ000003"
    assert "eleven digits" in answer["refused"][1]["detail"]
    assert all(taken not in problem["detail"] for problem in answer["refused"])


async def test_importing_five_hundred_needs_no_more_statements_than_importing_two(district: District) -> None:
    seen = []
    for start, size in ((1000, 2), (2000, 500)):
        rows = [row(start + number, prior_hours=12.5) for number in range(size)]
        proposal_id = await district.approved(rows, file_reference=f"{size}.xlsx")
        async with statements_of(district.app.state.database) as statements:
            answer = await district.made(f"/imports/{proposal_id}/batches", {"rows": rows})
        assert answer["imported"] == size
        seen.append(statements)
    for_two, for_five_hundred = seen
    assert 5 < len(for_five_hundred) <= len(for_two), for_five_hundred


async def test_an_imported_account_is_claimed_once(district: District) -> None:
    imported = row(3)
    child = row(4, birth_date="2017-01-01")
    await district.imported(imported, child)
    phone = imported["phone"]

    early = await district.sign_in(phone)
    assert (early.status_code, early.json()["type"]) == (409, "claim-first")
    body = {"name": "张三", "phone": phone, "code": await district.code(phone), "consent": True}
    twice = await district.post("/volunteers", body)
    assert (twice.status_code, twice.json()["type"]) == (409, "phone-on-registry")
    assert "claim" in twice.json()["detail"]

    wrong = await district.post("/volunteers/claims", {"phone": phone, "code": "000000"})
    assert wrong.status_code == 401
    silent = {"phone": phone, "code": await district.code(phone)}
    assert (await district.post("/volunteers/claims", silent)).json()["type"] == "consent-missing"
    claimed = await district.made("/volunteers/claims", {**silent, "consent": True})
    session = claimed["session"]
    assert session["roles"] == ["resident", "volunteer"]
    me = (await district.get("/volunteers/me", session["access_token"])).json()
    assert (me["registry_number"], me["prior_minutes"], me["claimed"]) == (imported["registry_number"], 7290, True)
    assert (await district.sign_in(phone)).status_code == 200

    again = await district.post("/volunteers/claims", {"phone": phone, "code": await district.code(phone)})
    assert (again.status_code, again.json()["type"]) == (409, "already-claimed")
    unknown = district.phone()
    nobody = await district.post("/volunteers/claims", {"phone": unknown, "code": await district.code(unknown)})
    assert (nobody.status_code, nobody.json()["type"]) == (404, "nothing-to-claim")

    claim = {"phone": child["phone"], "code": await district.code(child["phone"]), "consent": True}
    assert (await district.post("/volunteers/claims", claim)).json()["type"] == "consent-missing"
    await district.made("/volunteers/claims", {**claim, "guardian_consent": True})


async def test_no_personal_data_outside_of_the_vault(
    district: District, test_database: TestDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    sites = await district.sites()
    phone = "13955512345"
    secrets = [phone, "诸葛", "kongming", "1987-06-05", "11010519491231002X", "司马懿", "13955567890", "LI-ZHAN"]
    session = (
        await district.register(
            "诸葛孔明",
            phone=phone,
            email="kongming@example.org",
            id_number="11010519491231002X",
            site_id=sites["north"],
        )
    )["session"]
    await district.imported(row(1, name="司马懿", phone="13955567890", birth_date="1987-06-05"))
    claim = {"phone": "13955567890", "code": await district.code("13955567890"), "consent": True}
    await district.made("/volunteers/claims", claim)
    await district.get("/volunteers/me", session["access_token"])
    volunteer = session["volunteer_id"]
    await district.made(f"/volunteers/{volunteer}/unmask", {"purpose": "保险投保核对"})
    body = {"name": "诸葛孔明", "phone": phone, "code": await district.code(phone), "consent": True}
    assert (await district.post("/volunteers", body)).status_code == 409

    dsn = test_database.dsn_for("postgres")
    assert await leaks(dsn, secrets) == []
    output = "".join(capfd.readouterr())
    assert not [secret for secret in secrets if secret in output], "a log line holds personal data"

    # The scan itself is no formality: a name in a text and a phone in the outbox's bytes are found.
    await district.imported(row(9), file_reference="给诸葛孔明的.xlsx")
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("update recruitment.outbox set value = value || $1 where id = 1", phone.encode())
    finally:
        await conn.close()
    assert set(await leaks(dsn, secrets)) >= {"recruitment.import_proposals.file_reference", "recruitment.outbox.value"}


async def leaks(dsn: str, secrets: list[str]) -> list[str]:
    """Columns, of whatever table and service, in which one of the texts can be read."""
    found: list[str] = []
    conn = await asyncpg.connect(dsn)
    try:
        columns = await conn.fetch(
            "select table_schema, table_name, column_name from information_schema.columns "
            "where table_schema in ('recruitment', 'points', 'notify')"
        )
        assert len({column["table_name"] for column in columns}) > 20
        for schema, table, column in columns:
            for each in await conn.fetch(f'select "{column}" as value from "{schema}"."{table}"'):
                value = each["value"]
                text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                if any(secret in text for secret in secrets):
                    found.append(f"{schema}.{table}.{column}")
    finally:
        await conn.close()
    return found


def _opened(row: asyncpg.Record, path: str, key: str, caller: str = "public") -> str:
    """A stored answer, opened as a holder of its key could open it."""
    secret = hashlib.sha256(f"secret\n{caller} POST {ROOT}{path}\n{key}".encode()).digest()
    return AESGCM(secret).decrypt(row["body"][:12], row["body"][12:], None).decode()


async def test_no_stored_answer_holds_a_session(district: District, recruitment_db: Database) -> None:
    phone = district.phone()
    await district.imported(row(1, phone=phone))
    volunteer, resident = district.phone(), district.phone()
    said = {
        "/volunteers": {"name": "张三", "phone": volunteer, "code": await district.code(volunteer), "consent": True},
        "/volunteers/claims": {"phone": phone, "code": await district.code(phone), "consent": True},
        "/residents": {"name": "李四", "phone": resident, "code": await district.code(resident), "consent": True},
    }
    await recruitment_db.pool.execute("delete from idempotency")
    given: dict[str, str] = {}
    for path, body in said.items():
        key = str(new_id())
        answer = await district.post(path, body, key=key)
        assert answer.json()["session"]["access_token"], answer.text
        stored = await recruitment_db.pool.fetchrow("delete from idempotency returning *")
        assert stored is not None
        given[path] = _opened(stored, path, key)
        assert str(answer.json()["session"]["refresh_token"]) not in given[path]
    for plain in given.values():
        assert orjson.loads(plain)["session"] is None
        assert "ey" + "J" not in plain, "a JWT begins so"


async def test_a_public_key_that_can_be_guessed_is_refused_and_the_code_stays_good(district: District) -> None:
    phone = district.phone()
    body = {"name": "张三", "phone": phone, "code": await district.code(phone), "consent": True}
    answer = await district.post("/volunteers", body, key=f"claim-{body['code']}")
    assert (answer.status_code, answer.json()["type"]) == (400, "idempotency-key-guessable")
    assert (await district.post("/volunteers", body)).status_code == 201
