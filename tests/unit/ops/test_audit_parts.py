"""The audit's parts: every volunteer is in one range, and the parts of a check add up."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ops.audit import sql
from ops.audit.model import OFFENDERS_KEPT, Check, merged
from ops.audit.sql import VolunteerRange, by_volunteer
from shared.postgres import Tx


@given(st.lists(st.uuids(), unique=True), st.lists(st.uuids()))
def test_every_id_is_in_one_range(firsts: list[UUID], ids: list[UUID]) -> None:
    found = VolunteerRange.between(sorted(firsts))
    for one in [*firsts, *ids, UUID(int=0), UUID(int=2**128 - 1)]:
        assert sum(chosen.first <= one <= chosen.last for chosen in found) == 1


def test_without_firsts_there_is_one_range() -> None:
    assert VolunteerRange.between(()) == [(UUID(int=0), UUID(int=2**128 - 1))]


@given(st.lists(st.integers(min_value=0, max_value=OFFENDERS_KEPT), min_size=1, max_size=4))
def test_the_parts_of_a_check_add_up(breaches: list[int]) -> None:
    parts = []
    for place, number in enumerate(breaches):
        part = Check("A4", "title", examined=10, notes=[str(place)], seconds=1.0)
        for one in range(number):
            part.add_violation(f"{place}-{one}", "wrong")
        parts.append(part)
    whole = merged(parts)
    assert (whole.examined, whole.breaches) == (10 * len(parts), sum(breaches))
    assert whole.notes == [str(place) for place in range(len(parts))]
    every = [offender for part in parts for offender in part.offenders]
    assert whole.offenders == every[:OFFENDERS_KEPT]
    assert (whole.ok, whole.seconds) == (not any(breaches), float(len(parts)))


class _Cursors:
    """A connection whose cursors return rows that are handed in, in the order of the queries."""

    def __init__(self, streams: Sequence[Sequence[Any]]) -> None:
        self._streams = iter(streams)

    async def cursor(self, _sql: str, *_args: object) -> "_Cursor":
        return _Cursor(next(self._streams))


class _Cursor:
    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = list(rows)

    async def fetch(self, _number: int) -> list[Any]:
        portion, self._rows = self._rows[:2], self._rows[2:]
        return portion


_STREAM = st.lists(st.integers(min_value=0, max_value=5), max_size=9).map(sorted)


@given(st.lists(_STREAM, min_size=2, max_size=2))
def test_a_walk_meets_each_row_once_with_its_volunteer(volunteers: list[list[int]]) -> None:
    streams = [[(UUID(int=one), place) for place, one in enumerate(stream)] for stream in volunteers]
    tx = Tx(cast(Any, _Cursors(streams)))
    names = list(sql.SQL)[:2]

    async def walked() -> list[tuple[Any, list[list[Any]]]]:
        (everybody,) = VolunteerRange.between(())
        return [group async for group in by_volunteer(tx, everybody, *names)]

    found = asyncio.run(walked())
    assert [volunteer for volunteer, _ in found] == sorted({one for stream in streams for one, _ in stream})
    for volunteer, groups in found:
        assert groups == [[row for row in stream if row[0] == volunteer] for stream in streams]
