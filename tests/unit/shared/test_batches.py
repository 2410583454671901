"""Batches read by hand: what aiokafka reads, read the same; what it refuses, read around; nothing ever raised."""

import struct
from typing import Any

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from shared.kafka.batches import ConsumedRecord, Parsed, Unreadable, parse
from shared.kafka.codecs import BATCH_BYTES, bound_client
from tests.support.rawlogs import CODECS, RawHeaders, batch, record

R0, R1 = record(0, b"k", b"v0"), record(1, b"k", b"v1")
TEXTS = st.lists(st.tuples(st.text(max_size=5).map(str.encode), st.none() | st.binary(max_size=9)), max_size=4)
RECORDS = st.lists(st.tuples(st.none() | st.binary(max_size=9), st.none() | st.binary(max_size=9), TEXTS), min_size=1)


def offsets(parsed: Parsed) -> list[tuple[int, int]]:
    return [
        (one.offset, one.offset) if isinstance(one, ConsumedRecord) else (one.first, one.last) for one in parsed.found
    ]


def reasons(parsed: Parsed) -> list[str]:
    return [one.reason for one in parsed.found if isinstance(one, Unreadable)]


@given(st.lists(RECORDS, min_size=1, max_size=3), st.sampled_from(sorted(CODECS)), st.integers(0, 2**40))
def test_what_aiokafka_reads_is_read_the_same(
    batches: list[list[tuple[bytes | None, bytes | None, RawHeaders]]], codec: int, base: int
) -> None:
    data, end = b"", base
    for one in batches:
        data += batch([record(n, *fields, after=n) for n, fields in enumerate(one)], base=end, codec=codec)
        end += len(one)
    expected, theirs = [], MemoryRecords(data)
    while theirs.has_next():
        found: Any = theirs.next_batch()
        expected += [ConsumedRecord(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in found]
    assert parse(data, base, end) == Parsed(expected, end)  # type: ignore[arg-type]


@given(st.data())
def test_no_damage_raises_and_every_offset_is_read_or_named(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(sorted(CODECS)))
    whole = bytearray(batch([R0, R1], base=5, codec=codec) + batch([R0, R1], base=7) + batch([R0], base=9))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    parsed = parse(bytes(whole[: data.draw(st.integers(0, len(whole)))]), 5, 10)
    place = 5
    for one, (first, last) in zip(parsed.found, offsets(parsed), strict=True):
        assert place <= first <= last < 10 or (isinstance(one, Unreadable) and first == last == place - 1)
        place = last + 1
    assert place <= parsed.next_offset <= 10


@pytest.mark.parametrize(
    ("spoilt", "expected", "reason"),
    [
        (batch([R0, R1], wrong_crc=True), [(0, 1)], "checksum"),
        (batch([R0, R1], codec=7), [(0, 1)], "codec 7"),
        (batch([R0, R1], magic=3), [(0, 1)], "format 3"),
        (batch([R0, R1], codec=4, body=b"xx"), [(0, 1)], "zstd"),
        (batch([R0, R1], count=-1), [(0, 1)], "claims -1"),
        (batch([R0, R1], count=1), [(0, 0), (1, 1)], "behind the 1 records"),
        (batch([R0, R1], count=9), [(0, 0), (1, 1)], None),
        (batch([R0], count=2, delta=1), [(0, 0), (1, 1)], "record 1 of the batch is cut"),
        (batch([record(0, b"", b"", spoilt=b"\0\0"), R1]), [(0, 0), (1, 1)], "record 0 of the batch"),
        (batch([record(7, b"k", b"v"), R1]), [(0, 0), (1, 1)], "out of order"),
        (batch([R0, R1, record(2, b"k", b"v2")], delta=1), [(0, 0), (1, 1), (1, 1)], "behind the 2 records"),
        (batch([R0, R1], delta=1000), [(0, 0), (1, 1)], None),
        (batch([R0, R1], attributes=0x20), [], None),
        (batch([], delta=1), [], None),
        (batch([record(0, b"k", b"v", [(b"\xff", b"x"), (b"a", None)]), R1]), [(0, 0), (1, 1)], None),
        (batch([R0, R1], first_ms=-(2**63)), [(0, 0), (1, 1)], None),
        (batch([R0, R1], magic=1), [(0, 1)], "Can't read"),
    ],
)
def test_reading_goes_on_behind_what_cannot_be_read(
    spoilt: bytes, expected: list[tuple[int, int]], reason: str | None
) -> None:
    parsed = parse(spoilt + batch([R0], base=2), 0, 3)
    assert offsets(parsed) == [*expected, (2, 2)]
    assert (parsed.next_offset, parsed.stuck) == (3, None)
    assert [reason in found for found in reasons(parsed)] == ([] if reason is None else [True])  # type: ignore[operator]


def test_a_header_name_that_is_not_utf8_is_kept_as_escapes_and_a_null_value_as_none() -> None:
    parsed = parse(batch([record(0, b"k", b"v", [(b"\xffa", b"x"), (b"a", None)])]), 0, 1)
    assert parsed.found == [ConsumedRecord(0, 1_700_000_000_000, b"k", b"v", [("\\xffa", b"x"), ("a", None)])]


@pytest.mark.parametrize("spoilt", [batch([R0, R1], base=2, delta=-5), batch([R0, R1], base=2, length=-1)])
def test_a_batch_that_does_not_say_where_it_ends_is_named_and_nothing_is_guessed(spoilt: bytes) -> None:
    parsed = parse(batch([R0, R1]) + spoilt, 0, 10)
    assert (offsets(parsed), parsed.next_offset) == ([(0, 0), (1, 1)], 2)
    assert parsed.stuck is not None


def test_what_lies_before_the_position_is_left_out() -> None:
    parsed = parse(batch([R0, R1, record(2, b"k", b"v2")]), 1, 3)
    assert offsets(parsed) == [(1, 1), (2, 2)]


def test_a_claim_reaches_no_further_than_the_log() -> None:
    assert offsets(parse(batch([R0, R1], wrong_crc=True, delta=2**31 - 1), 0, 2)) == [(0, 1)]


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_a_batch_that_would_fill_the_memory_is_refused_by_us_and_by_the_client(codec: int) -> None:
    bound_client()
    bomb = batch([], count=1, delta=0, codec=codec, body=CODECS[codec](bytes(BATCH_BYTES + 1)))
    assert [reason.partition(":")[0] for reason in reasons(parse(bomb, 0, 1))] != []
    client: Any = MemoryRecords(bomb).next_batch()
    with pytest.raises(Exception, match=r"larger than|DecompressionError"):
        list(client)


def test_a_batch_larger_than_what_was_fetched_is_left_for_later() -> None:
    data = batch([R0])
    assert parse(data + data[:-1], 0, 9) == parse(data, 0, 9)
    assert parse(data[:-1], 0, 9) == Parsed([], 0)
    assert struct.unpack_from(">q", data)[0] == 0
