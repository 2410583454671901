"""Use cases of need tags: keep them, and say which a team serves."""

from collections.abc import Collection
from uuid import UUID

from services.recruitment.editing import handlers as editing
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.needs import store
from services.recruitment.needs.store import NeedTag
from services.recruitment.organisation.domain import clean_title
from shared.auth.tokens import Caller
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["add_tag", "set_tags"]


async def add_tag(tx: Tx, tag: str, zh: str, en: str) -> NeedTag:
    """Add a need tag.

    Raises:
        Invalid: a name is empty or too long.
        Conflict: the code is taken.
    """
    try:
        zh, en = clean_title(zh, "zh", 50), clean_title(en, "en", 50)
    except ValueError as error:
        raise Invalid("tag-invalid", str(error)) from None
    now, tag_id = await tx.now(), new_id()
    if not await store.add_tag(tx, tag_id, tag, zh, en, now):
        raise Conflict("tag-exists", f"There is already an open tag {tag}.")
    return NeedTag(tag_id, tag, zh, en, now, 1, None, 0)


async def set_tags(tx: Tx, caller: Caller, team_id: UUID, seen: int, tag_ids: Collection[UUID]) -> None:
    """Replace the needs that a team serves; the team's history keeps both.

    Raises:
        NotFound, Forbidden: as for an edit of the team.
        Invalid: one of the ids is no open tag.
        Conflict: ``changed-meanwhile``, ``team-closed``.
    """
    wanted = set(tag_ids)
    before = await store.tags_of(tx, team_id)
    if unknown := wanted - before.keys() - await store.open_tags(tx, wanted):
        named = sorted(str(each) for each in unknown)
        raise Invalid("tag-unknown", f"These are no open tags: {', '.join(named)}.", tags=named)
    old, new = (sorted(str(each) for each in ids) for ids in (before, wanted))
    if await editing.replace_part(tx, caller, ObjectKind.TEAM, team_id, seen, {"tags": old}, {"tags": new}):
        await store.set_tags(tx, team_id, wanted)
