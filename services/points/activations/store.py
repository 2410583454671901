"""Activations and what they move, between rows and domain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.points.activations.domain import Activation, ActivationStatus, ActivationStep, Move
from services.points.activations.planning import Brought
from services.points.adjustments.domain import Approved
from services.points.ledger.buckets import BucketState
from services.points.rules.domain import Facts, Referral
from shared.postgres import Tx, load_queries

_SQL = load_queries(__file__)


class Rehearsed(NamedTuple):
    """The rehearsal that a proposal rests on. ``outdated``: it has no snapshot, or other rules came into force since.

    ``as_if``: it replayed the draft from another day on than it would take effect.
    """

    version: int
    status: str
    as_if: bool
    outdated: bool


class Late(NamedTuple):
    """The volunteer's inputs that the rehearsal had not seen, by id."""

    records: Sequence[UUID] = ()
    complaints: Sequence[UUID] = ()
    referrals: Sequence[UUID] = ()


class MovedCounts(NamedTuple):
    """By how much a batch brings an activation forward: volunteers, and points."""

    moved: int
    predicted: int = 0
    actual: int = 0
    other: int = 0
    reversed: int = 0
    late: int = 0


def _activation(row: Any) -> Activation:
    makers = {name: frozenset(row[name]) for name in ("proposer_makers", "reversal_proposer_makers")}
    return Activation(**{**dict(row), **makers, "status": ActivationStatus(row["status"])})


async def insert(tx: Tx, proposed: Activation) -> bool:
    """Keep a proposal; false if there is one of the same draft."""
    values = (proposed.activation_id, proposed.version, proposed.rehearsal_id, proposed.reason, proposed.proposed_by)
    more = (proposed.proposed_at, proposed.correlation_id, sorted(proposed.proposer_makers))
    found = await tx.fetchval(_SQL["insert_activation"], *values, *more)
    return found is not None


async def insert_step(tx: Tx, activation_id: UUID, act: str, by: UUID | None, at: datetime, note: str) -> None:
    await tx.execute(_SQL["insert_step"], activation_id, act, by, at, note)


async def steps(tx: Tx, activation_id: UUID) -> list[ActivationStep]:
    return [ActivationStep(*row) for row in await tx.fetch(_SQL["list_steps"], activation_id)]


async def find(tx: Tx, activation_id: UUID) -> Activation | None:
    row = await tx.fetchrow(_SQL["find_activation"], activation_id)
    return None if row is None else _activation(row)


async def lock(tx: Tx, activation_id: UUID) -> None:
    """Read in a later statement."""
    await tx.execute(_SQL["lock_activation"], activation_id)


async def listed(tx: Tx, *, before: UUID | None, limit: int) -> list[Activation]:
    """A page, newest first."""
    return [_activation(row) for row in await tx.fetch(_SQL["list_activations"], before, limit)]


async def under_way(tx: Tx) -> Activation | None:
    """The one that moves volunteers, whether it goes on or has stopped."""
    activation_id = await tx.fetchval(_SQL["activation_under_way"])
    return None if activation_id is None else await find(tx, activation_id)


async def rehearsed(tx: Tx, rehearsal_id: UUID) -> Rehearsed | None:
    row = await tx.fetchrow(_SQL["find_rehearsal"], rehearsal_id)
    return None if row is None else Rehearsed(*row)


async def settle_proposal(
    tx: Tx, activation_id: UUID, status: ActivationStatus, by: UUID, at: datetime, generation: int | None
) -> None:
    await tx.execute(_SQL["settle_proposal"], activation_id, status.value, by, at, generation)


async def propose_reversal(
    tx: Tx, activation_id: UUID, reason: str, by: UUID, at: datetime, makers: frozenset[UUID]
) -> None:
    await tx.execute(_SQL["propose_reversal"], activation_id, reason, by, at, sorted(makers))


async def drop_reversal(tx: Tx, activation_id: UUID) -> None:
    await tx.execute(_SQL["drop_reversal"], activation_id)


async def begin_reversal(tx: Tx, activation_id: UUID, by: UUID, at: datetime, generation: int) -> None:
    await tx.execute(_SQL["begin_reversal"], activation_id, by, at, generation)


async def stop(tx: Tx, activation_id: UUID, problem: str | None) -> None:
    """The move stops because of a problem; or, with None, goes on."""
    await tx.execute(_SQL["stop"], activation_id, problem)


async def settle(tx: Tx, activation_id: UUID, status: ActivationStatus, at: datetime) -> None:
    await tx.execute(_SQL["settle"], activation_id, status.value, at)


async def count(tx: Tx, activation_id: UUID, total: int | None, counts: MovedCounts) -> None:
    """``total``: how many there are to move, if it was not counted before."""
    moved, *points = counts
    await tx.execute(_SQL["count_move"], activation_id, moved, total, *points)


