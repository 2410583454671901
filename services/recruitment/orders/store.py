"""Rows of orders, to the domain and back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.recruitment.orders.calendar.domain import WorkingCalendar
from services.recruitment.orders.terms.domain import (
    Desk,
    Order,
    OrderChange,
    OrderState,
    SeriesEvery,
    TakenBy,
)
from shared.postgres import Tx, load_queries

__all__ = [
    "DoorRow",
    "FoundOrder",
    "Need",
    "SealedText",
    "StepRow",
    "Strand",
    "calendar",
    "clear_declines",
    "end_assignment",
    "erase_texts",
    "find_door",
    "find_need",
    "find_order",
    "find_strand",
    "find_theme",
    "follow_shift",
    "found_of",
    "insert_assignment",
    "insert_change",
    "insert_decline",
    "insert_order",
    "insert_rating",
    "insert_text",
    "list_changes",
    "list_texts",
    "lock_due",
    "lock_order",
    "next_serials",
    "order_of",
    "stranded",
    "update_order",
    "use_door",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Need:
    """The terms of a need as an order: ``minutes`` it usually takes, ``people`` at least."""

    tag_id: UUID
    tag: str
    zh: str
    en: str
    closed_at: datetime | None
    what: str | None
    minutes: int
    people: int
    orderable: bool
    theme_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order with the names that people know it by, its team's leader, and its shift as it is now."""

    order: Order
    tag: str
    zh: str
    en: str
    site_name: str
    team_name: str | None
    leader_id: UUID | None
    shift_starts_at: datetime | None
    shift_ends_at: datetime | None
    shift_cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of an order as it is shown."""

    order_id: UUID
    version: int
    act: str
    state: str
    desk: str
    at: datetime
    by_kind: str
    reason: str | None
    team_id: UUID | None


@dataclass(frozen=True, slots=True)
class SealedText:
    """A text that a person typed about an order, sealed for its owner."""

    owner_id: UUID
    kind: str
    wrapped_key: bytes
    sealed: bytes
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Strand:
    """The losses of an open order; ``site_id`` is the nearest open site at or above its own."""

    erased: bool
    team_closed: bool
    leaderless: bool
    called_off: bool
    site_id: UUID | None


@dataclass(frozen=True, slots=True)
class DoorRow:
    """The parts that one-time codes of an order are made from."""

    shift_id: UUID | None
    door_salt: bytes | None
    door_uses: int
    state: str
    resident_id: UUID
    beneficiary_id: UUID | None
    starts_at: datetime | None
    ends_at: datetime | None


def order_of(row: Any) -> Order:
    """The order that a row holds."""
    every = row["series_every"]
    return Order(
        **{
            **{name: row[name] for name in Order.__dataclass_fields__},
            "state": OrderState(row["state"]),
            "desk": Desk(row["desk"]),
            "desks": tuple(Desk(each) for each in row["desks"]),
            "taken_by": TakenBy(row["taken_by"]),
            "series_every": None if every is None else SeriesEvery(every),
        }
    )


async def next_serials(tx: Tx, count: int) -> list[int]:
    """So many fresh serials."""
    return [row["serial"] for row in await tx.fetch(_SQL["next_serials"], count)]


async def find_need(tx: Tx, tag_id: UUID) -> Need | None:
    """The terms of a need as an order, or none."""
    row = await tx.fetchrow(_SQL["find_need"], tag_id)
    return None if row is None else Need(**dict(row))


async def insert_order(tx: Tx, order: Order, door_salt: bytes) -> None:
    """Write a new order."""
    await tx.execute(
        _SQL["insert_order"],
        order.order_id,
        order.number,
        order.state,
        order.desk,
        list(order.desks),
        order.need_tag_id,
        order.site_id,
        order.resident_id,
        order.beneficiary_id,
        order.taken_by,
        order.minutes,
        order.people,
        order.frail,
        order.wished_from,
        order.wished_to,
        order.placed_at,
        order.since,
        order.due_at,
        order.next_at,
        order.team_id,
        order.activity_id,
        order.shift_id,
        order.starts_at,
        order.ends_at,
        order.series_id,
        order.series_every,
        order.series_times,
        door_salt,
        order.version,
    )


async def update_order(tx: Tx, order: Order, door_salt: bytes) -> bool:
    """Write the next version; false when a concurrent transaction wrote it. The salt is for another shift's codes."""
    version = await tx.fetchval(
        _SQL["update_order"],
        order.order_id,
        order.version,
        order.state,
        order.desk,
        list(order.desks),
        order.site_id,
        order.since,
        order.due_at,
        order.next_at,
        order.team_id,
        order.activity_id,
        order.shift_id,
        order.starts_at,
        order.ends_at,
        order.declines,
        order.reopened,
        order.escalations,
        order.stars,
        order.rated_by_default,
        order.complaint,
        order.residents_served,
        order.reason,
        door_salt,
    )
    return version is not None


async def follow_shift(tx: Tx, order: Order) -> None:
    """Write the times of an order's shift and the deadline after it."""
    await tx.execute(_SQL["follow_shift"], order.order_id, order.starts_at, order.ends_at, order.due_at, order.next_at)


