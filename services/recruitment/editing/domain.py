"""Editing: which fields can change, how two states differ, and what keeps an object from being closed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal

__all__ = ["FIELDS", "Edit", "Editable", "ObjectKind", "Remaining", "difference", "may_close", "may_edit"]


class ObjectKind(StrEnum):
    """The kinds of objects whose changes are kept."""

    SITE = "site"
    TEAM = "team"
    THEME = "theme"
    PROJECT = "project"
    DRIVE = "drive"
    APPEAL = "appeal"
    ACTIVITY = "activity"
    SHIFT = "shift"
    TAG = "tag"
    HONOUR = "honour"
    ORGANISATION = "organisation"
    TRAINING = "training"


FIELDS: Mapping[ObjectKind, tuple[str, ...]] = {
    ObjectKind.SITE: ("name", "parent_id", "level"),
    ObjectKind.TEAM: ("name", "site_id", "docked", "leader_volunteer_id", "series", "department", "head"),
    ObjectKind.THEME: ("name", "pillar"),
    ObjectKind.PROJECT: ("name", "site_id", "pillar", "summary"),
    ObjectKind.DRIVE: ("name", "place_kind", "place", "starts_at", "ends_at"),
    ObjectKind.APPEAL: ("title", "channel", "body"),
    ObjectKind.TAG: ("zh", "en"),
    ObjectKind.HONOUR: ("title", "awarded_by", "year", "level", "category"),
    ObjectKind.ORGANISATION: ("name", "level", "site_id"),
    ObjectKind.TRAINING: ("title", "mode", "starts_at", "ends_at"),
}
"""The fields that can be edited, in the order in which their update statement takes them."""

_WITHHELD = frozenset({"beneficiaries", "content", "person_in_charge", "note", "body", "summary"})
"""Free texts, which may name a person: the history says that they changed, not what they said."""


@dataclass(frozen=True, slots=True)
class Editable:
    """An object as it stands, under its lock. ``site_id`` is where it belongs; None is the centre."""

    kind: ObjectKind
    object_id: UUID
    subkind: str
    site_id: UUID | None
    version: int
    closed_at: datetime | None
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of an object: the values that differ, before and after."""

    change_id: UUID
    version: int
    act: str
    site_id: UUID | None
    changed_by: UUID
    changed_at: datetime
    before: Mapping[str, object]
    after: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Remaining:
    """Something that is still open and keeps its site or team from being closed."""

    kind: str
    object_id: UUID
    name: str


def difference(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """The values that differ, before and after; free texts that may name a person are None in both."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    old = {name: None if name in _WITHHELD else before.get(name) for name in names}
    return old, {name: None if name in _WITHHELD else after.get(name) for name in names}


def may_edit(current: Editable) -> DomainRefusal | None:
    """Closed objects stay as they are."""
    if current.closed_at is None:
        return None
    return DomainRefusal(f"{current.kind}-closed", f"This {current.kind} is closed and cannot be changed any more.")


def may_close(current: Editable, remaining: Sequence[Remaining]) -> DomainRefusal | None:
    """An open object can be closed once nothing that is open depends on it; the centre never can."""
    if (refused := may_edit(current)) is not None:
        return refused
    if current.kind is ObjectKind.SITE and current.subkind == "centre":
        return DomainRefusal("centre-stays", "The centre cannot be closed.")
    if not remaining:
        return None
    listed = "; ".join(f"{each.kind} {each.name}" for each in remaining)
    return DomainRefusal(
        f"{current.kind}-in-use",
        f"This {current.kind} cannot be closed yet; close these first: {listed}.",
        extra={
            "remaining": [
                {"kind": each.kind, "object_id": str(each.object_id), "name": each.name} for each in remaining
            ]
        },
    )
