"""Use cases of positions: set and read where a site lies."""

from uuid import UUID

from services.recruitment.editing import handlers as editing
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.organisation.handlers import require_site_exists
from services.recruitment.positions import store
from services.recruitment.positions.store import SitePosition
from shared.auth.tokens import Caller
from shared.postgres import Tx

__all__ = ["place", "position"]


async def place(tx: Tx, caller: Caller, site_id: UUID, seen: int, wanted: SitePosition | None) -> SitePosition | None:
    """Set where a site lies, or take the position away; the site's history keeps both.

    Raises:
        NotFound, Forbidden: as for an edit of the site.
        Conflict: ``changed-meanwhile``, ``site-closed``.
    """
    before, after = _said(await position(tx, site_id)), _said(wanted)
    if await editing.replace_part(
        tx, caller, ObjectKind.SITE, site_id, seen, {"position": before}, {"position": after}
    ):
        await store.save_position(tx, site_id, wanted)
    return wanted


async def position(tx: Tx, site_id: UUID) -> SitePosition | None:
    """Where a site lies, or None where it was not said.

    Raises:
        NotFound: there is no such site.
    """
    await require_site_exists(tx, None, site_id)
    return await store.find_position(tx, site_id)


def _said(found: SitePosition | None) -> str | None:
    return None if found is None else f"{found.latitude:.5f}, {found.longitude:.5f}"
