"""Cards of volunteers and their scan by those who run a shift, through HTTP on a real database."""

from typing import Any

from tests.integration.recruitment.work import HOUR, NOW, Volunteer, Work
from tests.support import pdf


async def card_of(work: Work, volunteer: Volunteer, *, replace: bool = False) -> str:
    made = await work.post("/volunteers/me/card", {"replace": replace}, volunteer.token)
    assert made.status_code == 201, made.text
    assert "code" not in made.json(), "stored answers hold no code"
    code: str = (await work.get("/volunteers/me/card", volunteer.token)).json()["code"]
    return code


async def scan(work: Work, shift_id: str, scanned: str, tick: str = "in", token: str | None = None) -> Any:
    return await work.post(f"/shifts/{shift_id}/scans", {"tick": tick, "scanned": scanned}, token or work.station)


async def test_a_scanned_card_checks_its_holder_in_and_out_on_the_scanners_word(work: Work) -> None:
    shift_id, volunteer = await work.shift(), await work.volunteer()
    assert (await work.sign_up(shift_id, volunteer)).status_code == 201
    assert (await work.get("/volunteers/me/card", volunteer.token)).json()["type"] == "card-missing"
    code = await card_of(work, volunteer)
    assert volunteer.number not in code
    assert await card_of(work, volunteer) == code, "a card in force stays"
    await work.clock.set(NOW + HOUR)
    came = (await scan(work, shift_id, code)).json()
    assert (came["volunteer_number"], came["refused"]) == (volunteer.number, None)
    assert "*" in came["name"] or "＊" in came["name"], "the name is masked"
    assert (came["record"]["provenance"], came["record"]["ended_at"]) == ("leader", None)
    again = (await scan(work, shift_id, code.lower())).json()
    assert again["record"]["record_id"] == came["record"]["record_id"], "a repeated scan changes nothing"
    await work.clock.set(NOW + 2 * HOUR)
    left = (await scan(work, shift_id, volunteer.number, "out", work.leader.token)).json()
    assert (left["record"]["minutes"], left["record"]["closed_by"]) == (60, "staff"), "a number by hand does as well"
    assert (await scan(work, shift_id, code, "out")).json()["refused"] == "not-checked-in"
    notes = await work.events("assertions")
    assert [(event["act"], event["minutes"]) for event in notes] == [("recorded", 60)], "the volunteer is notified"


async def test_a_replaced_card_and_a_stranger_scan_nothing(work: Work) -> None:
    shift_id, volunteer = await work.shift(), await work.volunteer()
    assert (await work.sign_up(shift_id, volunteer)).status_code == 201
    old = await card_of(work, volunteer)
    new = await card_of(work, volunteer, replace=True)
    assert new != old
    await work.clock.set(NOW + HOUR)
    lost = await scan(work, shift_id, old)
    assert (lost.status_code, lost.json()["type"]) == (404, "card-unknown")
    for token in (volunteer.token, work.other_station):
        assert (await scan(work, shift_id, new, token=token)).status_code == 403
    own = await card_of(work, work.leader)
    assert (await scan(work, shift_id, own, token=work.leader.token)).json()["refused"] == "own-record"
    assert await work.count("select count(*) from attendance_records") == 0
    assert (await scan(work, shift_id, new)).json()["record"] is not None


async def test_staff_print_cards_of_their_own_volunteers_only(work: Work) -> None:
    shift_id, volunteer, elsewhere = await work.shift(), await work.volunteer(), await work.volunteer()
    assert (await work.sign_up(shift_id, volunteer)).status_code == 201
    numbers = [volunteer.number, elsewhere.number]
    made = await work.post("/cards", {"volunteer_numbers": numbers}, work.station)
    assert made.status_code == 201, made.text
    assert [one["volunteer_number"] for one in made.json()["items"]] == [volunteer.number]
    assert made.json()["unknown"] == [elsewhere.number]
    shown = await work.get("/cards", work.station, volunteer_numbers=",".join(numbers))
    assert [one["code"] for one in shown.json()["items"]] == [await card_of(work, volunteer)]
    hidden = await work.get("/cards", work.other_station, volunteer_numbers=volunteer.number)
    assert hidden.json()["items"] == []
    sheet = await work.get("/cards/sheet.pdf", work.station, volunteer_numbers=",".join(numbers))
    assert (sheet.status_code, sheet.headers["content-type"]) == (200, "application/pdf")
    assert (len(pdf.codes(sheet.content)), sheet.headers["cache-control"]) == (1, "no-store")
    refused = await work.get("/cards/sheet.pdf", work.other_station, volunteer_numbers=volunteer.number)
    assert (refused.status_code, refused.json()["type"]) == (404, "volunteer-unknown")
    assert (await work.get("/cards/sheet.pdf", volunteer.token, volunteer_numbers=volunteer.number)).status_code == 403
