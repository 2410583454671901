"""Deliveries and attempts to rows and back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.notify.deliveries.domain import (
    AttemptLease,
    AttemptOutcome,
    AttemptResult,
    DeliveryStatus,
    EndedDelivery,
)
from shared.postgres import Tx, load_queries

__all__ = [
    "begin",
    "counts",
    "due",
    "expired",
    "finish",
    "insert_email",
    "insert_inbox",
    "lock",
    "message_counts",
    "not_sent",
    "postpone",
    "suppress",
    "withdraw",
]

_SQL = load_queries(__file__)
Key = tuple[UUID, UUID, UUID]
"""Event, volunteer, message."""


async def insert_inbox(tx: Tx, keys: Sequence[Key], at: datetime) -> None:
    """Deliveries to the inbox: sent."""
    if keys:
        await tx.execute(_SQL["insert_inbox"], *_columns(keys), at)


async def insert_email(tx: Tx, keys: Sequence[Key], at: datetime) -> None:
    """Deliveries by e-mail: pending."""
    if keys:
        await tx.execute(_SQL["insert_email"], *_columns(keys), at)


def _columns(keys: Sequence[Key]) -> tuple[list[UUID], list[UUID], list[UUID]]:
    ordered = sorted(keys)
    return [k[0] for k in ordered], [k[1] for k in ordered], [k[2] for k in ordered]


async def due(tx: Tx, now: datetime, limit: int) -> list[AttemptLease]:
    """Deliveries that may be tried now, locked; ``attempt`` is the number that the next attempt gets."""
    rows = await tx.fetch(_SQL["due"], now, limit)
    return [
        AttemptLease(
            row["event_id"],
            row["recipient_id"],
            row["message_id"],
            row["attempts"] + 1,
            row["template"],
            row["title"],
            row["body"],
            row["correlation_id"],
            row["first_attempt_at"],
        )
        for row in rows
    ]


async def expired(tx: Tx) -> list[AttemptLease]:
    """Attempts whose lease has run out, their deliveries locked."""
    return [AttemptLease(*row.values()) for row in await tx.fetch(_SQL["expired"])]


async def postpone(tx: Tx, until: Mapping[tuple[UUID, UUID], datetime]) -> None:
    """Wait until quiet hours end."""
    if until:
        keys = sorted(until)
        await tx.execute(_SQL["postpone"], [k[0] for k in keys], [k[1] for k in keys], [until[k] for k in keys])


async def suppress(tx: Tx, claims: Sequence[AttemptLease]) -> None:
    """Never send these."""
    if claims:
        await tx.execute(_SQL["suppress"], [c.event_id for c in claims], [c.recipient_id for c in claims])


async def begin(tx: Tx, claims: Sequence[AttemptLease], lease: timedelta) -> None:
    """Record that these attempts are being made."""
    if not claims:
        return
    columns = [c.event_id for c in claims], [c.recipient_id for c in claims], [c.attempt for c in claims]
    await tx.execute(_SQL["begin_attempts"], *columns, lease.total_seconds())
    await tx.execute(_SQL["mark_attempting"], *columns, [c.first_attempt_at for c in claims])


async def lock(tx: Tx, claim: AttemptLease) -> None:
    """Lock the delivery; read it in a later statement."""
    await tx.execute(_SQL["lock_delivery"], claim.event_id, claim.recipient_id)


async def finish(
    tx: Tx, claim: AttemptLease, result: AttemptResult, status: DeliveryStatus, again_at: datetime | None
) -> bool:
    """Record an attempt's result and when the next one is due; False when a result was already there."""
    outcome: AttemptOutcome = result.outcome
    found = await tx.fetchval(
        _SQL["finish_attempt"], claim.event_id, claim.recipient_id, claim.attempt, outcome.value, result.reason
    )
    if found is None:
        return False
    await tx.execute(_SQL["settle_delivery"], claim.event_id, claim.recipient_id, status.value, again_at)
    return True


async def withdraw(tx: Tx, claim: AttemptLease, again_at: datetime) -> bool:
    """Remove an attempt that asked no server and let the delivery wait; False when a result was already there."""
    found = await tx.fetchval(_SQL["withdraw_attempt"], claim.event_id, claim.recipient_id, claim.attempt)
    if found is None:
        return False
    await tx.execute(_SQL["put_back"], claim.event_id, claim.recipient_id, claim.attempt, again_at)
    return True


async def counts(tx: Tx) -> list[tuple[str, str, int]]:
    """Channel, status, number."""
    return [(row["channel"], row["status"], row["number"]) for row in await tx.fetch(_SQL["counts"])]


async def message_counts(tx: Tx) -> list[tuple[str, int, int]]:
    """Template, number, read."""
    return [(row["template"], row["number"], row["read"]) for row in await tx.fetch(_SQL["message_counts"])]


async def not_sent(
    tx: Tx, status: str, *, before: tuple[datetime, UUID, UUID] | None, limit: int
) -> list[EndedDelivery]:
    """Deliveries in a state, the newest first, with the reason of their last attempt."""
    rows = await tx.fetch(_SQL["not_sent"], status, *(before or (None, None, None)), limit)
    return [EndedDelivery(**dict(row)) for row in rows]
