"""Identifiers: UUIDv7 for what begins here, UUIDv5 for what follows from something else."""

import os
import time
from hashlib import sha1
from uuid import UUID

from asyncpg.pgproto import pgproto

__all__ = ["derived_id", "derived_id_of", "new_id"]

_VERSION_5 = [bytes([byte & 0x0F | 0x50]) for byte in range(256)]
_VARIANT = [bytes([byte & 0x3F | 0x80]) for byte in range(256)]
_NAMESPACE = UUID("6f9619ff-8b86-5d01-b42d-00cf4fc964ff").bytes


def new_id() -> UUID:
    """A UUIDv7: unique, and ordered by creation so that indexes grow at one end.

    RFC 9562 §5.7 with method 3 of §6.2: the 12 bits after the milliseconds are the fraction of the millisecond.
    """
    millis, nanos = divmod(time.time_ns(), 1_000_000)
    fraction = nanos * 4096 // 1_000_000
    tail = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(millis & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | tail)


def derived_id(*parts: object) -> UUID:
    """The UUIDv5 of the parts: doing a thing again gives the same id, so that repeating it is recognised.

    RFC 9562 §5.5, as ``uuid.uuid5`` makes it in five times the time: each bucket that changes derives an id, and
    asyncpg's UUID is the one that is quickly made, hashed and written to the database.
    """
    return derived_id_of("|".join(map(str, parts)))


def derived_id_of(text: str) -> UUID:
    """The UUIDv5 of parts that are joined already, as `derived_id` joins them."""
    digest = sha1(_NAMESPACE + text.encode(), usedforsecurity=False).digest()
    found: UUID = pgproto.UUID(digest[:6] + _VERSION_5[digest[6]] + digest[7:8] + _VARIANT[digest[8]] + digest[9:16])
    return found
