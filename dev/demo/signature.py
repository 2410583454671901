"""A device's signature, made as a device would make it: from the documented form, with the standard library alone."""

import hashlib
import hmac
import json
from typing import Any

__all__ = ["sign"]


def sign(secret: str, body: dict[str, Any]) -> str:
    """HMAC-SHA256, hex, over the canonical JSON (sorted keys, no blanks, UTF-8) of the body without its signature."""
    unsigned = {name: value for name, value in body.items() if name != "signature"}
    text = json.dumps(unsigned, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
