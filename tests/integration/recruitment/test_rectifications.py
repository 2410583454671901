"""Volunteers point out errors of their records, and sites answer, through HTTP on a real database."""

import json
from typing import Any

import httpx

from services.recruitment.keys.store import tables
from services.recruitment.vault.cipher import Cipher
from shared.rewrapping import rewrap
from tests.integration.recruitment.work import DAY, HOUR, NOW, Volunteer, Work
from tests.support.hour_doors import slug
from tests.support.vault_rings import NEXT_VAULT


async def ask(work: Work, shift_id: str, person: Volunteer, words: str = "我去了，没有记录") -> httpx.Response:
    answer: httpx.Response = await work.post(f"/shifts/{shift_id}/rectifications", {"words": words}, person.token)
    return answer


async def listed(work: Work, token: str, **query: Any) -> list[Any]:
    answer = await work.get("/rectifications", token, **query)
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


async def move_to_next_key(work: Work) -> None:
    """Wrap the one request and its answer anew, and forget the key of before."""
    vault, lookup = (
        key.get_secret_value() for key in (work.district.settings.vault_key, work.district.settings.lookup_key)
    )
    moved = await rewrap(work.database, tables(Cipher(f"2:{NEXT_VAULT},1:{vault}", lookup)))
    assert (moved["rectifications"].rewrapped, moved["rectification_answers"].rewrapped) == (1, 1)
    work.district.app.state.cipher = Cipher(f"2:{NEXT_VAULT}", lookup)


async def test_what_a_volunteer_points_out_is_answered_by_the_site_once(work: Work) -> None:
    shift_id, person = await work.shift(), await work.volunteer()
    assert (await work.sign_up(shift_id, person)).status_code == 201
    assert slug(await ask(work, shift_id, person)) == "shift-not-begun"
    await work.clock.set(NOW + DAY)
    assert (await ask(work, shift_id, person)).status_code == 201
    assert slug(await ask(work, shift_id, person)) == "rectification-open"
    [waiting] = await listed(work, work.station, view="open")
    assert (waiting["volunteer_number"], waiting["words"]) == (person.number, "我去了，没有记录")
    assert await listed(work, work.other_station, view="open") == []
    path = f"/rectifications/{waiting['rectification_id']}/answer"
    said = {"outcome": "corrected", "words": "签到表上有您，已补录"}
    assert slug(await work.post(path, said, work.other_station)) == "rectification-unknown"
    assert (await work.post(path, said, work.station)).status_code == 200
    assert slug(await work.post(path, said, work.station)) == "rectification-answered"
    [own] = await listed(work, person.token, shift_id=shift_id)
    assert (own["outcome"], own["answer"]) == ("corrected", "签到表上有您，已补录")
    [said] = [event for event in await work.events("signups") if "rectification_id" in event]
    assert (said["volunteer_id"], said["shift_id"], said["outcome"]) == (person.volunteer_id, shift_id, "corrected")
    assert "签到表" not in json.dumps(said, ensure_ascii=False), "both texts stay sealed"
    assert await listed(work, work.station, view="open") == []
    assert len(await listed(work, work.station, view="answered")) == 1
    await move_to_next_key(work)
    [own] = await listed(work, person.token, shift_id=shift_id)
    assert (own["words"], own["answer"]) == ("我去了，没有记录", "签到表上有您，已补录")
    assert (await ask(work, shift_id, person, "还差半小时")).status_code == 201, "an answered request is no end"


async def test_only_those_of_the_shift_ask_and_for_ninety_days(work: Work) -> None:
    shift_id, stranger, late = await work.shift(), await work.volunteer(), await work.volunteer()
    assert (await work.sign_up(shift_id, late)).status_code == 201
    await work.clock.set(NOW + 2 * HOUR)
    assert slug(await ask(work, shift_id, stranger)) == "shift-unknown"
    assert (await work.get("/rectifications", stranger.token, view="open")).status_code == 403
    await work.clock.set(NOW + 3 * HOUR + 90 * DAY)
    assert slug(await ask(work, shift_id, late)) == "rectification-too-late"


async def test_words_lie_sealed(work: Work) -> None:
    shift_id, person, _ = await work.serving()
    assert (await ask(work, shift_id, person, "早到了一刻钟")).status_code == 201
    open_words = "select count(*) from rectifications where position(convert_to('一刻钟', 'UTF8') in sealed) > 0"
    assert await work.count(open_words) == 0
    assert [each["words"] for each in await listed(work, person.token)] == ["早到了一刻钟"]
