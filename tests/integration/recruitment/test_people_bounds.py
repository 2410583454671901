"""Who may see and do what: roles, bounds, masks, and two volunteers against each other, over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from shared.auth.tokens import Role
from shared.http.app import walk_routes
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, ROOT, Answer, District, district_of, service_token
from tests.support import pdf
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        yield district


async def test_staff_see_their_subtree_and_no_further(district: District) -> None:
    sites = await district.sites()
    tokens = {
        name: await district.staff(f"staff-{number}", "station", sites[name])
        for number, name in enumerate(("north", "惠民社区", "东湖社区"))
    }
    people = {
        name: (await district.register(site_id=sites.get(name)))["volunteer_id"]
        for name in ("惠民社区", "东湖社区", "窗口", "nowhere")
    }
    drives = {name: await district.drive(sites[name]) for name in ("惠民社区", "东湖社区")}
    seen = {
        "north": {"惠民社区", "窗口"},
        "惠民社区": {"惠民社区", "窗口"},
        "东湖社区": {"东湖社区"},
        "centre": set(people),
    }
    for name, token in {**tokens, "centre": district.operator}.items():
        listed = (await district.get("/volunteers", token)).json()["items"]
        assert {item["volunteer_id"] for item in listed} == {people[place] for place in seen[name]}, name
        for place, volunteer_id in people.items():
            answer = await district.get(f"/volunteers/{volunteer_id}", token)
            assert answer.status_code == (200 if place in seen[name] else 404), (name, place)
            if answer.status_code == 404:
                unknown = (await district.get(f"/volunteers/{new_id()}", token)).json()
                assert answer.json()["detail"] == unknown["detail"], "staff cannot probe who is registered"
            unmasked = await district.post(f"/volunteers/{volunteer_id}/unmask", {"purpose": "核对保险"}, token)
            assert unmasked.status_code == answer.status_code
        listed = (await district.get("/drives", token)).json()["items"]
        assert {item["drive_id"] for item in listed} == {d["drive_id"] for p, d in drives.items() if p in seen[name]}
        for place, drive in drives.items():
            answer = await district.get(f"/drives/{drive['drive_id']}", token)
            assert answer.status_code == (200 if place in seen[name] else 403), (name, place)

    body = {"name": "进小区", "place_kind": "compound", "place": "x", "starts_at": NOW.isoformat()}
    body["ends_at"] = (NOW + timedelta(hours=1)).isoformat()
    outside = await district.post("/drives", {**body, "site_id": sites["东湖社区"]}, tokens["north"])
    assert (outside.status_code, outside.json()["type"]) == (403, "site-out-of-bounds")
    assert (await district.post("/drives", {**body, "site_id": sites["窗口"]}, tokens["north"])).status_code == 201


async def test_masked_for_staff_and_every_look_behind_the_mask_recorded(
    district: District, recruitment_db: Database
) -> None:
    registered = await district.register("欧阳修", phone="13912345678", email="ou@example.org")
    volunteer_id = registered["volunteer_id"]
    answer = (await district.get(f"/volunteers/{volunteer_id}", district.operator)).json()
    assert (answer["name"], answer["phone"], answer["email"]) == ("欧**", "139****5678", "o***@example.org")
    found = (
        await district.get("/volunteers", district.operator, volunteer_number=registered["volunteer_number"])
    ).json()
    assert [item["volunteer_id"] for item in found["items"]] == [volunteer_id]
    mistyped = await district.get("/volunteers", district.operator, volunteer_number="LD-2026-000001")
    assert mistyped.status_code == 422

    nameless = await district.post(f"/volunteers/{volunteer_id}/unmask", {"purpose": " "}, district.operator)
    assert (nameless.status_code, nameless.json()["type"]) == (422, "purpose-required")
    person = await district.made(f"/volunteers/{volunteer_id}/unmask", {"purpose": "保险投保"})
    assert person == {"name": "欧阳修", "phone": "13912345678", "email": "ou@example.org", "birth_date": None}
    address = (await district.get(f"/internal/volunteers/{volunteer_id}/address", service_token())).json()
    assert address == {"email": "ou@example.org", "name": "欧阳修"}
    unknown = await district.get(f"/internal/volunteers/{new_id()}/address", service_token())
    assert unknown.status_code == 404

    async with recruitment_db.transaction() as tx:
        reads = await tx.fetch("select reader_role, purpose, fields from vault_reads order by read_at")
    assert [(read["reader_role"], read["purpose"]) for read in reads] == [
        ("operator", "保险投保"),
        ("service", "address of a message"),
    ]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with recruitment_db.transaction() as tx:
            await tx.execute("delete from vault_reads")


async def test_volunteers_are_listed_page_by_page(district: District) -> None:
    made = [(await district.register())["volunteer_id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {} if cursor is None else {"cursor": cursor}
        page = (await district.get("/volunteers", district.operator, limit=2, **params)).json()
        seen += [item["volunteer_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made
    assert cursor is None


async def test_the_organisation_is_founded_in_order(district: District) -> None:
    sites = await district.sites()
    assert [site["name"] for site in (await district.get("/sites")).json()["items"]] == list(sites)

    async def refused(path: str, body: Answer) -> tuple[int, str]:
        answer = await district.post(path, body, district.operator)
        return answer.status_code, answer.json()["type"]

    station = {"kind": "station", "name": "通达社区", "parent_id": sites["north"], "level": "community"}
    assert await refused("/sites", {**station, "parent_id": None}) == (422, "site-invalid")
    assert await refused("/sites", {**station, "parent_id": str(new_id())}) == (404, "site-unknown")
    assert await refused("/sites", {**station, "name": "惠民社区"}) == (409, "site-exists")
    assert await refused("/sites", {**station, "kind": "centre", "level": "district", "parent_id": None}) == (
        409,
        "site-exists",
    )
    assert await refused("/sites", {**station, "kind": "castle"}) == (422, "invalid-input")

    corps = {"kind": "corps", "name": "志愿服务总队", "site_id": sites["centre"], "docked": True}
    assert await refused("/teams", {**corps, "site_id": sites["north"]}) == (422, "team-invalid")
    team = await district.made("/teams", corps)
    assert await refused("/teams", {**corps, "name": "第二总队"}) == (409, "team-exists")
    assert await refused(f"/teams/{team['team_id']}/leader", {"volunteer_id": str(new_id())}) == (
        404,
        "volunteer-unknown",
    )
    assert await refused(f"/teams/{new_id()}/leader", {"volunteer_id": str(new_id())}) == (404, "team-unknown")

    await district.made("/themes", {"name": "夕阳别样红", "pillar": "precise"})
    assert await refused("/themes", {"name": " 夕阳别样红", "pillar": "shared"}) == (409, "theme-exists")
    honour = {"title": "创意奖", "awarded_by": "首届省志愿服务项目大赛", "year": 2023}
    project = {"name": "晨光问候", "site_id": sites["东湖社区"], "pillar": "showcase", "honours": [honour]}
    await district.made("/projects", project)
    assert await refused("/projects", project) == (409, "project-exists")
    assert await refused("/projects", {**project, "honours": [{**honour, "year": 2027}]}) == (422, "project-invalid")
    listed = (await district.get("/projects")).json()["items"]
    assert [{name: one[name] for name in honour} for one in listed[0]["honours"]] == [honour]


async def test_every_route_lets_in_its_roles_and_nobody_else(district: District) -> None:
    sites = await district.sites()
    leader = await district.register()
    team = await district.made("/teams", {"kind": "team", "name": "晨光队", "site_id": sites["惠民社区"]})
    await district.made(f"/teams/{team['team_id']}/leader", {"volunteer_id": leader["volunteer_id"]})
    phone = district.phone()
    body = {"name": "孙奶奶", "phone": phone, "code": await district.code(phone), "consent": True}
    callers: dict[frozenset[Role], str | None] = {
        frozenset(): None,
        frozenset({Role.VOLUNTEER, Role.RESIDENT}): (await district.register())["session"]["access_token"],
        frozenset({Role.RESIDENT}): (await district.made("/residents", body))["session"]["access_token"],
        frozenset({Role.VOLUNTEER, Role.RESIDENT, Role.LEADER}): await district.renewed(leader["session"]),
        frozenset({Role.STATION}): await district.staff("station-1", "station", sites["惠民社区"]),
        frozenset({Role.OPERATOR}): district.operator,
        frozenset({Role.ENGINEER}): await district.staff("engineer-1", "engineer", None),
        frozenset({Role.AUDITOR}): await district.staff("auditor-1", "auditor", None),
        frozenset({Role.SERVICE}): service_token(),
    }
    routes = [route for route in walk_routes(district.app) if route.path.startswith("/api/")]
    assert len(routes) > 30
    public = {route.path.removeprefix(ROOT) for route in routes if route.public}
    assert {path for path in public if not path.startswith(("/activities", "/shifts", "/reports"))} == PUBLIC
    for route in routes:
        path = route.path
        while "{" in path:
            path = path[: path.index("{")] + str(new_id()) + path[path.index("}") + 1 :]
        for roles, token in callers.items():
            if route.path.startswith(f"{ROOT}/auth/"):
                continue  # they open and end sessions: tested above
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            answer = await district.http.request(route.method, path, headers=headers)
            allowed = route.public or bool(roles & (route.roles or frozenset()))
            said = (route.method, route.path, sorted(roles), answer.status_code, answer.text)
            assert answer.status_code < 500, said
            if allowed:
                assert answer.json().get("type") not in ("token-missing", "role-not-allowed"), said
            else:
                expected = (401, "token-missing") if token is None else (403, "role-not-allowed")
                assert (answer.status_code, answer.json()["type"]) == expected, said


PUBLIC = {
    "/dockings/figure",
    "/menu",  # of what residents can order
    "/projects/{project_id}",
    "/sites/{site_id}/openings",
    "/sites/{site_id}/position",
    "/tags",
    "/teams/directory",
    "/teams/{team_id}",
    "/teams/{team_id}/dockings",
    "/auth/codes",
    "/auth/tokens",
    "/auth/sessions",
    "/auth/refresh",
    "/auth/logout",
    "/auth/sessions/second-step",
    "/auth/password-resets",
    "/auth/password-resets/completion",
    "/staff/invitations/by-token/{token}",
    "/staff/invitations/by-token/{token}/codes",
    "/staff/invitations/by-token/{token}/acceptance",
    "/sites",
    "/themes",
    "/projects",
    "/drives",
    "/drives/by-code/{code}",
    "/drives/{drive_id}/poster.svg",
    "/drives/{drive_id}/poster.pdf",
    "/appeals/by-code/{code}",
    "/volunteers",
    "/volunteers/claims",
    "/residents",
    "/teams/names",  # without who leads them: the standings are public
    "/attendance/tickets",  # a ticket of the code on the wall, before login
}


async def test_two_volunteers_cannot_see_each_other(district: District) -> None:
    one, two = await district.register("甲甲"), await district.register("乙乙")
    for own, other in ((one, two), (two, one)):
        token, stranger = own["session"]["access_token"], other["volunteer_id"]
        for method, path in (
            ("GET", f"/volunteers/{stranger}"),
            ("GET", "/volunteers"),
            ("POST", f"/volunteers/{stranger}/unmask"),
            ("GET", f"/internal/volunteers/{stranger}/address"),
        ):
            answer = await district.http.request(
                method, ROOT + path, json={"purpose": "我想看看"}, headers={"authorization": f"Bearer {token}"}
            )
            assert (answer.status_code, answer.json()["type"]) == (403, "role-not-allowed")
        me = (await district.get("/volunteers/me", token)).json()
        assert me["volunteer_id"] == own["volunteer_id"]


async def test_a_poster_is_served(district: District) -> None:
    sites = await district.sites()
    drive = await district.drive(sites["centre"], name='<script>alert("x")</script>')
    assert drive["url"] == f"http://127.0.0.1:8000/d/{drive['code']}"
    assert drive["open"]
    poster = await district.get(f"/drives/{drive['drive_id']}/poster.svg")
    assert poster.status_code == 200
    assert poster.headers["content-type"] == "image/svg+xml"
    assert "<script" not in poster.text
    assert "雷锋来过咱岭东，志愿服务在心中" in poster.text
    file = await district.get(f"/drives/{drive['drive_id']}/poster.pdf")
    assert (file.status_code, file.headers["content-type"]) == (200, "application/pdf")
    assert file.headers["content-disposition"] == f'attachment; filename="poster-{drive["code"]}.pdf"'
    assert pdf.codes(file.content)
    for form in ("svg", "pdf"):
        assert (await district.get(f"/drives/{new_id()}/poster.{form}")).status_code == 404
    page = (await district.get(f"/drives/by-code/{drive['code'].lower()}")).json()
    assert page["drive_id"] == drive["drive_id"]


async def test_numbers_of_volunteers_are_read_by_id_and_nothing_else(district: District) -> None:
    sites = await district.sites()
    station = await district.staff("numbers", "station", sites["东湖社区"])
    people = [await district.register(site_id=sites[name]) for name in ("惠民社区", "东湖社区")]
    ids = [str(person["volunteer_id"]) for person in people]
    answer = await district.post("/volunteers/numbers", {"volunteer_ids": [*ids, ids[0], str(new_id())]}, station)
    assert answer.status_code == 200
    found = {one["volunteer_id"]: one["volunteer_number"] for one in answer.json()["items"]}
    assert found == {person["volunteer_id"]: person["volunteer_number"] for person in people}
    assert all(set(one) == {"volunteer_id", "volunteer_number"} for one in answer.json()["items"])
    assert (await district.post("/volunteers/numbers", {"volunteer_ids": []}, station)).status_code == 422
    many = [str(new_id()) for _ in range(501)]
    assert (await district.post("/volunteers/numbers", {"volunteer_ids": many}, station)).status_code == 422
    token = people[0]["session"]["access_token"]
    assert (await district.post("/volunteers/numbers", {"volunteer_ids": ids}, token)).status_code == 403
