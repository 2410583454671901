"""Cases across streams: approvals, sign-ups, pickups and drives beside the records, in whichever order they come."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.points.integrity import handlers
from services.points.integrity.domain import CaseStatus
from services.points.integrity.patterns.reviewing import review_patterns
from services.points.integrity.patterns.stream import ContextStream
from services.points.integrity.stream import DenialStream
from services.points.policy import stored_policy
from shared import outbox
from shared.auth.tokens import Caller, Role
from shared.cloudevents import encode
from shared.contracts import AssertionNoted, DriveOpened, SignupCancelled, SignupPlaced, VolunteerRegistered
from shared.errors import Forbidden
from shared.ids import new_id
from shared.kafka.consumer import Message
from tests.integration.integrity.running import MORNING, NOW, OPERATOR, Integrity, integrity
from tests.integration.points.serving import SITE, record
from tests.support.databases import Clock

__all__ = ["integrity"]


def sent(data: Any, at: datetime = NOW) -> Message:
    headers, value = encode(outbox.event(data, source="weiguang/recruitment", aggregate_version=1, time=at))
    return Message(f"volunteering.{data.topic}.v1", data.topic, 0, 0, b"k", value, headers, 0)


async def reviewed(integrity: Integrity, *, caught_up: bool = True) -> None:
    await review_patterns(
        integrity.database, integrity.follower.thresholds, integrity.follower.policy, lambda: caught_up
    )


def signup(person: UUID, shift_id: UUID, placed_at: datetime, opened_at: datetime, places: int) -> SignupPlaced:
    return SignupPlaced(
        signup_id=new_id(),
        volunteer_id=person,
        shift_id=shift_id,
        activity_id=new_id(),
        activity_title="文明劝导",
        site_id=SITE,
        starts_at=MORNING,
        ends_at=MORNING + timedelta(hours=2),
        placed_at=placed_at,
        source="self",
        opened_at=opened_at,
        places=places,
    )


def approval(recorder: UUID, decider: UUID, record_id: UUID | None = None) -> Message:
    data = AssertionNoted(
        record_id=record_id or new_id(),
        revision=2,
        volunteer_id=new_id(),
        act="approved",
        site_id=SITE,
        provenance="backfilled",
        status="confirmed",
        minutes=60,
        recorded_by=recorder,
        started_at=MORNING,
        decided_by=decider,
    )
    return sent(data)


async def test_two_accounts_that_approve_each_other_are_a_case(integrity: Integrity) -> None:
    stream = DenialStream(integrity.database, integrity.follower.thresholds, integrity.follower.policy)
    one, other = new_id(), new_id()
    there = [approval(one, other) for _ in range(12)]
    back = [approval(other, one) for _ in range(10)]
    await stream.handle([*there, *back[:9]])
    assert await integrity.cases() == {}
    await stream.handle([back[9], *there])
    await integrity.found(22, mutual_approvals=1)
    await stream.handle([*back, *there])
    await integrity.found(22, mutual_approvals=1)
    either = Caller(subject=other, roles=frozenset({Role.OPERATOR}), site_ids=None)
    (case_id,) = await integrity.cases()
    with pytest.raises(Forbidden, match="about themselves"):
        async with integrity.database.transaction() as tx:
            await handlers.settle(tx, either, UUID(case_id), CaseStatus.CLEARED, "fine", stored_policy())


@pytest.mark.parametrize("records_first", [False, True])
async def test_a_shift_that_was_full_at_once_is_a_case_about_those_who_served(
    integrity: Integrity, records_first: bool
) -> None:
    shift_id, opened = new_id(), MORNING - timedelta(days=3)
    people = [new_id() for _ in range(12)]
    places = [sent(signup(one, shift_id, opened + timedelta(seconds=n), opened, 13)) for n, one in enumerate(people)]
    calm = [sent(signup(one, new_id(), opened + timedelta(hours=n), opened, 13)) for n, one in enumerate(people)]
    records = [record(one, 120, started_at=MORNING, shift_id=shift_id, device_ref=None) for one in people[:11]]
    context = ContextStream(integrity.database)
    if records_first:
        await integrity.send(*records)
        await reviewed(integrity)
        assert await integrity.cases() == {}
    await context.handle([*reversed(places), *calm, *places])
    if not records_first:
        await reviewed(integrity)
        assert await integrity.cases() == {}
        await integrity.send(*records)
    await reviewed(integrity)
    await reviewed(integrity)
    await integrity.found(11, filled_at_once=1)


async def test_records_of_people_who_had_not_signed_up_are_a_case_once_the_month_is_over(
    integrity: Integrity, clock: Clock
) -> None:
    recorder, shift_id = new_id(), new_id()
    begin = datetime.fromisoformat("2026-02-10T09:00+08:00")
    records = [
        record(new_id(), 60, started_at=begin, provenance="backfilled", recorded_by=recorder, shift_id=shift_id,
               device_ref=None)
        for _ in range(22)
    ]  # fmt: skip
    await integrity.send(*records[:11], emitted_at=begin + timedelta(hours=3))
    await integrity.send(*records[11:], emitted_at=begin + timedelta(days=3))
    early, late = ({"placed_at": begin + timedelta(hours=hours), "opened_at": begin} for hours in (-5, 5))
    context = ContextStream(integrity.database)
    await context.handle([sent(signup(records[0].volunteer_id, shift_id, places=40, **late))])
    await clock.set(datetime.fromisoformat("2026-03-02T09:00+08:00"))
    await reviewed(integrity)
    assert await integrity.cases() == {}, "the month is not judged yet"
    await clock.set(NOW)
    await reviewed(integrity, caught_up=False)
    assert await integrity.cases() == {}, "sign-ups are still to come"
    await context.handle([sent(signup(one.volunteer_id, shift_id, places=40, **early)) for one in records[1:3]])
    await reviewed(integrity)
    await integrity.found(20, never_signed_up=1)


async def test_rewards_of_many_people_redeemed_on_one_phone_are_a_case_about_them(integrity: Integrity) -> None:
    people, phone = [new_id() for _ in range(5)], f"phone:{new_id().hex}"
    pool, reward_id = integrity.database.pool, new_id()
    await pool.execute(
        "insert into reward (reward_id, name, price, created_at, created_by) values ($1, '雨伞', 5, $2, $1)",
        reward_id,
        NOW,
    )
    await pool.execute(
        "insert into reward_stock (reward_id, site_id, received, handed_over) values ($1, $2, 5, 5)", reward_id, SITE
    )

    async def hand_over(person: UUID, status: str = "captured") -> None:
        await pool.execute(
            "insert into redemption (redemption_id, reward_id, reward_name, volunteer_id, site_id, points, status,"
            " quarter, held_at, expires_at, settled_at, device_ref)"
            " values ($1, $2, '雨伞', $3, $4, 5, $5, '2026-01-01', $6, $6, $6, $7)",
            new_id(), reward_id, person, SITE, status, NOW - timedelta(days=1), phone,
        )  # fmt: skip

    for person in people[:3]:
        await hand_over(person)
    await hand_over(people[4], "released")
    await reviewed(integrity)
    assert await pool.fetchval("select count(*) from cases") == 0
    await hand_over(people[3])
    await reviewed(integrity)
    (case,) = await pool.fetch("select case_id, kind, subject, site_ids, evidence from cases")
    assert (case["kind"], case["subject"], case["site_ids"]) == ("shared-pickups", phone, [SITE])
    assert orjson.loads(case["evidence"])["measured"] == 4
    await hand_over(people[4])
    await reviewed(integrity)
    async with integrity.database.transaction() as tx:
        found = await handlers.look(tx, OPERATOR, case["case_id"])
    assert (found.measured, found.still_so, {row["volunteer_id"] for row in found.people}) == (5, True, set(people))
    own = Caller(subject=new_id(), roles=frozenset({Role.OPERATOR}), site_ids=None, volunteer_id=people[0])
    with pytest.raises(Forbidden, match="about themselves"):
        async with integrity.database.transaction() as tx:
            await handlers.settle(tx, own, case["case_id"], CaseStatus.CLEARED, "fine", stored_policy())
    async with integrity.database.transaction() as tx:
        await handlers.settle(tx, OPERATOR, case["case_id"], CaseStatus.CLEARED, "a family", stored_policy())
    await reviewed(integrity)
    assert await pool.fetchval("select count(*) from cases") == 1


async def test_a_drive_whose_people_never_served_is_a_case_a_month_later(integrity: Integrity, clock: Clock) -> None:
    drive_id, people = new_id(), [new_id() for _ in range(30)]
    ended = NOW - timedelta(days=20)
    opened = DriveOpened(
        drive_id=drive_id, code="dq", name="东区广场", place_kind="square", site_id=SITE,
        starts_at=ended - timedelta(hours=8), ends_at=ended,
    )  # fmt: skip
    registered = [
        VolunteerRegistered(volunteer_id=one, source="drive", drive_id=drive_id, registered_at=ended) for one in people
    ]
    await ContextStream(integrity.database).handle([*map(sent, registered), sent(opened), *map(sent, registered)])
    await integrity.send(*(record(one, 60, started_at=ended, device_ref=None) for one in people[:3]))
    await reviewed(integrity)
    assert await integrity.database.pool.fetchval("select count(*) from cases") == 0, "a month is not over"
    await clock.set(ended + timedelta(days=31))
    await reviewed(integrity)
    await reviewed(integrity)
    (case,) = await integrity.database.pool.fetch("select case_id, kind, subject_kind, subject from cases")
    assert tuple(case)[1:] == ("idle-drives", "drive", str(drive_id))
    async with integrity.database.transaction() as tx:
        found = await handlers.look(tx, OPERATOR, case["case_id"])
    assert (found.measured, found.still_so, len(found.people)) == (27, True, 27)
    await integrity.send(record(people[9], 60, started_at=NOW, device_ref=None))
    async with integrity.database.transaction() as tx:
        found = await handlers.look(tx, OPERATOR, case["case_id"])
    assert (found.measured, found.still_so) == (26, False)


async def test_what_cannot_be_read_is_a_dead_letter_and_the_rest_is_kept(integrity: Integrity) -> None:
    fine = signup(new_id(), new_id(), MORNING, MORNING, 5)
    wrong = approval(new_id(), new_id())._replace(topic="volunteering.signups.v1", entity="signups")
    await ContextStream(integrity.database).handle([sent(fine)._replace(value=b"{"), wrong, sent(fine)])
    pool = integrity.database.pool
    assert await pool.fetchval("select count(*) from dead_letters where consumer_group = 'points-context'") == 2
    assert await pool.fetchval("select count(*) from integrity_signups") == 1


async def test_events_that_are_not_wanted_are_skipped_by_their_type_before_they_are_decoded(
    integrity: Integrity,
) -> None:
    fine = signup(new_id(), new_id(), MORNING, MORNING, 5)
    unread = sent(fine)._replace(
        value=b"{", headers=[(n, SignupCancelled.type.encode() if n == "ce_type" else v) for n, v in sent(fine).headers]
    )
    await ContextStream(integrity.database).handle([unread, sent(fine), unread])
    pool = integrity.database.pool
    assert await pool.fetchval("select count(*) from dead_letters where consumer_group = 'points-context'") == 0
    assert await pool.fetchval("select count(*) from integrity_signups") == 1
