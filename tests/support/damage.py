"""Damage that a record on the wire can have."""

from tests.support.rawlogs import batch, record

__all__ = ["BAD", "DAMAGE", "GOOD", "R0", "R1"]

GOOD, BAD = b"good", b"bad"

R0, R1 = record(0, b"k", GOOD), record(1, b"k", BAD)

DAMAGE: dict[str, tuple[bytes, int | None, int]] = {
    "a checksum that does not fit": (batch([R0, R1], wrong_crc=True), 0, 1),
    "a codec that does not exist": (batch([R0, R1], codec=7), 0, 1),
    "a format that does not exist": (batch([R0, R1], magic=3), None, 1),
    "an old format's number": (batch([R0, R1], magic=1), 0, 1),
    "zstd that is none": (batch([R0, R1], codec=4, body=b"none"), 0, 1),
    "fewer records than it holds": (batch([R0, R1], count=1), 1, 1),
    "more records than it holds": (batch([R0, R1], count=9), 1, 1),
    "less than no records": (batch([R0, R1], count=-1), 0, 1),
    "a record that is cut": (batch([record(0, b"", b"", spoilt=b"\0\0"), R0]), 0, 2),
    "offsets out of order": (batch([record(7, b"k", BAD), record(3, b"k", BAD)]), 0, 1),
    "more offsets than records": (batch([R0, R1], delta=50), 1, 1),
    "no records": (batch([], delta=1), 0, 0),
    "a control batch": (batch([R0, R1], attributes=0x20), 0, 0),
    "a transaction's batch": (batch([R0, R1], attributes=0x10), 1, 1),
    "undefined attributes": (batch([R0, R1], attributes=0x7FC0), 1, 1),
    "a time before all times": (batch([R0, R1], first_ms=-(2**63)), 1, 1),
    "a time behind all times": (batch([R0, R1], first_ms=2**62), 1, 1),
    "a header name that is not UTF-8": (batch([record(0, b"k", GOOD, [(b"\xff\xfe", b"x")]), R1]), 1, 1),
    "headers without values": (batch([record(0, b"k", GOOD, [(b"ce_id", None)]), R1]), 1, 1),
    "ten thousand headers": (batch([record(0, b"k", GOOD, [(b"h", b"\xff")] * 10_000), R1]), 1, 1),
}

"""What lies on the topic → its bytes, how many good records are read of it (None: the client may read them or not), and
how many letters there are at least, where the broker takes it at all."""
