"""Signatures of devices: HMAC-SHA-256 over the canonical JSON of a body without its member ``signature``. Pure.

Canonical: members sorted by name, no blanks, UTF-8 without escapes of printable characters. The key is the device's
secret as it was handed out (ASCII); the signature is lower-case hex.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical", "sign", "signature_holds"]


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes that are signed.

    Raises:
        ValueError: the body holds what JSON has no form for (NaN, infinity, lone surrogates).
    """
    unsigned = {name: value for name, value in body.items() if name != "signature"}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sign(secret: str, body: Mapping[str, Any]) -> str:
    """The signature that a device puts under a body."""
    return hmac.digest(secret.encode(), canonical(body), hashlib.sha256).hex()


def signature_holds(secret: str, body: Mapping[str, Any]) -> bool:
    """Whether the holder of the secret signed exactly this body."""
    given = body.get("signature")
    if not isinstance(given, str):
        return False
    try:
        expected = sign(secret, body)
    except ValueError:
        return False
    return hmac.compare_digest(expected.encode(), given.encode(errors="replace"))
