"""Rules of second factors: RFC 6238 with SHA-1, six digits and steps of thirty seconds, and one-time recovery codes."""

import hashlib
import hmac
import re
import struct

__all__ = ["ATTEMPTS_PER_STEP", "RECOVERY_CODES", "STEP_SECONDS", "matching_step", "normalise_recovery", "totp"]

STEP_SECONDS = 30
ATTEMPTS_PER_STEP = 5
RECOVERY_CODES = 10
_DRIFT = 1
"""Steps before and after the present one whose codes are taken: clocks differ."""
_RECOVERY = re.compile(r"[a-z2-7]{16}")


def totp(secret: bytes, step: int) -> str:
    """The code of a step (RFC 4226 section 5.3)."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number: int = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def matching_step(secret: bytes, code: str, now: float, last_step: int) -> int | None:
    """The step whose code this is, if it is near enough to now and later than the last one used."""
    present = int(now // STEP_SECONDS)
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        if step > last_step and hmac.compare_digest(totp(secret, step).encode(), code.encode()):
            return step
    return None


def normalise_recovery(text: str) -> str | None:
    """A recovery code as stored, however it was typed; None if it is none."""
    plain = "".join(char for char in text.lower() if char.isalnum())
    return plain if _RECOVERY.fullmatch(plain) else None
