"""Rows of objects that are edited, and of their changes."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.recruitment.editing.domain import FIELDS, Edit, Editable, ObjectKind, Remaining
from shared.postgres import Tx, load_queries

__all__ = ["add_change", "changes_since", "close", "list_changes", "lock", "remaining", "touch", "update"]

_SQL = load_queries(__file__)
_SHOWN = 20


async def lock(tx: Tx, kind: ObjectKind, object_id: UUID) -> Editable | None:
    """Lock and read an object, or none."""
    row = await tx.fetchrow(_SQL[f"lock_{kind}"], object_id)
    if row is None:
        return None
    values = {name: row[name] for name in FIELDS[kind]}
    return Editable(kind, object_id, row["subkind"], row["site_id"], row["version"], row["closed_at"], values)


async def update(tx: Tx, kind: ObjectKind, object_id: UUID, values: Mapping[str, object]) -> bool:
    """Write the next version; false when the name is taken."""
    given = [values[name] for name in FIELDS[kind]]
    if await tx.fetchval(_SQL[f"update_{kind}"], object_id, *given) is None:
        return False
    if kind is ObjectKind.SITE:
        await tx.execute(_SQL["update_levels_below"], object_id)
    return True


async def close(tx: Tx, kind: ObjectKind, object_id: UUID, now: datetime) -> None:
    """Close an object."""
    await tx.execute(_SQL[f"close_{kind}"], object_id, now)


async def touch(tx: Tx, object_id: UUID) -> None:
    """Raise the version of a site or team, of which something in another table changes."""
    await tx.execute(_SQL["touch"], object_id)


async def remaining(tx: Tx, kind: ObjectKind, object_id: UUID, now: datetime) -> list[Remaining]:
    """List open objects that keep a site or team from being closed; at most 20."""
    if kind is ObjectKind.SITE:
        rows = await tx.fetch(_SQL["remaining_at_site"], object_id, now, _SHOWN)
    elif kind is ObjectKind.TEAM:
        rows = await tx.fetch(_SQL["remaining_of_team"], object_id, now, _SHOWN)
    else:
        return []
    return [Remaining(row["kind"], row["object_id"], row["name"]) for row in rows]


async def add_change(tx: Tx, kind: ObjectKind, object_id: UUID, change: Edit) -> None:
    """Keep a change."""
    await tx.execute(
        _SQL["add_change"],
        change.change_id,
        kind,
        object_id,
        change.version,
        change.act,
        change.site_id,
        change.changed_by,
        change.changed_at,
        _json(change.before),
        _json(change.after),
    )


async def changes_since(tx: Tx, kind: ObjectKind, object_id: UUID, version: int) -> list[Edit]:
    """The changes after a version, oldest first; at most 20 changes."""
    return [_change(row) for row in await tx.fetch(_SQL["changes_since"], kind, object_id, version, _SHOWN)]


async def list_changes(
    tx: Tx, kind: ObjectKind, object_id: UUID, before: UUID | None, site_ids: Collection[UUID] | None, limit: int
) -> list[Edit]:
    """A page of an object's changes, newest first; ``site_ids`` None is everywhere."""
    bounds = None if site_ids is None else sorted(site_ids)
    return [_change(row) for row in await tx.fetch(_SQL["list_changes"], kind, object_id, before, bounds, limit)]


def _change(row: Any) -> Edit:
    values = dict(row)
    return Edit(**{**values, "before": _values(values["before"]), "after": _values(values["after"])})


def _values(stored: Any) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(stored) if isinstance(stored, str | bytes) else dict(stored)
    return found


def _json(values: Mapping[str, object]) -> str:
    return orjson.dumps(dict(values), default=str).decode()