async def alone(tx: Tx) -> bool:
    """Whether this is the only mover, until the end of the transaction."""
    return bool(await tx.fetchval(_SQL["mover_alone"]))


async def behind(tx: Tx, generation: int, limit: int) -> list[UUID]:
    """Some of the volunteers under an older generation, not locked."""
    return [row[0] for row in await tx.fetch(_SQL["behind"], generation, limit)]


async def count_behind(tx: Tx, generation: int) -> int:
    return int(await tx.fetchval(_SQL["count_behind"], generation))


async def set_generation(tx: Tx, volunteer_ids: Collection[UUID], generation: int) -> None:
    await tx.execute(_SQL["set_generation"], list(volunteer_ids), generation)


async def predictions(tx: Tx, rehearsal_id: UUID, volunteer_ids: Collection[UUID]) -> dict[UUID, int]:
    """The gains that the rehearsal predicted; volunteers that it did not read are missing."""
    return {row[0]: row[1] for row in await tx.fetch(_SQL["predictions"], rehearsal_id, list(volunteer_ids))}


async def records(tx: Tx, days: Mapping[UUID, tuple[date, date]]) -> dict[UUID, list[Facts]]:
    """The volunteers' records of some days, both ends included."""
    if not days:
        return {}
    columns = zip(*((volunteer_id, *between) for volunteer_id, between in days.items()), strict=True)
    found: dict[UUID, list[Facts]] = {}
    for row in await tx.fetch(_SQL["records_of_days"], *columns):
        values = tuple(row)
        found.setdefault(values[0], []).append(Facts(*values[1:]))
    return found


async def under_versions_that_go(tx: Tx, volunteer_ids: Collection[UUID], versions: Iterable[int]) -> set[UUID]:
    """Find volunteers with buckets under a rule that is not among ``versions``."""
    rows = await tx.fetch(_SQL["under_versions_that_go"], list(volunteer_ids), list(versions))
    return {row[0] for row in rows}


async def buckets(tx: Tx, volunteer_ids: Collection[UUID]) -> dict[UUID, dict[str, BucketState]]:
    """All buckets of volunteers, by name."""
    found: dict[UUID, dict[str, BucketState]] = {}
    for row in await tx.fetch(_SQL["all_buckets"], list(volunteer_ids)) if volunteer_ids else ():
        values = tuple(row)
        found.setdefault(values[0], {})[values[1]] = BucketState(*values[2:])
    return found


async def referrals(tx: Tx, volunteer_ids: Collection[UUID]) -> dict[UUID, list[Brought]]:
    """Whom volunteers brought in, each once."""
    found: dict[UUID, list[Brought]] = {}
    for referrer_id, referred_id, day, standing in await tx.fetch(_SQL["referrals_of"], list(volunteer_ids)):
        found.setdefault(referrer_id, []).append(Brought(Referral(referred_id, day), standing))
    return found


async def adjustments(tx: Tx, volunteer_ids: Collection[UUID]) -> dict[UUID, dict[UUID, list[Approved]]]:
    """Approved adjustments by volunteer and by the one that names the bucket."""
    found: dict[UUID, dict[UUID, list[Approved]]] = {}
    for volunteer_id, root, *approved in await tx.fetch(_SQL["adjustments_of"], list(volunteer_ids)):
        found.setdefault(volunteer_id, {}).setdefault(root, []).append(Approved(*approved))
    return found


async def late(tx: Tx, rehearsal_id: UUID, volunteer_ids: Collection[UUID]) -> dict[UUID, Late]:
    """Records, complaints and referrals that the rehearsal's snapshot did not hold, of volunteers who have any."""
    if not volunteer_ids:
        return {}
    rows = await tx.fetch(_SQL["late_inputs"], rehearsal_id, list(volunteer_ids))
    return {row[0]: Late(*tuple(row)[1:]) for row in rows}


async def insert_moves(tx: Tx, activation_id: UUID, moves: Sequence[Move]) -> None:
    if moves:
        rows = [
            (
                move.volunteer_id,
                move.predicted,
                move.actual,
                move.other,
                " ".join(map(str, move.late_records)),
                " ".join(map(str, move.late_complaints)),
                " ".join(map(str, move.late_referrals)),
            )
            for move in moves
        ]
        await tx.execute(_SQL["insert_moves"], activation_id, *zip(*rows, strict=True), moves[0].moved_at)


async def insert_reversals(tx: Tx, activation_id: UUID, points: Mapping[UUID, int], at: datetime) -> None:
    if points:
        await tx.execute(_SQL["insert_reversals"], activation_id, list(points), list(points.values()), at)


async def moves(tx: Tx, activation_id: UUID, *, after: UUID | None, late_only: bool, limit: int) -> list[Move]:
    """A page of moves, in the order of volunteers."""
    return [Move(*row) for row in await tx.fetch(_SQL["list_moves"], activation_id, after, late_only, limit)]
