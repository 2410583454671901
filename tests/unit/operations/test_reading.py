"""Reading of records: whatever the headers hold, they are kept whole as JSON and their texts fill the columns."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from services.operations.events.headers import LAYOUTS, headers_from
from services.operations.events.reading import read
from shared.cloudevents import Headers, encode
from shared.contracts import DriveOpened
from shared.ids import new_id
from shared.kafka.messages import Message
from shared.outbox import event

NAMES = st.sampled_from(["ce_id", "ce_type", "ce_correlationid", "ce_aggregateid"]) | st.text(max_size=8)
TEXTS = st.text(max_size=12).map(str.encode) | st.just("长".encode() * 600)
ODD = st.none() | st.binary(max_size=12) | TEXTS
LAID_OUT = st.sampled_from(LAYOUTS).flatmap(
    lambda names: st.lists(TEXTS, min_size=len(names), max_size=len(names)).map(
        lambda texts: list(zip(names, texts, strict=True))
    )
)
PLAIN = st.tuples(st.sampled_from(["ce_type", "ce_correlationid", "x-plain"]), TEXTS)


def record(headers: Headers) -> Message:
    return Message("volunteering.drives.v1", "drives", 0, 7, b"key", b"{}", headers, 1_770_000_000_000)


def shown(raw: bytes | None) -> str | None:
    """The text of a header as PostgreSQL holds it."""
    return None if raw is None else raw.decode("utf-8", "backslashreplace").replace("\0", "\\0")


@given(st.lists(PLAIN, max_size=6) | st.lists(st.tuples(NAMES, ODD), max_size=6) | LAID_OUT)
@example([(name, b'"\\') for name in LAYOUTS[0]])
@example([(name, b"\0") for name in LAYOUTS[3]])
@example([(name, b'","') for name in LAYOUTS[3]])
@example([(name, b"") for name in LAYOUTS[3]])
def test_headers_are_kept_in_order_and_their_last_texts_fill_the_columns(
    headers: list[tuple[str, bytes | None]],
) -> None:
    event = read(record(headers))
    named = {name: text for name, raw in headers if (text := shown(raw)) is not None}
    kept = headers_from(event.headers)
    assert [text for _, text in kept] == [shown(raw) for _, raw in headers]
    assert [name for name, _ in kept] == [name.replace("\0", "\\0") for name, _ in headers]
    assert event.type == (None if "ce_type" not in named else named["ce_type"][:500])
    expected = named.get("ce_correlationid") or named.get("ce_id")
    assert event.correlation_id == (None if expected is None else expected[:500])
    assert event.size == len(b"key") + len(b"{}") + sum(len(name) + len(raw or b"") for name, raw in headers)


def test_headers_of_our_own_events_are_stored_by_their_layout_without_their_names() -> None:
    at = datetime(2026, 3, 4, tzinfo=UTC)
    opened = DriveOpened(
        drive_id=new_id(), code="c", name="n", place_kind="square", site_id=new_id(), starts_at=at, ends_at=at
    )  # fmt: skip
    cause, parent = {"causation_id": "c"}, {"traceparent": "t"}
    ways: list[dict[str, Any]] = [{"traceparent": None}, cause | {"traceparent": None}, parent, cause | parent]
    for layout, more in enumerate(ways):
        headers, _ = encode(replace(event(opened, source="test", aggregate_version=1), **more))
        stored = json.loads(read(record(headers)).headers)
        assert stored == [layout, *(value.decode() for _, value in headers)], "the layouts are those of the relay"


def test_headers_of_rows_from_before_the_layouts_are_pairs() -> None:
    assert headers_from('[["ce_id", "1"], ["x", null]]') == [("ce_id", "1"), ("x", None)]
    assert headers_from("[]") == []
