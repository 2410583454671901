"""From events to an inbox, on a real database: once each, in any order, and only for its owner."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.notify.inbox.stream import InboxStream
from shared.auth.tokens import Role
from shared.cloudevents import encode
from shared.contracts import (
    AssertionNoted,
    BadgeAwarded,
    Contract,
    DriveOpened,
    PointsPosted,
    RedemptionHeld,
    RedemptionReminder,
    SignupCancelled,
    SignupPlaced,
)
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.outbox import event
from shared.postgres import Database
from tests.support.statements import statements_of

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


def record(data: Contract, version: int = 1, *, id: UUID | None = None, offset: int = 0) -> Message:
    headers, value = encode(event(data, source="test", aggregate_version=version, id=id))
    return Message(f"volunteering.{data.topic}.v1", data.topic, 0, offset, b"k", value, headers, 0)


def awarded(volunteer: UUID, amount: int = 10, **more: Any) -> PointsPosted:
    values = {"available": amount, "held": 0, "debt": 0, "posted_at": NOW, "reason": "award", **more}
    return PointsPosted(posting_id=new_id(), volunteer_id=volunteer, amount=amount, **values)


def placed(volunteer: UUID, activity: UUID, signup: UUID | None = None) -> SignupPlaced:
    return SignupPlaced(
        signup_id=signup or new_id(),
        volunteer_id=volunteer,
        shift_id=new_id(),
        activity_id=activity,
        activity_title="唱响新时代雷锋之歌",
        site_id=new_id(),
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=2),
        placed_at=NOW,
    )


async def messages(database: Database, volunteer: UUID) -> list[tuple[str, str]]:
    rows = await database.pool.fetch(
        "select title, body from messages where recipient_id = $1 order by created_at, title", volunteer
    )
    return [tuple(row) for row in rows]


async def test_points_name_the_activity_that_the_volunteer_signed_up_for(
    stream: InboxStream, notify_db: Database
) -> None:
    zhang, activity = new_id(), new_id()
    await stream.handle([record(placed(zhang, activity))])
    await stream.handle([record(awarded(zhang, 13, activity_id=activity, available=33))])
    found = dict(await messages(notify_db, zhang))
    assert found["获得 13 分"] == ("感谢您的付出！您在「唱响新时代雷锋之歌」的志愿服务获得 13 分，当前可用 33 分。")
    assert "时间 3月4日 09:00 至 3月4日 11:00" in found["报名成功：唱响新时代雷锋之歌"]


async def test_an_event_that_comes_again_is_one_message_and_one_announcement(
    stream: InboxStream, notify_db: Database
) -> None:
    zhang = new_id()
    same = record(awarded(zhang))
    await stream.handle([same, same])
    await stream.handle([same])
    assert len(await messages(notify_db, zhang)) == 1
    assert await notify_db.pool.fetchval("select count(*) from deliveries") == 1
    rows = await notify_db.pool.fetch("select headers from outbox where topic = 'notifications'")
    assert len(rows) == 1


async def test_batches_of_two_workers_at_once_make_each_message_once(stream: InboxStream, notify_db: Database) -> None:
    people = [new_id() for _ in range(200)]
    batch = [record(awarded(person)) for person in people]
    await asyncio.gather(stream.handle(batch), stream.handle(batch[::-1]), stream.handle(batch[50:]))
    assert await notify_db.pool.fetchval("select count(*) from messages") == 200
    assert await notify_db.pool.fetchval("select count(*) from deliveries") == 200
    assert await notify_db.pool.fetchval("select count(*) from outbox") == 200


async def test_a_cancelled_signup_is_not_confirmed_by_a_late_event(stream: InboxStream, notify_db: Database) -> None:
    zhang, signup = new_id(), new_id()
    sign_up = placed(zhang, new_id(), signup)
    cancelled = SignupCancelled(
        signup_id=signup, volunteer_id=zhang, shift_id=new_id(), activity_id=sign_up.activity_id, cancelled_at=NOW
    )
    await stream.handle([record(cancelled, 2)])
    await stream.handle([record(sign_up, 1)])
    assert [title for title, _ in await messages(notify_db, zhang)] == ["已取消报名"]


async def test_a_reminder_says_until_when(stream: InboxStream, notify_db: Database) -> None:
    zhang = new_id()
    names = {
        "redemption_id": new_id(),
        "reward_id": new_id(),
        "reward_name": "保温杯",
        "site_id": new_id(),
        "points": 40,
    }
    until = NOW + timedelta(days=3)
    await stream.handle([record(RedemptionReminder(volunteer_id=zhang, **names, expires_at=until, reminded_at=NOW), 2)])
    ((title, body),) = await messages(notify_db, zhang)
    assert title == "请领取「保温杯」"
    assert "积分退回" in body


async def test_an_adjustment_is_no_first_service(stream: InboxStream, notify_db: Database) -> None:
    zhang = new_id()
    bucket = f"life/adjustment/{new_id()}"
    up = record(awarded(zhang, 30, bucket=bucket, available=30))
    down = record(awarded(zhang, -10, reason="reversal", bucket=bucket, available=20))
    await stream.handle([up, down])
    assert {title for title, *_ in await messages(notify_db, zhang)} == {"积分调整：增加 30 分", "积分调整：减少 10 分"}


async def test_a_redemption_is_told_once_and_never_with_its_code(stream: InboxStream, notify_db: Database) -> None:
    zhang = new_id()
    held = RedemptionHeld(
        redemption_id=new_id(),
        volunteer_id=zhang,
        reward_id=new_id(),
        reward_name="志愿红马甲",
        site_id=new_id(),
        points=40,
        expires_at=NOW + timedelta(days=7),
    )
    await stream.handle([record(held), record(awarded(zhang, -40, reason="hold", available=0, held=40))])
    assert await messages(notify_db, zhang) == [
        (
            "已为您预留「志愿红马甲」",
            "已预留「志愿红马甲」（40 分），请在 3月11日 09:00 前到站点领取。领取码在“我的兑换”里查看，请勿告诉他人。",
        )
    ]


async def test_an_import_with_three_stars_is_one_message(stream: InboxStream, notify_db: Database) -> None:
    zhang = new_id()
    stars = [
        BadgeAwarded(
            award_id=new_id(),
            volunteer_id=zhang,
            badge=f"star-{n}",
            name=f"{'一二三'[n - 1]}星志愿者",
            criteria_version="1",
            awarded_at=NOW,
        )
        for n in (1, 2, 3)
    ]
    await stream.handle([record(star) for star in stars])
    assert [title for title, _ in await messages(notify_db, zhang)] == ["恭喜成为三星志愿者"]


async def test_poison_is_put_aside_and_the_next_record_applied(stream: InboxStream, notify_db: Database) -> None:
    zhang = new_id()
    good = record(awarded(zhang), offset=3)
    broken = Message(good.topic, "points", 0, 1, b"k", b"{not json", good.headers, 0)
    foreign = record(
        DriveOpened(
            drive_id=new_id(),
            code="x",
            name="x",
            place_kind="square",
            site_id=new_id(),
            starts_at=NOW,
            ends_at=NOW,
        ),
        offset=2,
    )
    await stream.handle([broken, foreign, good])
    assert len(await messages(notify_db, zhang)) == 1
    rows = await notify_db.pool.fetch("select offset_, reason from dead_letters order by offset_")
    assert [row["offset_"] for row in rows] == [1, 2]
    assert "breaks its contract" in rows[0]["reason"]
    assert "not for this consumer" in rows[1]["reason"]


async def test_a_batch_of_thousands_needs_no_more_statements_than_one_of_two(
    stream: InboxStream, notify_db: Database
) -> None:
    seen = []
    for size in (2, 2000):
        batch = [record(awarded(new_id())) for _ in range(size)]
        async with statements_of(notify_db) as statements:
            await stream.handle(batch)
        seen.append(statements)
    for_two, for_thousands = seen
    assert 5 < len(for_thousands) <= len(for_two), for_thousands
    assert await notify_db.pool.fetchval("select count(*) from messages") == 2002


API = "/api/notify/v1"


async def test_one_reads_ones_own_inbox_only(stream: InboxStream, client: httpx.AsyncClient, token: Any) -> None:
    zhang, li = new_id(), new_id()
    await stream.handle([record(awarded(zhang, n, available=n), n) for n in (1, 2, 3)])
    mine = token(volunteer_id=zhang)
    first = (await client.get(f"{API}/inbox?limit=2", headers=mine)).json()
    assert first["unread"] == 3
    assert len(first["items"]) == 2
    rest = (await client.get(f"{API}/inbox", headers=mine, params={"cursor": first["next_cursor"]})).json()
    assert rest["next_cursor"] is None
    titles = {item["title"] for item in first["items"] + rest["items"]}
    assert titles == {"获得 1 分", "获得 2 分", "获得 3 分"}

    theirs = token(volunteer_id=li)
    assert (await client.get(f"{API}/inbox", headers=theirs)).json() == {"items": [], "unread": 0, "next_cursor": None}
    message_id = first["items"][0]["message_id"]
    key = {"Idempotency-Key": "1"}
    refused = await client.post(f"{API}/inbox/{message_id}/read", headers={**theirs, **key})
    assert refused.status_code == 404
    read = await client.post(f"{API}/inbox/{message_id}/read", headers={**mine, **key})
    assert read.status_code == 200
    assert read.json()["read_at"] is not None
    assert (await client.get(f"{API}/inbox", headers=mine)).json()["unread"] == 2
    assert (await client.get(f"{API}/inbox?cursor=rubbish", headers=mine)).status_code == 400
    assert (await client.get(f"{API}/inbox")).status_code == 401
    assert (await client.get(f"{API}/inbox", headers=token(Role.RESIDENT))).status_code == 403


async def test_preferences_are_ones_own_and_change_field_by_field(client: httpx.AsyncClient, token: Any) -> None:
    mine = token(volunteer_id=new_id())
    expected = {"email": False, "quiet_from": "22:00", "quiet_to": "07:00"}
    assert (await client.get(f"{API}/preferences", headers=mine)).json() == expected
    changes: list[dict[str, Any]] = [
        {"email": True},
        {"quiet_from": "21:30"},
        {},
        {"quiet_to": "08:00", "email": False},
        {"quiet_from": None, "quiet_to": None},
        {"email": True},
        {"quiet_from": "12:00", "quiet_to": "13:00"},
    ]
    for change in changes:
        expected |= change
        for _ in range(2):
            answer = await client.patch(f"{API}/preferences", headers=mine, json=change)
            assert (answer.status_code, answer.json()) == (200, expected), change
        assert (await client.get(f"{API}/preferences", headers=mine)).json() == expected
    bad: list[dict[str, Any]] = [
        {"quiet_from": None},
        {"email": True, "phone": "1"},
        {"email": "perhaps"},
        {"email": None},
        {"quiet_from": "21:30+08:00", "quiet_to": "08:00"},
    ]
    for change in bad:
        assert (await client.patch(f"{API}/preferences", headers=mine, json=change)).status_code == 422, change
    assert (await client.get(f"{API}/preferences", headers=mine)).json() == expected
    assert (await client.put(f"{API}/preferences", headers=mine, json=expected)).status_code == 405
    default = (await client.get(f"{API}/preferences", headers=token(volunteer_id=new_id()))).json()
    assert default == {"email": False, "quiet_from": "22:00", "quiet_to": "07:00"}


async def test_changes_of_different_preferences_at_once_all_hold(client: httpx.AsyncClient, token: Any) -> None:
    for _ in range(5):
        mine = token(volunteer_id=new_id())
        changes: list[dict[str, Any]] = [{"email": True}, {"quiet_from": "20:00"}, {"quiet_to": "08:00"}]
        answers = await asyncio.gather(
            *(client.patch(f"{API}/preferences", headers=mine, json=change) for change in changes)
        )
        assert {answer.status_code for answer in answers} == {200}
        found = (await client.get(f"{API}/preferences", headers=mine)).json()
        assert found == {"email": True, "quiet_from": "20:00", "quiet_to": "08:00"}


async def test_the_report_counts_and_is_for_the_centre(
    stream: InboxStream, client: httpx.AsyncClient, token: Any
) -> None:
    await stream.handle([record(awarded(new_id())) for _ in range(3)])
    report = (await client.get(f"{API}/reports/messages", headers=token(Role.OPERATOR))).json()
    assert report == {
        "messages": 3,
        "deliveries": [{"channel": "inbox", "status": "sent", "count": 3}],
        "kinds": [{"kind": "points_awarded", "count": 3, "read": 0}],
    }
    assert (await client.get(f"{API}/reports/messages", headers=token(volunteer_id=new_id()))).status_code == 403


async def test_a_template_that_was_used_cannot_be_rewritten(notify_db: Database) -> None:
    with pytest.raises(Exception, match="is final"):
        await notify_db.pool.execute("update templates set body = 'x'")


async def test_hours_that_others_asserted_are_told_with_the_way_to_deny_them(
    stream: InboxStream, notify_db: Database
) -> None:
    zhang, record_id = new_id(), new_id()
    said: dict[str, Any] = {
        "record_id": record_id,
        "volunteer_id": zhang,
        "provenance": "kiosk",
        "minutes": 120,
        "started_at": NOW,
        "deniable_until": NOW + timedelta(days=14),
    }
    acts: list[tuple[str, str, dict[str, Any]]] = [
        ("recorded", "provisional", {"waits_for": ("device-new",)}),
        ("approved", "confirmed", {"waits_for": ("device-new",)}),
        ("overtime", "confirmed", {"overtime_minutes": 30}),
        ("corrected", "confirmed", {}),
        ("denied", "provisional", {}),
        ("rejected", "void", {"deniable_until": None}),
        ("voided", "void", {"deniable_until": None}),
        ("restored", "provisional", {"waits_for": ("restored",)}),
        ("lapsed", "provisional", {"waits_for": ("restored",)}),
    ]
    for revision, (act, status, more) in enumerate(acts, 1):
        note = AssertionNoted.model_validate({**said, "act": act, "status": status, "revision": revision, **more})
        await stream.handle([record(note, revision)])
    found = await messages(notify_db, zhang)
    assert len(found) == len(acts)
    told = dict(found)
    assert "待其他站点核对后计入" in told["为您记录了服务 120 分钟"]
    assert "3月18日" in told["为您记录了服务 120 分钟"], "until when it can be denied"
    assert "点“不对”" in told["为您记录了服务 120 分钟"]
    assert "加记超时 30 分钟" in told["为您记录了服务 30 分钟"]
    assert {"服务记录核对结果：已通过", "服务记录核对结果：未通过", "服务记录核对结果：30 天内无人核对"} <= set(told)


async def test_the_sites_staff_are_asked_about_records_without_check_out(
    stream: InboxStream, notify_db: Database
) -> None:
    zhang, staff = new_id(), [new_id(), new_id()]
    said = {"record_id": new_id(), "volunteer_id": zhang, "provenance": "scanned", "minutes": 60, "started_at": NOW}
    note = AssertionNoted.model_validate(
        {**said, "act": "auto-closed", "status": "provisional", "revision": 2, "staff_ids": staff}
    )
    sent = record(note, 1)
    for _ in range(2):
        await stream.handle([sent])
    for each in staff:
        ((title, body),) = await messages(notify_db, each)
        assert title.endswith("有人没有签退")
        assert "/staff/records" in body
    assert len(await messages(notify_db, zhang)) == 1
