"""Reading of records: whatever the headers hold, they are kept whole as JSON and their texts fill the columns."""

import json

from hypothesis import given
from hypothesis import strategies as st

from services.operations.events.reading import read
from shared.cloudevents import Headers
from shared.kafka.messages import Message

NAMES = st.sampled_from(["ce_id", "ce_type", "ce_correlationid", "ce_aggregateid"]) | st.text(max_size=8)
TEXTS = st.text(max_size=12).map(str.encode) | st.just("长".encode() * 600)
ODD = st.none() | st.binary(max_size=12) | TEXTS
PLAIN = st.tuples(st.sampled_from(["ce_type", "ce_correlationid", "x-plain"]), TEXTS)


def record(headers: Headers) -> Message:
    return Message("volunteering.drives.v1", "drives", 0, 7, b"key", b"{}", headers, 1_770_000_000_000)


def shown(raw: bytes | None) -> str | None:
    """The text of a header as PostgreSQL holds it."""
    return None if raw is None else raw.decode("utf-8", "backslashreplace").replace("\0", "\\0")


@given(st.lists(PLAIN, max_size=6) | st.lists(st.tuples(NAMES, ODD), max_size=6))
def test_headers_are_kept_in_order_and_their_last_texts_fill_the_columns(
    headers: list[tuple[str, bytes | None]],
) -> None:
    event = read(record(headers))
    named = {name: text for name, raw in headers if (text := shown(raw)) is not None}
    kept = json.loads(event.headers)
    assert [text for _, text in kept] == [shown(raw) for _, raw in headers]
    assert [name for name, _ in kept] == [name.replace("\0", "\\0") for name, _ in headers]
    assert event.type == (None if "ce_type" not in named else named["ce_type"][:500])
    expected = named.get("ce_correlationid") or named.get("ce_id")
    assert event.correlation_id == (None if expected is None else expected[:500])
    assert event.size == len(b"key") + len(b"{}") + sum(len(name) + len(raw or b"") for name, raw in headers)
