"""Packs hold the same events, in the same order, as the rows that they stand for."""

from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shared.outbox.packs import PACKED_BYTES, PACKED_EVENTS, RawEvent, count_events, events_of, pack

EVENTS = st.tuples(
    st.uuids(),
    st.sampled_from(["points", "badges"]),
    st.text(min_size=1, max_size=40),
    st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=20), min_size=1, max_size=4).map(
        lambda headers: orjson.dumps(headers).decode()
    ),
    st.binary(max_size=200),
)


def read(rows: list[RawEvent]) -> list[tuple[str, str, str, bytes]]:
    return [(topic, *event) for _, topic, key, headers, value in rows for event in events_of(key, headers, value)]


def event(number: int, value: bytes = b"{}", topic: str = "points") -> RawEvent:
    return (UUID(int=number), topic, f"k{number}", '{"ce_id":"x"}', value)


@given(st.lists(EVENTS, max_size=8), st.integers(1, 30))
def test_a_pack_reads_as_its_rows(some: list[RawEvent], times: int) -> None:
    rows = some * times
    packed = pack(rows)
    assert read(packed) == [row[1:] for row in rows]
    assert sum(count_events(headers) for _, _, _, headers, _ in packed) == len(rows)


def test_few_events_keep_a_row_each() -> None:
    rows = [event(number) for number in range(PACKED_EVENTS)]
    assert pack(rows) == rows


def test_a_pack_is_of_one_topic_and_no_larger_than_allowed() -> None:
    rows = [event(number, topic="points" if number < 120 else "badges") for number in range(160)]
    packed = pack(rows)
    assert [(row[1], count_events(row[3])) for row in packed] == [
        ("points", 50), ("points", 50), ("points", 20), ("badges", 40)
    ]  # fmt: skip
    assert [row[0] for row in packed] == [UUID(int=number) for number in (0, 50, 100, 120)]


def test_a_large_event_stays_a_row_between_packs() -> None:
    rows = [event(number, b"x" * PACKED_BYTES if number == 30 else b"{}") for number in range(60)]
    packed = pack(rows)
    assert [count_events(row[3]) for row in packed] == [30, 1, 29]
    assert packed[1] == rows[30]


def test_an_event_without_key_is_no_pack() -> None:
    """A dead letter keeps the bytes and headers of its message, which may have no key and may name anything."""
    for headers in ('{"events":"5"}', '{"events":5,"ce_id":"x"}', "{}"):
        assert events_of("", headers, b"abc") == [("", headers, b"abc")]
        assert count_events(headers) == 1
