"""What a topic can hold, drawn: an event with something wrong about it, in batches that may be damaged."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from shared.cloudevents import encode
from shared.contracts import Contract, SignupPlaced
from shared.ids import new_id
from shared.kafka.batches import ConsumedRecord
from shared.kafka.salvage import read_around
from shared.outbox import event
from tests.integration.points.serving import record as attendance
from tests.support.depth import examples
from tests.support.nonsense import BODIES
from tests.support.rawlogs import CODECS, RawHeaders, batch, produce_raw, record

__all__ = ["EXAMPLES", "Log", "Plain", "fuzzing", "log_of", "of_team", "poisoned", "service", "signup"]

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)

EXAMPLES = examples(40, 6)
"""So many logs are drawn by each test."""


def fuzzing(number: int = EXAMPLES) -> settings:
    """The profile of these tests: few examples, no deadline, one consumer for all of them."""
    shared = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    # Smaller logs are not looked for: each try would wait for its time-out.
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(max_examples=number, deadline=None, suppress_health_check=shared, phases=phases)


@dataclass(frozen=True, slots=True)
class Plain:
    """An event as it should be on the wire."""

    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes | None]]


JSON_VALUES = (
    "null", "true", "{}", "[]", '""', '"\\u0000"', '"\\ud800"', '"a\\u0000b"', "-1", "0", "1.5", "1e400", "-1e400",
    "NaN", "Infinity", "2147483648", "9223372036854775808", "-9223372036854775809", "9" * 5000, '"' + "x" * 5000 + '"',
    "[" * 3000 + "]" * 3000, '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00+08:00"', '"9999-12-31T23:59:59Z"',
    '"9999-12-31T23:59:59-12:00"', '"10000-01-01T00:00:00Z"', '"-0001-01-01T00:00:00Z"', '"2026-03-04"',
    '"1900-01-01T00:00:00Z"', "99999999999999", '"00000000-0000-0000-0000-000000000000"', '"微光"', "60000000",
)  # fmt: skip
HEADER_VALUES: tuple[bytes | None, ...] = (
    None, b"", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"9" * 5000, b"-1", b"0", b"1e3", b"9223372036854775808",
    b"x" * 70_000, b"0000-01-01T00:00:00Z", b"9999-12-31T23:59:59+00:00", b"10000-01-01T00:00:00Z", b"{urn:uuid:}",
    b"text/plain", b"00000000-0000-0000-0000-000000000000", b"volunteering.nobody.heard.v9", "微光".encode(),
    b"00-0-0-zz",
)  # fmt: skip
SAME_ID = b"01999999-0000-7000-8000-000000000001"
"""Several events claim to be this one."""


def _spoilt_value(plain: Plain) -> st.SearchStrategy[bytes | None]:
    members = json.loads(plain.value)

    def spoil(name: str, token: str, twice: bool) -> bytes:
        text = json.dumps({**members, name: "\ue000"}, ensure_ascii=False).replace('"\ue000"', token)
        return (text[:-1] + f', "{name}": {token}}}' if twice else text).encode("utf-8", "surrogatepass")

    spoiled = st.builds(spoil, st.sampled_from(sorted(members)), st.sampled_from(JSON_VALUES), st.booleans())
    whole = st.sampled_from([None, b"", plain.value[:-1], plain.value + b"{}", b" " * 900_000, *BODIES.values()])
    return st.one_of(spoiled, spoiled, whole.filter(lambda value: len(value or b"") < 950_000), st.binary(max_size=50))


def _spoilt_headers(plain: Plain) -> st.SearchStrategy[RawHeaders]:
    right = [(name.encode(), value) for name, value in plain.headers]
    places = st.integers(0, len(right) - 1)

    def changed(place: int, value: bytes | None) -> RawHeaders:
        return [*right[:place], (right[place][0], value), *right[place + 1 :]]

    return st.one_of(
        st.builds(changed, places, st.sampled_from(HEADER_VALUES)),
        st.builds(lambda place: [*right[:place], *right[place + 1 :]], places),
        st.just([*right, (b"\xff\xfe", b"x"), (b"", None), (b"a\0b", b"\0")]),
        st.just([*right, *[(b"h", b"\xff")] * 10_000]),
        st.just([*right, *[(b"h%d" % number, None) for number in range(10_000)]]),
        st.just([*right, *right]),
        st.just([(name, SAME_ID if name == b"ce_id" else value) for name, value in right]),
        st.lists(st.tuples(st.binary(max_size=9), st.none() | st.binary(max_size=9)), max_size=5),
    )


@st.composite
def _records(draw: st.DrawFn, make: Callable[[], Plain]) -> tuple[bytes | None, bytes | None, RawHeaders]:
    plain = make()
    key: bytes | None = plain.key
    value: bytes | None = plain.value
    headers: RawHeaders = [(name.encode(), text) for name, text in plain.headers]
    match draw(st.sampled_from(["key", "value", "value", "value", "headers", "headers", "nothing"])):
        case "key":
            key = draw(st.sampled_from([None, b"", b"\0", b"\xff" * 1000, b"k" * 300_000, UUID(int=0).bytes]))
        case "value":
            value = draw(_spoilt_value(plain))
        case "headers":
            headers = draw(_spoilt_headers(plain))
    return key, value, headers


def _batch(codec: int, first_ms: int, damage: str, drawn: list[tuple[bytes | None, bytes | None, RawHeaders]]) -> bytes:
    encoded = [record(number, *fields) for number, fields in enumerate(drawn)]
    some: dict[str, Any] = {"codec": codec, "first_ms": first_ms}
    match damage:
        case "crc":
            return batch(encoded, wrong_crc=True, **some)
        case "body":
            return batch(encoded, body=b"none of it", **some)
        case "count":
            return batch(encoded, count=1, **some)
        case "cut":
            return batch([record(0, None, None, spoilt=b"\0\0"), *encoded[1:]], **some)
        case "codec":
            return batch(encoded, codec=6, first_ms=first_ms)
        case "offsets":
            return batch(encoded, delta=len(encoded) + 7, **some)
    return batch(encoded, **some)


class Batches(list[bytes]):
    """Batches of a log; they are too large to be shown."""

    def __repr__(self) -> str:
        return f"{len(self)} batches of {sum(map(len, self))} bytes"


def poisoned(make: Callable[[], Plain]) -> st.SearchStrategy[Batches]:
    """Draw batches for one partition, as bytes; a broker takes them or not."""
    batches = st.builds(
        _batch,
        st.sampled_from(sorted(CODECS)),
        st.sampled_from([1_772_600_000_000, 0, -1, -(2**63), 2**62, 253_402_300_800_000]),
        st.sampled_from(["none"] * 8 + ["crc", "body", "count", "cut", "codec", "offsets"]),
        st.lists(_records(make), min_size=1, max_size=5),
    )
    return st.lists(batches, min_size=3, max_size=12).map(Batches)


def _plain(data: Contract) -> Plain:
    headers, value = encode(event(data, source="test", aggregate_version=1, time=NOW))
    return Plain(str(getattr(data, data.key)).encode(), value, headers)


def service() -> Plain:
    """An hour of somebody new."""
    return _plain(attendance(new_id()))


def of_team() -> Plain:
    """An hour for a team."""
    return _plain(attendance(new_id(), team_id=UUID(int=7)))


def signup() -> Plain:
    """A place in a shift."""
    return _plain(
        SignupPlaced(
            signup_id=new_id(),
            shift_id=new_id(),
            activity_id=new_id(),
            volunteer_id=new_id(),
            activity_title="晨光问候",
            site_id=new_id(),
            starts_at=NOW,
            ends_at=NOW + timedelta(hours=2),
            placed_at=NOW,
        )
    )


class Log:
    """One partition of a topic that is written by hand."""

    def __init__(self, client: AIOKafkaClient, topic: str) -> None:
        self.client = client
        self.place = TopicPartition(topic, 0)
        self.end = 0

    async def put(self, log: Sequence[bytes], good: Plain) -> list[int]:
        """Append a log, as far as the broker takes it, and a good record; returns the offsets that were added."""
        for one in log:
            await produce_raw(self.client, self.place.topic, self.place.partition, one)
        last = record(0, good.key, good.value, [(name.encode(), value) for name, value in good.headers])
        assert await produce_raw(self.client, self.place.topic, self.place.partition, batch([last])) is None
        offsets: list[int] = []
        while True:
            found, self.end = await read_around(self.client, self.place, self.end, 0)
            if not found:
                return offsets
            offsets += [one.offset if isinstance(one, ConsumedRecord) else one.last for one in found]


@asynccontextmanager
async def log_of(bootstrap: str, topic: str) -> AsyncIterator[Log]:
    """Open a log with a client of its own."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        yield Log(client, topic)
    finally:
        await client.close()
