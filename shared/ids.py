"""Identifiers: UUIDv7 for what begins here, UUIDv5 for what follows from something else."""

import os
import time
from hashlib import sha1
from uuid import UUID

from asyncpg.pgproto import pgproto

__all__ = ["derived_id", "new_id"]

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
    digest = bytearray(sha1(_NAMESPACE + "|".join(map(str, parts)).encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    found: UUID = pgproto.UUID(bytes(digest))
    return found
