"""The inbox in English: rendered from what a message was made from, on a real database."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.notify.inbox.stream import InboxStream
from shared.auth.tokens import Role
from shared.cloudevents import encode
from shared.contracts import AssertionNoted, Contract, PointsPosted, RectificationAnswered, SignupPlaced
from shared.contracts.attendance import AssertionAct
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.outbox import event
from shared.postgres import Database

API = "/api/notify/v1"
NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


def record(data: Contract) -> Message:
    headers, value = encode(event(data, source="test", aggregate_version=1))
    return Message(f"volunteering.{data.topic}.v1", data.topic, 0, 0, b"k", value, headers, 0)


async def test_messages_are_read_in_english_and_stay_as_they_were_stored(
    stream: InboxStream, client: httpx.AsyncClient, token: Any, notify_db: Database
) -> None:
    zhang, activity = new_id(), new_id()
    headers = token(Role.VOLUNTEER, zhang)
    placed = SignupPlaced(
        signup_id=new_id(),
        volunteer_id=zhang,
        shift_id=new_id(),
        activity_id=activity,
        activity_title="唱响新时代雷锋之歌",
        site_id=new_id(),
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=2),
        placed_at=NOW,
    )
    awarded = PointsPosted(
        posting_id=new_id(),
        volunteer_id=zhang,
        amount=1,
        available=33,
        held=0,
        debt=0,
        posted_at=NOW,
        reason="award",
        activity_id=activity,
    )
    await stream.handle([record(placed), record(awarded)])
    rows = await notify_db.pool.fetch("select title, body from messages where recipient_id = $1", zhang)
    stored = {(row["title"], row["body"]) for row in rows}
    english = (await client.get(f"{API}/inbox", headers=headers, params={"language": "en"})).json()["items"]
    assert {(one["title"], one["body"]) for one in english} == {
        ("1 point earned", "Thank you! Your service at “唱响新时代雷锋之歌” earned 1 point; 33 available now."),
        (
            "Signed up: 唱响新时代雷锋之歌",
            "You are signed up for “唱响新时代雷锋之歌”, 4 Mar 09:00 to 4 Mar 11:00. Scan the code there to check in;"
            " if you cannot come, cancel early so that another volunteer gets the place.",
        ),
    }
    chinese = (await client.get(f"{API}/inbox", headers=headers)).json()["items"]
    assert {(one["title"], one["body"]) for one in chinese} == stored
    await notify_db.pool.execute("update messages set params = null")
    old = (await client.get(f"{API}/inbox", headers=headers, params={"language": "en"})).json()["items"]
    assert old == chinese, "messages from before have nothing to be translated from"
    assert (await client.get(f"{API}/inbox", headers=headers, params={"language": "fr"})).status_code == 422


@pytest.mark.parametrize(
    ("act", "title"),
    [
        ("recorded", "60 minutes of service recorded for you"),
        ("voided", "Your service record was changed"),
        ("approved", "Your hours: approved"),
        ("lapsed", "Your hours: not decided within 30 days"),
        ("denied", "We received your objection"),
        ("auto-closed", "Please check: no check-out on 4 Mar"),
    ],
)
async def test_hours_are_read_in_english(
    stream: InboxStream, client: httpx.AsyncClient, token: Any, act: AssertionAct, title: str
) -> None:
    zhang = new_id()
    note = AssertionNoted(
        record_id=new_id(),
        revision=1,
        volunteer_id=zhang,
        act=act,
        provenance="backfilled",
        status="provisional",
        minutes=60,
        recorded_by=None,
        started_at=NOW,
        deniable_until=NOW + timedelta(days=14),
    )
    await stream.handle([record(note)])
    found = (await client.get(f"{API}/inbox", headers=token(Role.VOLUNTEER, zhang), params={"language": "en"})).json()
    assert [one["title"] for one in found["items"]] == [title]
    assert not re.search("[\u4e00-\u9fff]", found["items"][0]["body"])


async def test_every_template_has_an_english_one(notify_db: Database) -> None:
    rows = await notify_db.pool.fetch(
        "select template, array_agg(distinct locale) as locales from templates"
        " where template <> 'email_letter' group by template"
    )
    assert {row["template"] for row in rows if set(row["locales"]) != {"zh-CN", "en"}} == set()


@pytest.mark.parametrize(
    ("outcome", "said"), [("kept", ("没有更改", "left it as it is")), ("corrected", ("已经更正", "put it right"))]
)
async def test_an_answer_about_a_record_is_a_message_in_both_languages(
    stream: InboxStream, client: httpx.AsyncClient, token: Any, outcome: Any, said: tuple[str, str]
) -> None:
    zhang, shift = new_id(), new_id()
    answered = RectificationAnswered(
        rectification_id=new_id(),
        volunteer_id=zhang,
        shift_id=shift,
        activity_id=new_id(),
        activity_title="晨光问候",
        site_id=new_id(),
        starts_at=NOW,
        outcome=outcome,
        answered_at=NOW,
    )
    sent = record(answered)
    await stream.handle([sent, sent])
    for language, words in zip(("zh-CN", "en"), said, strict=True):
        found = await client.get(f"{API}/inbox", headers=token(Role.VOLUNTEER, zhang), params={"language": language})
        [message] = found.json()["items"]
        assert "晨光问候" in message["title"]
        assert words in message["body"]
        assert f"/me/shifts/{shift}" in message["body"]
