"""Headers as the index keeps them: those of our own events by the number of their layout and their values. Pure.

The names take more room than the values and are the same for all: as pairs, headers were a third of a row.
"""

from collections.abc import Mapping, Sequence

import orjson

__all__ = ["LAYOUTS", "LAYOUT_NUMBERS", "headers_from"]

_EVERY = (
    "ce_specversion",
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_subject",
    "ce_time",
    "ce_aggregateid",
    "ce_aggregateversion",
    "ce_correlationid",
    "content-type",
)
LAYOUTS: Sequence[tuple[str, ...]] = (
    _EVERY,
    (*_EVERY, "ce_causationid"),
    (*_EVERY, "traceparent"),
    (*_EVERY, "ce_causationid", "traceparent"),
)
"""Names in the order in which relays send them. Rows name a layout by its place: none may change, others may follow."""
LAYOUT_NUMBERS: Mapping[tuple[str, ...], int] = {names: number for number, names in enumerate(LAYOUTS)}


def headers_from(stored: str) -> list[tuple[str, str | None]]:
    """Names and values of stored headers: ``[layout, value, …]``, or a pair for each header of any other record."""
    found = orjson.loads(stored)
    if found and isinstance(found[0], int):
        return list(zip(LAYOUTS[found[0]], found[1:], strict=True))
    return [(name, value) for name, value in found]
