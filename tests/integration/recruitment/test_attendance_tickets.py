"""Tickets: bought by anybody with the code on the wall, used by one volunteer, on a real database."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.recruitment.attendance import codes, handlers
from shared.clock import real_now
from shared.ids import new_id
from tests.integration.recruitment.work import HOUR, NOW, Volunteer, Work


def slug(answer: Any) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition("/")[2].rpartition(":")[2]


async def buy(work: Work, shift_id: str, code: str | None = None) -> Any:
    """What a browser does in which nobody is logged in: no token, no key."""
    body = {"shift_id": shift_id, "code": code or await work.code(shift_id)}
    return await work.district.http.post("/api/recruitment/v1/attendance/tickets", json=body)


async def ticket_of(work: Work, shift_id: str, code: str | None = None) -> str:
    bought = await buy(work, shift_id, code)
    assert (bought.status_code, bought.json()["expires_in"]) == (201, 900), bought.text
    ticket: str = bought.json()["ticket"]
    return ticket


async def signed_up(work: Work, count: int = 2) -> tuple[str, list[Volunteer]]:
    """A shift that has begun, and people who are expected."""
    shift_id, people = await work.shift(), [await work.volunteer() for _ in range(count)]
    for person in people:
        assert (await work.sign_up(shift_id, person)).status_code == 201
    await work.clock.set(NOW + HOUR)
    return shift_id, people


async def bindings(work: Work) -> int:
    return await work.count("select count(*) from attendance_tickets")


async def test_a_stranger_buys_a_ticket_and_who_uses_it_first_keeps_it(work: Work) -> None:
    shift_id, (somebody, other) = await signed_up(work)
    shown = (await work.get(f"/shifts/{shift_id}/code", work.station)).json()
    assert shown["url"] == f"http://127.0.0.1:8000/s/{shift_id}?c={shown['code']}"
    assert 0 < shown["expires_in"] <= 8
    ticket = await ticket_of(work, shift_id, shown["code"])
    assert await bindings(work) == 0
    assert (await work.check("in", shift_id, somebody, ticket=ticket)).status_code == 201
    refused = await work.check("in", shift_id, other, ticket=ticket)
    assert (refused.status_code, slug(refused)) == (409, "ticket-used-by-another")
    assert "one person" in refused.json()["detail"]
    assert slug(await work.check("out", shift_id, other, ticket=ticket)) == "ticket-used-by-another"
    assert (await work.check("out", shift_id, somebody, ticket=ticket)).status_code == 201
    assert await bindings(work) == 1
    assert await work.count("select count(distinct volunteer_id) from attendance_records") == 1


async def test_one_code_gives_each_browser_a_ticket_of_its_own(work: Work) -> None:
    shift_id, people = await signed_up(work)
    code = await work.code(shift_id)
    tickets = [await ticket_of(work, shift_id, code) for _ in people]
    assert len(set(tickets)) == 2
    for person, ticket in zip(people, tickets, strict=True):
        assert (await work.check("in", shift_id, person, ticket=ticket)).status_code == 201


async def test_a_refused_check_in_leaves_the_ticket_free(work: Work) -> None:
    shift_id, (somebody,) = await signed_up(work, 1)
    passer_by = await work.volunteer()
    ticket = await ticket_of(work, shift_id)
    assert slug(await work.check("in", shift_id, passer_by, ticket=ticket)) == "signup-missing"
    assert await bindings(work) == 0
    assert (await work.check("in", shift_id, somebody, ticket=ticket)).status_code == 201


async def test_of_many_who_use_one_ticket_at_once_one_gets_in(work: Work) -> None:
    shift_id, people = await work.shift(), await work.people(8)
    for person in people:
        await work.sign_up(shift_id, person)
    await work.clock.set(NOW + HOUR)
    ticket = await ticket_of(work, shift_id)
    answers = await asyncio.gather(*(work.check("in", shift_id, person, ticket=ticket) for person in people))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert {slug(answer) for answer in answers if answer.status_code == 409} == {"ticket-used-by-another"}
    assert await work.count("select count(*) from attendance_records") == 1


async def test_a_ticket_is_of_its_shift_and_over_after_fifteen_minutes(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift_id, (somebody,) = await signed_up(work, 1)
    other_shift = await work.shift(HOUR, 2 * HOUR)
    ticket = await ticket_of(work, shift_id)
    assert slug(await work.check("in", other_shift, somebody, ticket=ticket)) == "ticket-invalid"
    bought = real_now()

    def after(span: timedelta) -> None:
        monkeypatch.setattr(handlers, "real_now", lambda: bought + span)

    after(codes.TICKET_LIFE + timedelta(seconds=1))
    expired = await work.check("in", shift_id, somebody, ticket=ticket)
    assert (expired.status_code, slug(expired)) == (403, "ticket-expired")
    after(codes.TICKET_LIFE - timedelta(seconds=5))
    assert (await work.check("in", shift_id, somebody, ticket=ticket)).status_code == 201


async def test_no_ticket_without_the_code_on_the_wall(work: Work) -> None:
    shift_id = await work.shift()
    wrong = await buy(work, shift_id, "AAAAAAAA")
    assert (wrong.status_code, slug(wrong)) == (403, "code-invalid")
    unknown = await buy(work, str(new_id()), "AAAAAAAA")
    assert (unknown.status_code, slug(unknown)) == (404, "shift-unknown")


async def test_a_leaders_code_buys_a_ticket_that_no_leader_of_the_team_can_use(work: Work) -> None:
    shift_id, (somebody,) = await signed_up(work, 1)
    await work.sign_up(shift_id, work.leader)
    ticket = await ticket_of(work, shift_id, await work.code(shift_id, work.leader.token))
    refused = await work.check("in", shift_id, work.leader, ticket=ticket)
    assert (refused.status_code, slug(refused)) == (403, "leaders-own-code")
    assert (await work.check("in", shift_id, somebody, ticket=ticket)).status_code == 201
    by_staff = await ticket_of(work, shift_id)
    assert (await work.check("in", shift_id, work.leader, ticket=by_staff)).status_code == 201


async def test_who_used_a_ticket_is_forgotten_after_a_day(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    shift_id, (somebody,) = await signed_up(work, 1)
    ticket = await ticket_of(work, shift_id)
    assert (await work.check("in", shift_id, somebody, ticket=ticket)).status_code == 201
    bound = real_now()

    async def left_at(now: datetime) -> int:
        monkeypatch.setattr(handlers, "real_now", lambda: now)
        async with work.database.transaction() as tx:
            await handlers.purge(tx)
        return await bindings(work)

    assert await left_at(bound + timedelta(hours=23)) == 1
    assert await left_at(bound + timedelta(hours=25)) == 0
