"""Record batches as bytes, right or wrong in one place, and a raw Produce request for them."""

import struct
from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c

from tests.support.waiting import eventually

__all__ = ["CODECS", "RawHeaders", "batch", "produce_raw", "record", "varint"]

CODECS = {0: bytes, 1: gzip_encode, 2: snappy_encode, 3: lz4_encode, 4: zstd_encode}
_NOT_YET = (3, 5, 6)
"""A topic that is not known everywhere yet, or a partition that has no leader."""
_SHIFT = 1000
RawHeaders = Sequence[tuple[bytes, bytes | None]]


def varint(number: int) -> bytes:
    """Encode a number as zigzag varint."""
    number = (number << 1) ^ (number >> 63)
    found = bytearray()
    while number & ~0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _sized(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


def record(
    delta: int,
    key: bytes | None,
    value: bytes | None,
    headers: RawHeaders = (),
    *,
    after: int = 0,
    spoilt: bytes | None = None,
) -> bytes:
    """Encode one record, ``after`` ms behind the batch's first; ``spoilt`` replaces its body."""
    body = b"\0" + varint(after) + varint(delta) + _sized(key) + _sized(value) + varint(len(headers))
    body += b"".join(_sized(name) + _sized(text) for name, text in headers)
    return _sized(body if spoilt is None else spoilt)


def batch(
    records: Sequence[bytes],
    *,
    base: int = 0,
    codec: int = 0,
    magic: int = 2,
    attributes: int = 0,
    delta: int | None = None,
    count: int | None = None,
    first_ms: int = 1_700_000_000_000,
    body: bytes | None = None,
    wrong_crc: bool = False,
    length: int | None = None,
) -> bytes:
    """Encode a batch; what is not given is what it should be."""
    packed = CODECS.get(codec, bytes)(b"".join(records)) if body is None else body
    checked = struct.pack(
        ">hiqqqhii",
        attributes | codec,
        len(records) - 1 if delta is None else delta,
        first_ms,
        first_ms,
        -1,
        -1,
        -1,
        len(records) if count is None else count,
    )
    checked += packed
    crc = calc_crc32c(checked) ^ wrong_crc
    after_length = struct.pack(">ibI", -1, magic, crc) + checked
    return struct.pack(">qi", base, len(after_length) if length is None else length) + after_length


async def produce_raw(client: AIOKafkaClient, topic: str, partition: int, data: bytes) -> Exception | None:
    """Append bytes to a partition as they are; returns the broker's refusal, if there is one."""
    request: Any = ProduceRequest(None, -1, 10_000, [(topic, [(partition, data)])])

    async def answer() -> int | None:
        await client.set_topics([topic])
        node: Any = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        if node in (None, -1):
            await client.force_metadata_update()
            return None
        response: Any = await client.send(node, request)
        code: int = response.topics[0][1][0][1]
        return None if code in _NOT_YET else code + _SHIFT

    code = await eventually(answer) - _SHIFT
    return None if code == 0 else for_code(code)()
