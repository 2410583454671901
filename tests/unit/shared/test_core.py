"""Ids, envelopes, queries, the watchdog and halving: what needs no server."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared import cloudevents, outbox
from shared.clock import DISTRICT_ZONE, district_day
from shared.contracts import BadgeAwarded, DriveOpened, SignupCancelled, SignupPlaced, VolunteerRegistered
from shared.errors import PermanentError, TransientError
from shared.ids import derived_id, new_id
from shared.kafka.consumer import Message, apply_halving
from shared.kafka.watchdog import Watchdog, WatchdogExpired
from shared.postgres.queries import parse_queries


def sample() -> BadgeAwarded:
    return BadgeAwarded(
        award_id=new_id(),
        volunteer_id=new_id(),
        badge="first-service",
        name="初次服务",
        criteria_version="1",
        awarded_at=datetime(2026, 3, 4, 8, tzinfo=UTC),
    )


def test_new_ids_are_version_7_unique_and_ordered() -> None:
    ids = [new_id() for _ in range(2000)]
    assert {i.version for i in ids} == {7}
    assert len(set(ids)) == len(ids)
    coarse = [i.int >> 64 for i in ids]
    assert coarse == sorted(coarse)


def test_derived_ids_repeat_and_do_not_collide_on_order() -> None:
    assert derived_id("a", 1) == derived_id("a", "1")
    assert derived_id("a", "b") != derived_id("b", "a")
    assert derived_id("a").version == 5


@given(st.lists(st.one_of(st.text(), st.integers()), min_size=1, max_size=3))
def test_derived_ids_are_version_5_of_their_namespace(parts: list[str | int]) -> None:
    namespace = UUID("6f9619ff-8b86-5d01-b42d-00cf4fc964ff")
    assert derived_id(*parts) == uuid5(namespace, "|".join(map(str, parts)))


def test_the_district_day_is_that_of_shanghai() -> None:
    assert str(district_day(datetime(2026, 3, 3, 16, 0, tzinfo=UTC))) == "2026-03-04"
    assert str(district_day(datetime(2026, 3, 3, 15, 59, tzinfo=UTC))) == "2026-03-03"


@given(st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31, 15, 59), timezones=st.just(UTC)))
@example(datetime(1988, 7, 1, 15, 30, tzinfo=UTC))
@example(datetime(1991, 12, 31, 16, tzinfo=UTC))
@example(datetime(1992, 1, 1, 15, 59, 59, tzinfo=UTC))
def test_the_district_day_is_what_the_zone_says(at: datetime) -> None:
    assert district_day(at) == at.astimezone(DISTRICT_ZONE).date()


def test_an_event_survives_the_wire() -> None:
    sent = outbox.event(sample(), source="weiguang/points", aggregate_version=3, causation_id="c")
    headers, value = cloudevents.encode(sent)
    assert cloudevents.decode(headers, value) == sent
    assert dict(headers)["content-type"] == b"application/json"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ce_id": None}, "lacks ce_id"),
        ({"ce_type": b"volunteering.unheard.of.v1"}, "unknown"),
        ({"ce_time": b"yesterday"}, "envelope cannot be read"),
        ({"ce_aggregateversion": b"many"}, "envelope cannot be read"),
        ({"ce_source": b"\xff\xfe"}, "not UTF-8"),
    ],
)
def test_a_bad_envelope_says_why(change: dict[str, bytes | None], words: str) -> None:
    headers, value = cloudevents.encode(outbox.event(sample(), source="s", aggregate_version=1))
    broken = {**dict(headers), **change}
    with pytest.raises(PermanentError, match=words):
        cloudevents.decode([(k, v) for k, v in broken.items() if v is not None], value)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_permanent_error(value: bytes) -> None:
    headers, _ = cloudevents.encode(outbox.event(sample(), source="s", aggregate_version=1))
    with pytest.raises(PermanentError):
        cloudevents.decode(headers, value)


def test_deeply_nested_json_is_a_permanent_error() -> None:
    headers, _ = cloudevents.encode(outbox.event(sample(), source="s", aggregate_version=1))
    with pytest.raises(PermanentError):
        cloudevents.decode(headers, b"[" * 10_000 + b"]" * 10_000)


def test_queries_need_names_and_reasons() -> None:
    assert parse_queries("-- name: one\n-- Why.\nselect 1;\n-- name: two\n-- Why.\nselect 2;") == {
        "one": "select 1",
        "two": "select 2",
    }
    for bad in ("-- name: one\nselect 1;", "-- name: a\n-- w\nselect 1;\n-- name: a\n-- w\nselect 1;"):
        with pytest.raises(ValueError, match="query"):
            parse_queries(bad)


def test_the_watchdog_expires_only_when_work_waits() -> None:
    now = 0.0
    dog = Watchdog(30, lambda: now)
    now = 1000.0
    dog.check(0)
    now = 1029.0
    dog.check(5)
    now = 1031.0
    with pytest.raises(WatchdogExpired, match="5 records wait"):
        dog.check(5)
    dog.progress()
    dog.check(5)


def message(value: bytes) -> Message:
    return Message("t", "t", 0, 0, b"k", value, [], 0)


@given(st.lists(st.booleans(), max_size=64))
def test_halving_puts_aside_the_poison_only_and_keeps_the_order(poisoned: list[bool]) -> None:
    batch = [message(b"%d %d" % (bad, n)) for n, bad in enumerate(poisoned)]
    applied: list[Message] = []
    aside: list[Message] = []

    async def handle(part: object) -> None:
        assert isinstance(part, list)
        if any(m.value.startswith(b"1") for m in part):
            raise ValueError(uuid4())
        applied.extend(part)

    async def dead_letter(one: Message, _: Exception) -> None:
        aside.append(one)

    asyncio.run(apply_halving(batch, handle, dead_letter))
    assert applied == [m for m, bad in zip(batch, poisoned, strict=True) if not bad]
    assert aside == [m for m, bad in zip(batch, poisoned, strict=True) if bad]


def test_halving_leaves_transient_errors_alone() -> None:
    async def handle(_: object) -> None:
        raise TransientError("the database is away")

    async def dead_letter(*_: object) -> None:
        raise AssertionError("nothing was wrong with the record")

    with pytest.raises(TransientError):
        asyncio.run(apply_halving([message(b"a"), message(b"b")], handle, dead_letter))


def test_types_that_a_consumer_does_not_want_are_those_of_its_topics_alone() -> None:
    found = cloudevents.other_types(("signups", "drives"), (SignupPlaced, DriveOpened))
    assert SignupCancelled.type.encode() in found
    assert not found & {SignupPlaced.type.encode(), DriveOpened.type.encode(), VolunteerRegistered.type.encode()}
    named = [("ce_type", b"first"), ("ce_id", None), ("ce_type", b"last")]
    assert (cloudevents.type_of(named), cloudevents.type_of([])) == (b"last", None), "as `header_map` reads them"
