"""Use cases of editing: change, close, and the history of an object. Each in one transaction, given by the caller."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.recruitment.activities.guards import actor_id, refusal
from services.recruitment.dockings import marking
from services.recruitment.editing import domain, store
from services.recruitment.editing.domain import Edit, Editable, ObjectKind
from services.recruitment.memberships import leading
from services.recruitment.organisation import handlers as organisation
from services.recruitment.organisation import store as sites
from services.recruitment.organisation.domain import (
    SiteKind,
    TeamKind,
    check_detachment,
    check_honour_year,
    check_parent,
    check_team_site,
    clean_title,
    level_of,
)
from services.recruitment.organisation.events import publish_site
from services.recruitment.recruiting.domain import check_period
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["close", "edit", "history", "keep_change", "replace_part", "require_version"]

Values = dict[str, Any]
_TITLES = {"name": 100, "title": 200, "channel": 100, "place": 200, "department": 100, "head": 100, "awarded_by": 200,
           "zh": 50, "en": 50}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Edit:
    """An edit under way: the object as it stands, and its values to be."""

    tx: Tx
    caller: Caller
    current: Editable
    values: Values

    def changes(self, name: str) -> bool:
        return bool(self.values[name] != self.current.values[name])


async def edit(
    tx: Tx, caller: Caller, kind: ObjectKind, object_id: UUID, seen: int | None, edits: Mapping[str, object]
) -> None:
    """Change an open object, whose version ``seen`` the caller decided on (None: any); what is not named stays.

    Raises:
        NotFound: there is no such object, or nothing that an edit names.
        Forbidden: it lies, or would lie, outside of the caller's bounds.
        Invalid: a value does not fit.
        Conflict: ``changed-meanwhile`` with the changes since; closed; or its name is taken.
    """
    current = await _locked(tx, caller, kind, object_id, seen)
    if (refused := domain.may_edit(current)) is not None:
        raise refusal(refused)
    values = {**current.values, **edits}
    try:
        for name, longest in _TITLES.items():
            if edits.get(name) is not None:
                values[name] = clean_title(str(values[name]), name, longest)
    except ValueError as error:
        raise Invalid(f"{kind}-invalid", str(error)) from None
    check = _CHECKS.get(kind)
    if check is not None:
        await check(_Edit(tx, caller, current, values))
    if values == current.values:
        return
    if not await store.update(tx, kind, object_id, values):
        raise Conflict(f"{kind}-exists", f"There is already an open {kind} named {values.get('name')}.")
    await keep_change(tx, caller, current, "edited", values)
    if kind is ObjectKind.TEAM:
        await _keep_facts(_Edit(tx, caller, current, values))
    await _publish(tx, kind, object_id)


async def replace_part(
    tx: Tx, caller: Caller, kind: ObjectKind, object_id: UUID, seen: int, before: Values, after: Values
) -> bool:
    """Keep the change of a part of a site or team that lies in another table; false when nothing changes.

    Raises:
        NotFound, Forbidden: as for `edit`.
        Conflict: ``changed-meanwhile`` with the changes since, or closed.
    """
    current = await _locked(tx, caller, kind, object_id, seen)
    if (refused := domain.may_edit(current)) is not None:
        raise refusal(refused)
    if before == after:
        return False
    await store.touch(tx, object_id)
    await keep_change(tx, caller, replace(current, values=before), "edited", after)
    await _publish(tx, kind, object_id)
    return True


async def close(tx: Tx, caller: Caller, kind: ObjectKind, object_id: UUID, seen: int) -> None:
    """Close an object for good: nothing new is founded, planned or registered with it.

    Raises:
        NotFound, Forbidden: as for `edit`; sites are closed by those responsible for the site above.
        Conflict: ``changed-meanwhile``, ``centre-stays``, or ``site-in-use`` and ``team-in-use`` with what remains.
    """
    current = await _locked(tx, caller, kind, object_id, seen)
    now = await tx.now()
    if (refused := domain.may_close(current, await store.remaining(tx, kind, object_id, now))) is not None:
        raise refusal(refused)
    if kind is ObjectKind.SITE:
        caller.require_site(UUID(str(current.values["parent_id"])))
    await store.close(tx, kind, object_id, now)
    await keep_change(tx, caller, current, "closed", current.values)
    if kind is ObjectKind.TEAM:
        await leading.end_team(tx, object_id, actor_id(caller), now)
        await marking.end_docking_of(tx, object_id, actor_id(caller), now)
    await _publish(tx, kind, object_id)


async def _keep_facts(edit: _Edit) -> None:
    """Keep the dated facts of a team with its edit: the leader's term and the dockings."""
    team_id, by, now = edit.current.object_id, actor_id(edit.caller), await edit.tx.now()
    if edit.changes("leader_volunteer_id"):
        leader = edit.values["leader_volunteer_id"]
        await leading.change_leader(edit.tx, team_id, None if leader is None else UUID(str(leader)), by, now)
    if edit.changes("docked"):
        home_id = UUID(str(edit.values["site_id"]))
        await marking.keep_mark(edit.tx, team_id, home_id, bool(edit.values["docked"]), by, now)


async def _publish(tx: Tx, kind: ObjectKind, object_id: UUID) -> None:
    """Publish the new version of what other services know by name."""
    if kind is ObjectKind.SITE and (site := await sites.find_site(tx, object_id)) is not None:
        await publish_site(tx, site, await tx.now())


async def history(
    tx: Tx, caller: Caller, kind: ObjectKind, object_id: UUID, before: UUID | None, limit: int
) -> list[Edit]:
    """A page of an object's changes, newest first, as far as they were made at the caller's sites."""
    return await store.list_changes(tx, kind, object_id, before, caller.site_ids, limit)


