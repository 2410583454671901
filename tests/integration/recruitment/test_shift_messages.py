"""Messages to the people of a shift through HTTP on a real database."""

import asyncio

from services.recruitment.signups.messages.domain import MOST_A_DAY
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.recruitment.work import DAY, HOUR, NOW, Work

WORDS = "请在东门集合，带上红马甲"


async def test_a_message_reaches_each_person_of_the_shift_once_and_its_words_stay_sealed(
    work: Work, recruitment_db: Database
) -> None:
    first, second, outside = await work.volunteer(), await work.volunteer(), await work.volunteer()
    shift_id = await work.shift(DAY, DAY + HOUR)
    for one in (first, second):
        assert (await work.sign_up(shift_id, one)).status_code == 201
    path, body = f"/shifts/{shift_id}/messages", {"kind": "meeting", "words": f"  {WORDS} "}
    key = str(new_id())
    sent = [await work.post(path, body, work.leader.token, key=key) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 201]
    assert sent[0].json()["recipients"] == 2
    events = [event for event in await work.events("signups") if "extended" in event]
    assert sorted(event["volunteer_id"] for event in events) == sorted((first.volunteer_id, second.volunteer_id))
    assert {(event["subject"], event["extended"]) for event in events} == {("meeting", True)}
    assert WORDS not in str(events)
    async with recruitment_db.transaction() as tx:
        for table in ("shift_messages", "idempotency"):
            assert WORDS not in str(await tx.fetch(f"select * from {table}"))
    for token in (first.token, work.leader.token, work.station):
        (read,) = (await work.get(path, token)).json()["items"]
        assert (read["kind"], read["words"], read["by_staff"]) == ("meeting", WORDS, False)
    assert (await work.get(path, outside.token)).status_code == 404
    assert (await work.post(path, body, first.token)).status_code == 403
    assert (await work.post(path, body, work.other_station)).status_code == 403


async def test_messages_are_bounded_and_need_words_or_a_subject(work: Work) -> None:
    volunteer, shift_id = await work.volunteer(), await work.shift(HOUR, 2 * HOUR)
    path = f"/shifts/{shift_id}/messages"

    async def send(**body: str) -> tuple[int, str]:
        answer = await work.post(path, {"kind": "weather", **body}, work.station)
        return answer.status_code, str(answer.json().get("type", ""))

    assert await send() == (409, "recipients-missing")
    await work.sign_up(shift_id, volunteer)
    assert await send(kind="other", words="   ") == (422, "words-missing")
    assert (await send(words="字" * 201))[0] == 422
    answers = await asyncio.gather(*(send() for _ in range(MOST_A_DAY + 2)))
    assert sorted(answers) == [(201, "")] * MOST_A_DAY + [(429, "messages-too-many")] * 2
    await work.clock.set(NOW + 2 * DAY)
    assert await send(kind="thanks") == (201, "")
    await work.clock.set(NOW + 9 * DAY)
    assert await send(kind="thanks") == (409, "shift-over")
