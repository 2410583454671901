"""Opaque keyset cursors: where the last page ended, not how many rows to skip.

A cursor holds only the sort key of a row that the caller has seen. It is not secret and grants nothing:
a caller that forges one asks for a page that they could ask for anyway. A checksum separates damaged from valid ones.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID
from zlib import crc32

import orjson

from shared.errors import Refusal
from shared.http.guard import MAX_INTEGER, MIN_INTEGER
from shared.http.models import EARLIEST, LATEST, Output

__all__ = ["Page", "decode", "encode", "page_of"]

_MAX_LENGTH = 512
Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(Output, Generic[Item]):
    """One page of a listing; ``next_cursor`` is absent on the last one."""

    items: list[Item]
    next_cursor: str | None = None


def encode(*parts: UUID | datetime | int | str) -> str:
    """A cursor that stands for a sort key."""
    body = orjson.dumps([part.isoformat() if isinstance(part, datetime) else part for part in parts], default=str)
    return base64.urlsafe_b64encode(crc32(body).to_bytes(4, "big") + body).rstrip(b"=").decode()


def decode(cursor: str, types: Sequence[type]) -> tuple[Any, ...]:
    """The sort key that the cursor stands for, of exactly these types (UUID, datetime, int or str).

    Raises:
        Refusal: 400, it is not a cursor of this listing.
    """
    try:
        if len(cursor) > _MAX_LENGTH:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if crc32(raw[4:]) != int.from_bytes(raw[:4], "big"):
            raise ValueError("damaged")
        values = orjson.loads(raw[4:])
        if not isinstance(values, list):
            raise ValueError("not a list")
        return tuple(_as(kind, value) for kind, value in zip(types, values, strict=True))
    except (ValueError, TypeError, binascii.Error, OverflowError):
        detail = "The cursor is not one that this listing gave out. Start again without it."
        raise Refusal("cursor-invalid", detail, status=400) from None


def page_of(
    rows: Sequence[Row], limit: int, item: Callable[[Row], Item], key: Callable[[Row], tuple[Any, ...]]
) -> Page[Item]:
    """The page from ``limit + 1`` fetched rows: the one too many says that there is a next page."""
    shown = rows[:limit]
    following = encode(*key(shown[-1])) if len(rows) > limit and shown else None
    return Page(items=[item(row) for row in shown], next_cursor=following)


def _as(kind: type, value: Any) -> Any:
    if kind is int:
        if type(value) is int and MIN_INTEGER <= value <= MAX_INTEGER:
            return value
    elif isinstance(value, str):
        if kind is str and "\x00" not in value:
            return value
        if kind is UUID:
            return UUID(value)
        if kind is datetime:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None and EARLIEST <= moment < LATEST:
                return moment
    raise ValueError("of another type")
