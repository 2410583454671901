"""Use cases of the menu and the calendar: say what can be ordered, and which days are worked."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from services.recruitment.activities.guards import actor_id
from services.recruitment.orders import store as orders
from services.recruitment.orders.menu import store
from services.recruitment.orders.store import Need
from services.recruitment.organisation import store as organisation
from shared.auth.tokens import Caller
from shared.errors import Conflict, Invalid, NotFound
from shared.postgres import Tx

__all__ = ["NeedTerms", "set_day", "set_need"]

NeedTerms = tuple[str | None, int, int, bool, UUID | None]
"""(what, minutes, people, orderable, theme): what a need tag means as an order."""


async def set_need(tx: Tx, caller: Caller, tag_id: UUID, seen: int, terms: NeedTerms) -> Need:
    """Say what a need tag means as an order; ``seen`` is the version that the caller decided on, 0 at first.

    Raises:
        NotFound: there is no such tag.
        Invalid: there is no such theme.
        Conflict: ``changed-meanwhile``.
    """
    found = await orders.find_need(tx, tag_id)
    if found is None:
        raise NotFound("need-unknown", "There is no such need on the menu.")
    what, minutes, people, orderable, theme_id = terms
    if theme_id is not None and await organisation.find_theme(tx, theme_id) is None:
        raise Invalid("reference-unknown", f"theme_id {theme_id} does not exist.", member="theme_id")
    changed = replace(
        found,
        what=what,
        minutes=minutes,
        people=people,
        orderable=orderable,
        theme_id=theme_id,
        version=seen + 1,
    )
    if seen != found.version or not await store.save_need(tx, changed, actor_id(caller), await tx.now()):
        raise Conflict("changed-meanwhile", "The menu was changed at the same time; read it again.")
    return changed


async def set_day(tx: Tx, caller: Caller, day: date, works: bool) -> None:
    """Say whether a day is worked."""
    await store.save_day(tx, day, works, actor_id(caller), await tx.now())
