"""Rows of adjustments, to the domain and back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.points.adjustments.domain import Adjustment, AdjustmentStatus, Approved, Part, Posted, SealedReason
from shared.postgres import Tx, load_queries
from shared.rewrapping import TextTable
from shared.sealing import TextCipher

SQL = load_queries(__file__)


def _adjustment(row: Any) -> Adjustment:
    values = dict(row)
    evidence = _sealed(values.pop("evidence_key"), values.pop("evidence"))
    note = _sealed(values.pop("note_key"), values.pop("note"))
    makers = frozenset(values.pop("proposer_makers"))
    status = AdjustmentStatus(values.pop("status"))
    return Adjustment(**values, evidence=evidence, decision_note=note, status=status, proposer_makers=makers)


def _sealed(wrapped_key: bytes | None, sealed: bytes | None) -> SealedReason | None:
    return None if wrapped_key is None or sealed is None else SealedReason(wrapped_key, sealed)


async def insert(tx: Tx, proposed: Adjustment) -> None:
    """Keep a proposal; its evidence lies apart."""
    await tx.execute(
        SQL["insert_adjustment"],
        proposed.adjustment_id,
        proposed.volunteer_id,
        proposed.points,
        proposed.corrects,
        proposed.reason,
        proposed.proposed_by,
        proposed.proposed_at,
        proposed.correlation_id,
        sorted(proposed.proposer_makers),
    )


async def keep_evidence(tx: Tx, rows: Sequence[tuple[UUID, UUID, Part, SealedReason]]) -> None:
    """Keep (adjustment, its volunteer, which text it is, the text) rows."""
    await tx.execute(
        SQL["keep_evidence"],
        [adjustment_id for adjustment_id, _, _, _ in rows],
        [volunteer_id for _, volunteer_id, _, _ in rows],
        [part for _, _, part, _ in rows],
        [sealed.wrapped_key for _, _, _, sealed in rows],
        [sealed.sealed for _, _, _, sealed in rows],
    )


async def plain_evidence(tx: Tx, limit: int) -> list[tuple[UUID, UUID, str | None, str | None]]:
    """(adjustment, its volunteer, evidence, note) of rows with plain text; locked, and sealed by no other process."""
    await tx.execute(SQL["lock_sealing"])
    return [tuple(row) for row in await tx.fetch(SQL["plain_evidence"], limit)]


async def forget_plain_evidence(tx: Tx, adjustment_ids: Sequence[UUID]) -> None:
    """Let go of plain text that lies sealed now."""
    await tx.execute(SQL["forget_plain_evidence"], adjustment_ids)


async def find(tx: Tx, adjustment_id: UUID) -> Adjustment | None:
    """One adjustment, or none."""
    row = await tx.fetchrow(SQL["find_adjustment"], adjustment_id)
    return None if row is None else _adjustment(row)


async def listed(
    tx: Tx,
    *,
    volunteer_id: UUID | None,
    status: AdjustmentStatus | None,
    corrects: UUID | None,
    before: UUID | None,
    site_ids: Collection[UUID] | None,
    limit: int,
) -> list[Adjustment]:
    """A page of adjustments, newest first; ``site_ids`` None is everywhere."""
    found = await tx.fetch(
        SQL["list_adjustments"],
        volunteer_id,
        None if status is None else status.value,
        corrects,
        before,
        limit,
        None if site_ids is None else sorted(site_ids),
    )
    return [_adjustment(row) for row in found]


async def settle(tx: Tx, adjustment_id: UUID, status: AdjustmentStatus, *, by: UUID, at: datetime, day: date) -> bool:
    """Write the decision; false when it had been decided before."""
    return await tx.fetchval(SQL["settle_adjustment"], adjustment_id, status.value, by, at, day) is not None


async def approved(tx: Tx, root: UUID) -> list[Approved]:
    """The inputs of a bucket, the one that names it first."""
    return [Approved(*row) for row in await tx.fetch(SQL["approved_inputs"], root)]


async def posted(tx: Tx, volunteer_id: UUID, cause_event_id: UUID) -> list[Posted]:
    """Load the transfers posted to the volunteer's account for one cause."""
    return [Posted(**dict(row)) for row in await tx.fetch(SQL["posted_transfers"], volunteer_id, cause_event_id)]


async def account_exists(tx: Tx, volunteer_id: UUID) -> bool:
    """Whether the ledger knows the volunteer."""
    return bool(await tx.fetchval(SQL["account_exists"], volunteer_id))


def key_table(cipher: TextCipher, about: Callable[[UUID, Part], UUID]) -> TextTable:
    """The sealed texts by their keys; ``about`` is what a text is bound to."""
    return TextTable(
        name="adjustment_evidence",
        cipher=cipher,
        key={"adjustment_id": "uuid", "part": "text"},
        owner=lambda row: about(row["adjustment_id"], row["part"]),
    )
