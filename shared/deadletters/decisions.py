"""Decisions about dead letters: replay, discard, take back; what is chosen, and what a dry run would do."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from shared.cloudevents import Event, decode
from shared.deadletters.replay import KEPT_DAYS
from shared.errors import Conflict, Invalid, NotFound, PermanentError
from shared.ids import new_id
from shared.postgres import Tx, load_queries

__all__ = ["MOST_LETTERS", "LetterSelection", "ReplayForecast", "discard", "forecast", "restore", "start_replay"]

_SQL = load_queries(__file__)

MOST_LETTERS = 10_000
"""So many letters one decision is about; the oldest first."""
_PORTION = 200

Applied = Callable[[Tx, str, Sequence[Event[Any]]], Awaitable[Collection[UUID]]]


@dataclass(frozen=True, slots=True)
class LetterSelection:
    """Letters by their ids, or all that failed alike."""

    ids: Sequence[int] = ()
    group_id: str | None = None


@dataclass(slots=True)
class ReplayForecast:
    """The counts of a dry run.

    Records that would be applied, those that are applied already and would change nothing, and those that cannot be
    read, of which the first would stop the replay.
    """

    selected: int = 0
    would_apply: int = 0
    already_applied: int = 0
    unreadable: int = 0


async def group_of(tx: Tx, selection: LetterSelection) -> str:
    """The consumer group whose letters are chosen.

    Raises:
        NotFound: there is no such letter.
        Invalid: the letters are of several groups.
    """
    found = await tx.fetch(_SQL["groups_selected"], list(selection.ids), selection.group_id)
    if not found:
        raise NotFound("dead-letter-unknown", "There is no such dead letter in this service.")
    if len(found) > 1:
        raise Invalid("several-consumers", "The dead letters are of several consumers. Choose those of one at a time.")
    group: str = found[0]["consumer_group"]
    return group


async def forecast(tx: Tx, selection: LetterSelection, group: str, applied: Applied) -> ReplayForecast:
    """Read every chosen letter as its consumer would, and count."""
    counted, after = ReplayForecast(), 0
    while counted.selected < MOST_LETTERS:
        rows = await tx.fetch(_SQL["selected"], list(selection.ids), selection.group_id, after, _PORTION)
        if not rows:
            break
        after = rows[-1]["id"]
        counted.selected += len(rows)
        events = [event for row in rows if (event := _event(row)) is not None]
        known = set(await applied(tx, group, events))
        already = sum(event.id in known for event in events)
        counted.already_applied += already
        counted.would_apply += len(events) - already
        counted.unreadable += len(rows) - len(events)
    return counted


def _event(row: Any) -> Event[Any] | None:
    if not row["whole"]:
        return None
    headers = [(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()]
    try:
        return decode(headers, row["value"])
    except PermanentError:
        return None


async def start_replay(tx: Tx, selection: LetterSelection, group: str, by: UUID) -> tuple[UUID, int]:
    """Claim the chosen letters for a new replay; returns its id and how many it has.

    Raises:
        Conflict: none of them is open and unclaimed, or has its bytes.
    """
    replay_id = new_id()
    ids = await _locked(tx, selection, "open")
    claimed = await tx.fetch(_SQL["claim"], ids, replay_id)
    if not claimed:
        raise Conflict(
            "nothing-to-replay", "None of these dead letters is open, free of another replay, and kept with its bytes."
        )
    await tx.execute(_SQL["add_replay"], replay_id, group, len(claimed), by)
    return replay_id, len(claimed)


async def discard(tx: Tx, selection: LetterSelection, by: UUID, *, dry_run: bool) -> int:
    """Discard what is open and in no replay; returns how many letters.

    Raises:
        Conflict: there is none.
    """
    ids = await _locked(tx, selection, "open")
    if not ids:
        raise Conflict("nothing-to-discard", "None of these dead letters is open and free of a replay.")
    return len(ids) if dry_run else len(await tx.fetch(_SQL["discard"], ids, str(by)))


async def restore(tx: Tx, selection: LetterSelection, *, dry_run: bool) -> int:
    """Open letters again that were discarded in the last 30 days; returns how many.

    Raises:
        Conflict: there is none.
    """
    ids = await _locked(tx, selection, "discarded")
    if dry_run:
        found: int = await tx.fetchval(_SQL["restorable"], ids, KEPT_DAYS)
    else:
        found = len(await tx.fetch(_SQL["restore"], ids, KEPT_DAYS))
    if not found:
        detail = f"None of these dead letters was discarded in the last {KEPT_DAYS} days."
        raise Conflict("nothing-to-restore", detail)
    return found


async def _locked(tx: Tx, selection: LetterSelection, status: str) -> list[int]:
    rows = await tx.fetch(_SQL["lock_selected"], list(selection.ids), selection.group_id, status, MOST_LETTERS)
    return [row["id"] for row in rows]
