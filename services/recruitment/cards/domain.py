"""Codes of cards. Pure."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

__all__ = ["CODE_BYTES", "Card", "code_of", "read_code"]

CODE_BYTES = 15
"""Random bytes of a code, 24 characters of base32."""
_CODE = re.compile("WGC[A-Z2-7]{24}")


@dataclass(frozen=True, slots=True)
class Card:
    """A card that is in force; ``code`` is what its QR code holds."""

    card_id: UUID
    volunteer_id: UUID
    volunteer_number: str
    code: str
    issued_at: datetime


def code_of(random: bytes) -> str:
    """The text of a card's QR code: letters and digits that mean nothing, in the alphabet that QR codes hold best."""
    return "WGC" + base64.b32encode(random[:CODE_BYTES]).decode()


def read_code(scanned: str) -> str | None:
    """The code in what a scanner read or a person typed; None where it is no card's, such as a volunteer number."""
    text = "".join(scanned.split()).upper()
    return text if _CODE.fullmatch(text) else None
