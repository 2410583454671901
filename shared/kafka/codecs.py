"""Decompression with an upper bound, for the client library and for batches that are read by hand.

Sources: Kafka's codec ids (KIP-110); xerial's snappy framing. aiokafka decompresses without a bound, so that a record
batch of one megabyte could claim gigabytes of memory and end the process that reads it, again after each start.
"""

import zlib
from collections.abc import Callable
from typing import Final

import cramjam
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record import default_records, legacy_records

__all__ = ["BATCH_BYTES", "CODECS", "bound_client", "decompress"]

BATCH_BYTES: Final = 16_777_216
"""A batch is no larger once decompressed: 16 times what Apache Kafka takes as one batch by default."""
_FIRST_BYTES: Final = 1_048_576
_GZIP_MEMBERS: Final = 64
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16
CODECS: Final = {0: "none", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}

Decode = Callable[[bytes], bytes]
Into = Callable[[bytes, bytearray], int]


def decompress(codec: int, data: bytes) -> bytes:
    """Decompress the records of a batch.

    Raises:
        UnsupportedCodecError: Kafka knows no such codec.
        CorruptRecordException: the data is not of this codec, or larger than `BATCH_BYTES` once decompressed.
    """
    if codec == 0:
        return data
    decode = _DECODERS.get(codec)
    if decode is None:
        raise UnsupportedCodecError(f"unknown compression codec {codec}")
    return decode(data)


def _checked(name: str, decode: Decode) -> Decode:
    def decode_or_refuse(data: bytes) -> bytes:
        try:
            return decode(bytes(data))
        except CorruptRecordException:
            raise
        except Exception as error:
            raise CorruptRecordException(f"{name}: {type(error).__name__}") from error

    return decode_or_refuse


def _too_large() -> CorruptRecordException:
    return CorruptRecordException(f"the batch is larger than {BATCH_BYTES} bytes once decompressed")


def _gzip(data: bytes) -> bytes:
    found = b""
    for _ in range(_GZIP_MEMBERS):
        if not data:
            return found
        member = zlib.decompressobj(wbits=31)
        found += member.decompress(data, BATCH_BYTES + 1 - len(found))
        if len(found) > BATCH_BYTES:
            raise _too_large()
        if not member.eof:
            raise CorruptRecordException("gzip: the data is cut")
        data = member.unused_data
    raise CorruptRecordException(f"gzip: more than {_GZIP_MEMBERS} members")


def _snappy(data: bytes) -> bytes:
    if not data.startswith(_XERIAL):
        return _snappy_block(data, BATCH_BYTES)
    found, place = bytearray(), _XERIAL_HEADER_BYTES
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big", signed=True)
        place += 4
        if size < 0 or place + size > len(data):
            raise CorruptRecordException("snappy: a block is cut")
        found += _snappy_block(data[place : place + size], BATCH_BYTES - len(found))
        place += size
    return bytes(found)


def _snappy_block(data: bytes, most: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(data) > most:
        raise _too_large()
    return bytes(cramjam.snappy.decompress_raw(data))


def _growing(into: Into) -> Decode:
    """Decompress into a buffer that grows up to the bound; the library says only that a buffer was too small."""

    def decode(data: bytes) -> bytes:
        size = min(BATCH_BYTES, max(_FIRST_BYTES, 8 * len(data)))
        while True:
            buffer = bytearray(size)
            try:
                return bytes(memoryview(buffer)[: into(data, buffer)])
            except cramjam.DecompressionError:
                if size >= BATCH_BYTES:
                    raise
                size = min(BATCH_BYTES, size * 4)

    return decode


_DECODERS: Final[dict[int, Decode]] = {
    1: _checked("gzip", _gzip),
    2: _checked("snappy", _snappy),
    3: _checked("lz4", _growing(cramjam.lz4.decompress_into)),
    4: _checked("zstd", _growing(cramjam.zstd.decompress_into)),
}


def bound_client() -> None:
    """Let aiokafka 0.14 decompress with the bound; its names are private, and a test says if they go."""
    from aiokafka.record import _crecords

    for module in (default_records, legacy_records, _crecords.default_records, _crecords.legacy_records):
        for codec, name in CODECS.items():
            if hasattr(module, f"{name}_decode"):
                setattr(module, f"{name}_decode", _DECODERS[codec])
