"""The points service's own codecs, written for speed, say what the contracts say."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.badges import events as badge_events
from services.points.ledger import events
from services.points.ledger.buckets import BucketCause, Movement, VolunteerRow
from services.points.ledger.domain import Balances
from services.points.records.decoding import _fast, _slow, _Unusual, content_hash, decode, decode_batch
from services.points.rules.hours.domain import Lifetime
from shared import outbox
from shared.cloudevents import decode as decode_event
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded, BadgeAwarded, BadgeRevoked, PointsPosted
from shared.errors import PermanentError
from shared.ids import derived_id
from shared.kafka.consumer import Message
from tests.support.depth import examples

AT = datetime(2026, 3, 4, 6, tzinfo=UTC)
CAUSE = ("0198c1de-0000-7000-8000-000000000000", "correlation", "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")

maybe_ids = st.none() | st.uuids()
instants = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-3, minutes=-30))]),
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
attendance = st.builds(
    AttendanceRecorded,
    record_id=st.uuids(),
    revision=st.integers(1, 1_000_000),
    volunteer_id=st.uuids(),
    activity_id=maybe_ids,
    shift_id=maybe_ids,
    site_id=maybe_ids,
    team_id=maybe_ids,
    drive_id=maybe_ids,
    theme=texts,
    kind=texts,
    provenance=st.sampled_from(["scanned", "kiosk", "leader", "backfilled", "imported"]),
    closed_by=st.sampled_from([None, "self", "staff", "auto", "correction"]),
    status=st.sampled_from(["provisional", "confirmed", "void"]),
    started_at=instants,
    ended_at=st.none() | instants,
    minutes=st.integers(0, 60_000_000),
    planned_minutes=st.integers(0, 60_000_000),
    recorded_by=maybe_ids,
    recorder_site_id=maybe_ids,
    device_ref=st.none() | texts,
    approval_level=st.sampled_from(["none", "leader", "site", "centre"]),
    distance_m=st.none() | st.integers(0, 2**31 - 1),
)


def message(value: bytes | None, **headers: str | None) -> Message:
    """A message with the usual envelope, with what is said changed."""
    named: dict[str, str | None] = {
        "ce_id": CAUSE[0],
        "ce_type": AttendanceRecorded.type,
        "ce_source": "weiguang/recruitment",
        "ce_subject": "somebody",
        "ce_time": AT.isoformat(),
        "ce_aggregateid": "record",
        "ce_aggregateversion": "1",
        "ce_correlationid": "correlation",
        "traceparent": CAUSE[2],
    }
    named |= headers
    return Message(
        "t", "attendance", 0, 0, b"k", value, [(k, v.encode()) for k, v in named.items() if v is not None], 0
    )


@settings(max_examples=examples(300), deadline=None)
@given(attendance)
def test_the_fast_path_reads_what_the_contract_reads(data: AttendanceRecorded) -> None:
    headers, value = encode(
        outbox.event(data, source="weiguang/recruitment", aggregate_version=data.revision, id=UUID(int=5))
    )
    found = Message("t", "attendance", 0, 0, b"k", value, headers, 0)
    assert _fast(found) == _slow(found)
    assert _fast(found).content_hash == content_hash(value)


GOOD: dict[str, Any] = {
    "record_id": "0198c1de-0000-7000-8000-000000000001",
    "revision": 1,
    "volunteer_id": "0198c1de-0000-7000-8000-000000000002",
    "theme": "t",
    "kind": "k",
    "provenance": "scanned",
    "status": "confirmed",
    "started_at": "2026-03-04T14:00:00+08:00",
    "minutes": 60,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"something_new": {"a": [1]}},
        {"started_at": "2026-03-04T06:00:00Z"},
        {"started_at": "2026-03-04T06:00:00"},
        {"started_at": 1772604000},
        {"started_at": "yesterday"},
        {"revision": 0},
        {"revision": "2"},
        {"revision": 2**70},
        {"revision": True},
        {"minutes": -1},
        {"minutes": 60.0},
        {"minutes": 60.5},
        {"minutes": None},
        {"status": "open"},
        {"status": ["confirmed"]},
        {"provenance": None},
        {"closed_by": "nobody"},
        {"record_id": "{0198c1de-0000-7000-8000-000000000001}"},
        {"record_id": "0198c1de-0000-7000-8000-00000000000x"},
        {"record_id": 7},
        {"site_id": ""},
        {"theme": "x" * 201},
        {"theme": None},
        {"device_ref": 5},
        {"distance_m": -1},
        {"distance_m": 2**40},
        {"approval_level": None},
        {"ended_at": ""},
        {"planned_minutes": None},
    ],
    ids=str,
)
def test_what_is_unusual_is_accepted_or_refused_by_the_contract(changes: dict[str, Any]) -> None:
    found = message(json.dumps(GOOD | changes).encode())
    try:
        expected: object = _slow(found)
    except PermanentError:
        expected = None
    try:
        fast: object = _fast(found)
    except (_Unusual, KeyError, TypeError, ValueError, AttributeError):
        fast = expected
    assert fast == expected


@pytest.mark.parametrize(
    ("found", "reason", "kind"),
    [
        (message(b'{"broken'), "breaks its contract", "permanent"),
        (message(b"\xff\xfe"), "breaks its contract", "permanent"),
        (message(None), "no value", "permanent"),
        (message(b"[1]"), "breaks its contract", "permanent"),
        (message(orjson.dumps(GOOD | {"minutes": -1})), "minutes", "permanent"),
        (message(b"{}", ce_type="volunteering.unheard.of.v1"), "is unknown", "unknown-type"),
        (message(b"{}", ce_type=None), "lacks ce_type", "permanent"),
        (message(orjson.dumps(GOOD), ce_aggregateversion="one"), "envelope", "permanent"),
        (message(orjson.dumps(GOOD), ce_id="seven"), "envelope", "permanent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_with_a_reason(found: Message, reason: str, kind: str) -> None:
    revisions, sources, refused = decode_batch([found, message(orjson.dumps(GOOD))])
    assert len(revisions) == len(sources) == 1
    assert refused[0].kind == kind
    assert reason in refused[0].reason
    with pytest.raises(PermanentError):
        decode(found)


def test_what_the_ledger_tells_is_what_the_contracts_say() -> None:
    volunteer, posting, award = (str(derived_id(name)) for name in ("volunteer", "posting", "award"))
    row = VolunteerRow(
        UUID(volunteer), 7, Balances(35), Lifetime(), None, (), 0, None, generation=1, standing_flags=0, updated_at=AT
    )
    cause = BucketCause(UUID(CAUSE[0]), CAUSE[1], CAUSE[2], UUID(posting), None, None, UUID(award))
    awarded = Movement("award", 15, (), cause, ("day/2026-03-04", 2, 1))
    held = Movement("hold", -15, (), cause)
    values: Any = [
        orjson.loads(events.points_posted(UUID(posting), row, one, AT.isoformat(), AT.isoformat())[4])
        for one in (awarded, held)
    ]
    said = {"posting_id": posting, "volunteer_id": volunteer, "available": 35, "held": 0, "debt": 0}
    said |= {"posted_at": AT.isoformat()}
    assert values[1] == said | {"reason": "hold", "amount": -15}
    assert values[0] == said | {
        "reason": "award",
        "amount": 15,
        "bucket": "day/2026-03-04",
        "rule_version": "1",
        "record_ids": [posting],
        "site_id": None,
        "drive_id": None,
        "activity_id": award,
    }
    badge = {
        "award_id": award,
        "volunteer_id": volunteer,
        "badge": "star-1",
        "name": "一星",
        "criteria_version": "1",
    }
    for published, contract, version in (
        (events.points_posted(UUID(posting), row, awarded, AT.isoformat(), AT.isoformat()), PointsPosted, 7),
        (events.points_posted(UUID(posting), row, held, AT.isoformat(), AT.isoformat()), PointsPosted, 7),
        (badge_events.badge_awarded(badge | {"awarded_at": AT}, AT, CAUSE), BadgeAwarded, 1),
        (badge_events.badge_revoked(badge | {"cause": "records", "revoked_at": AT}, AT, CAUSE), BadgeRevoked, 2),
    ):
        event_id, topic, key, headers, value = published
        told = decode_event([(name, text.encode()) for name, text in orjson.loads(headers).items()], value)
        assert (told.id, topic, key, told.type) == (event_id, contract.topic, volunteer, contract.type)
        assert (told.correlation_id, told.causation_id, told.traceparent) == (CAUSE[1], CAUSE[0], CAUSE[2])
        assert told.aggregate_id == str(getattr(told.data, contract.aggregate))
        assert told.aggregate_version == version