async def insert_change(tx: Tx, change: OrderChange, by_id: UUID | None) -> None:
    """Write a step."""
    order = change.order
    await tx.execute(
        _SQL["insert_change"],
        order.order_id,
        order.version,
        change.act,
        order.state,
        order.desk,
        order.site_id,
        change.at,
        change.by,
        by_id,
        change.reason,
        change.team_id,
    )


async def lock_order(tx: Tx, order_id: UUID) -> None:
    """Lock one order; it is read in a later statement."""
    await tx.fetchval(_SQL["lock_order"], order_id)


async def find_order(tx: Tx, order_id: UUID) -> FoundOrder | None:
    """One order, or none."""
    row = await tx.fetchrow(_SQL["find_order"], order_id)
    return None if row is None else found_of(row)


def found_of(row: Any) -> FoundOrder:
    """The order of a row with its names."""
    return FoundOrder(
        order_of(row),
        row["tag"],
        row["zh"],
        row["en"],
        row["site_name"],
        row["team_name"],
        row["leader_volunteer_id"],
        row["shift_starts_at"],
        row["shift_ends_at"],
        row["shift_cancelled_at"],
    )


async def list_changes(tx: Tx, order_ids: Collection[UUID]) -> dict[UUID, list[StepRow]]:
    """The steps of orders, oldest first."""
    found: dict[UUID, list[StepRow]] = {order_id: [] for order_id in order_ids}
    for row in await tx.fetch(_SQL["list_changes"], list(order_ids)):
        found[row["order_id"]].append(StepRow(**dict(row)))
    return found


async def insert_text(tx: Tx, text_id: UUID, order_id: UUID, text: SealedText) -> None:
    """Write a sealed text."""
    await tx.execute(
        _SQL["insert_text"],
        text_id,
        order_id,
        text.owner_id,
        text.kind,
        text.wrapped_key,
        text.sealed,
        text.written_at,
    )


async def list_texts(tx: Tx, order_id: UUID) -> list[SealedText]:
    """The sealed texts of an order, oldest first."""
    return [SealedText(**dict(row)) for row in await tx.fetch(_SQL["list_texts"], order_id)]


async def insert_decline(tx: Tx, order_id: UUID, team_id: UUID, at: datetime) -> None:
    """Keep a team from being offered this order again."""
    await tx.execute(_SQL["insert_decline"], order_id, team_id, at)


async def clear_declines(tx: Tx, order_id: UUID) -> None:
    """Offer the order to every team again."""
    await tx.execute(_SQL["clear_declines"], order_id)


async def insert_assignment(tx: Tx, order: Order) -> None:
    """Write that the order's team planned it."""
    await tx.execute(
        _SQL["insert_assignment"],
        order.order_id,
        order.version,
        order.team_id,
        order.shift_id,
        order.starts_at,
        order.ends_at,
    )


async def end_assignment(tx: Tx, order_id: UUID, at: datetime) -> None:
    """Write that the present team no longer has the order."""
    await tx.execute(_SQL["end_assignment"], order_id, at)


async def insert_rating(tx: Tx, change: OrderChange, channel: str | None) -> None:
    """Write a rating, or that there was none."""
    order = change.order
    await tx.execute(
        _SQL["insert_rating"],
        order.order_id,
        change.at,
        order.stars,
        order.rated_by_default,
        channel,
        order.complaint,
        order.team_id,
    )


async def calendar(tx: Tx, today: date) -> WorkingCalendar:
    """The working days from today on."""
    return WorkingCalendar({row["day"]: row["works"] for row in await tx.fetch(_SQL["exceptions"], today)})


async def lock_due(tx: Tx, now: datetime, limit: int) -> list[UUID]:
    """Lock orders whose deadline passed, except those that another worker has."""
    return [row["order_id"] for row in await tx.fetch(_SQL["lock_due"], now, limit)]


async def stranded(tx: Tx, limit: int) -> list[UUID]:
    """Lock open orders that have lost their site, team, shift or resident, except those that another worker has."""
    return [row["order_id"] for row in await tx.fetch(_SQL["stranded"], limit)]


async def find_strand(tx: Tx, order_id: UUID) -> Strand:
    """The losses of an order."""
    row = await tx.fetchrow(_SQL["find_strand"], order_id)
    assert row is not None
    return Strand(**dict(row))


async def erase_texts(tx: Tx, order_id: UUID) -> None:
    """Delete what was typed about an order."""
    await tx.execute(_SQL["erase_texts"], order_id)


async def find_theme(tx: Tx, preferred: UUID | None) -> UUID | None:
    """The theme of activities that are made from orders; none if the district has no open theme."""
    found: UUID | None = await tx.fetchval(_SQL["find_theme"], preferred)
    return found


async def find_door(tx: Tx, order_id: UUID) -> DoorRow | None:
    """The parts that one-time codes of an order are made from, or none."""
    row = await tx.fetchrow(_SQL["find_door"], order_id)
    return None if row is None else DoorRow(**dict(row))


async def use_door(tx: Tx, order_id: UUID) -> None:
    """Spend the code that was used."""
    await tx.execute(_SQL["use_door"], order_id)
