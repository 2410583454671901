"""A batch that is begun again: it is applied, or it is said that it was not."""

from collections.abc import Iterator
from typing import Any

import pytest

from services.points.ingest import stream
from services.points.ingest.handlers import UnlockedOwners
from services.points.ingest.stream import IngestStream
from services.points.records.store import RecordRefused
from shared.errors import TransientError
from shared.ids import new_id


def beginning(monkeypatch: pytest.MonkeyPatch, errors: list[Exception]) -> tuple[IngestStream, list[bool]]:
    """A stream whose attempts meet these errors one after the other; and with what it made each: savepoints or not."""
    left: Iterator[Exception] = iter(errors)
    made: list[bool] = []

    async def apply(*_: Any, savepoints: bool) -> None:
        made.append(savepoints)
        if (error := next(left, None)) is not None:
            raise error

    found: Any = IngestStream.__new__(IngestStream)
    found._known = set()
    monkeypatch.setattr(found, "_apply", apply, raising=False)
    return found, made


def refused() -> RecordRefused:
    error = RecordRefused.__new__(RecordRefused)
    error.args = ("refused",)
    return error


async def test_a_small_batch_is_begun_again_with_savepoints_where_a_record_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, made = beginning(monkeypatch, [refused()])
    await found.handle([])
    assert made == [False, True]


async def test_what_is_refused_behind_savepoints_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = beginning(monkeypatch, [refused(), refused()])
    with pytest.raises(RecordRefused):
        await found.handle([])


@pytest.mark.parametrize("last", [UnlockedOwners({new_id()}), refused()])
async def test_a_batch_that_was_never_applied_is_not_taken_for_done(
    monkeypatch: pytest.MonkeyPatch, last: Exception
) -> None:
    elsewhere: list[Exception] = [UnlockedOwners({new_id()}) for _ in range(stream._ATTEMPTS - 1)]
    found, made = beginning(monkeypatch, [*elsewhere, last])
    with pytest.raises(TransientError):
        await found.handle([])
    assert len(made) == stream._ATTEMPTS