async def keep_change(
    tx: Tx, caller: Caller, current: Editable, act: str, values: Mapping[str, object], *, site_id: UUID | None = None
) -> None:
    """Keep the change from the current values to these in the object's history."""
    before, after = domain.difference(current.values, values)
    change = Edit(
        change_id=new_id(),
        version=current.version + 1,
        act=act,
        site_id=site_id or current.site_id,
        changed_by=actor_id(caller),
        changed_at=await tx.now(),
        before=before,
        after=after,
    )
    await store.add_change(tx, current.kind, current.object_id, change)


async def require_version(tx: Tx, kind: ObjectKind, object_id: UUID, seen: int, version: int) -> None:
    """Require that the version that was decided on is the present one.

    Raises:
        Conflict: ``changed-meanwhile`` with the changes since.
    """
    if seen == version:
        return
    since = await store.changes_since(tx, kind, object_id, seen)
    raise Conflict(
        "changed-meanwhile",
        f"Version {seen} of this {kind} is not the present one, which is {version}; read it again and decide anew.",
        version=version,
        changes=[
            {"version": each.version, "act": each.act, "before": dict(each.before), "after": dict(each.after)}
            for each in since
        ],
    )


async def _locked(tx: Tx, caller: Caller, kind: ObjectKind, object_id: UUID, seen: int | None) -> Editable:
    current = await store.lock(tx, kind, object_id)
    if current is None:
        raise NotFound(f"{kind}-unknown", f"There is no such {kind}.")
    if current.site_id is None:
        caller.require_centre()
    else:
        caller.require_site(current.site_id)
    if seen is not None:
        await require_version(tx, kind, object_id, seen, current.version)
    return current


async def _check_site(edit: _Edit) -> None:
    if edit.changes("parent_id"):
        old, new = edit.current.values["parent_id"], edit.values["parent_id"]
        if old is not None:
            edit.caller.require_site(UUID(str(old)))
        await organisation.require_open_site(edit.tx, edit.caller, UUID(str(new)))
    parent = None
    if edit.values["parent_id"] is not None:
        parent = await sites.find_site(edit.tx, UUID(str(edit.values["parent_id"])))
    kind = SiteKind(edit.current.subkind)
    try:
        check_parent(kind, None if parent is None else parent.kind)
    except ValueError as error:
        raise Invalid("site-invalid", str(error)) from None
    edit.values["level"] = level_of(kind, None if parent is None else parent.level)


async def _check_team(edit: _Edit) -> None:
    home_id = UUID(str(edit.values["site_id"]))
    if edit.changes("site_id"):
        await organisation.require_open_site(edit.tx, edit.caller, home_id)
    home = await sites.find_site(edit.tx, home_id)
    assert home is not None
    kind, values = TeamKind(edit.current.subkind), edit.values
    try:
        check_team_site(kind, home.kind)
        check_detachment(kind, values["series"], values["department"], values["head"])
    except ValueError as error:
        raise Invalid("team-invalid", str(error)) from None
    leader_id = edit.values["leader_volunteer_id"]
    if edit.changes("leader_volunteer_id") and leader_id is not None:
        await organisation.require_leader(edit.tx, edit.caller, UUID(str(leader_id)))


async def _check_home(edit: _Edit) -> None:
    if edit.changes("site_id"):
        await organisation.require_open_site(edit.tx, edit.caller, UUID(str(edit.values["site_id"])))


async def _check_drive(edit: _Edit) -> None:
    if not edit.changes("starts_at") and not edit.changes("ends_at"):
        return
    now, values, before = await edit.tx.now(), edit.values, edit.current.values
    starts_at, ends_at = values["starts_at"], values["ends_at"]
    try:
        check_period(starts_at, ends_at)
        if before["ends_at"] <= now:  # type: ignore[operator]
            raise ValueError("a drive that is over keeps its times")
        if edit.changes("starts_at") and min(starts_at, before["starts_at"]) <= now:
            raise ValueError("the start of a drive that has begun cannot be changed, nor moved into the past")
        if ends_at <= now:
            raise ValueError("ends_at lies in the past; close the drive instead")
    except ValueError as error:
        raise Invalid("drive-invalid", str(error)) from None


async def _check_appeal(edit: _Edit) -> None:
    edit.values["body"] = str(edit.values["body"]).strip()
    if not edit.values["body"]:
        raise Invalid("appeal-invalid", "body must not be empty")


async def _check_summary(edit: _Edit) -> None:
    if edit.values["summary"] is not None:
        edit.values["summary"] = clean_title(str(edit.values["summary"]), "summary", 500)
    await _check_home(edit)


async def _check_honour(edit: _Edit) -> None:
    try:
        check_honour_year(int(str(edit.values["year"])), district_day(await edit.tx.now()).year)
    except ValueError as error:
        raise Invalid("honour-invalid", str(error)) from None


async def _check_training(edit: _Edit) -> None:
    try:
        check_period(edit.values["starts_at"], edit.values["ends_at"])
    except ValueError as error:
        raise Invalid("training-invalid", str(error)) from None


_CHECKS: Mapping[ObjectKind, Callable[[_Edit], Awaitable[None]]] = {
    ObjectKind.SITE: _check_site,
    ObjectKind.TEAM: _check_team,
    ObjectKind.PROJECT: _check_summary,
    ObjectKind.ORGANISATION: _check_home,
    ObjectKind.HONOUR: _check_honour,
    ObjectKind.TRAINING: _check_training,
    ObjectKind.DRIVE: _check_drive,
    ObjectKind.APPEAL: _check_appeal,
}
