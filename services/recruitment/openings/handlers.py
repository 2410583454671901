"""Use cases of opening hours: replace and read the week of a site."""

from collections.abc import Sequence
from uuid import UUID

from services.recruitment.editing import handlers as editing
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.openings import store
from services.recruitment.openings.domain import Duty, Opening, check_openings
from services.recruitment.organisation.handlers import require_site_exists
from shared.auth.tokens import Caller
from shared.errors import Invalid
from shared.postgres import Tx

__all__ = ["replace_week", "week"]

Week = tuple[list[Opening], list[tuple[Duty, str]]]


async def replace_week(
    tx: Tx, caller: Caller, site_id: UUID, seen: int, hours: Sequence[Opening], rota: Sequence[Duty]
) -> Week:
    """Replace opening hours and rota of a site; the site's history keeps both.

    Raises:
        NotFound, Forbidden: as for an edit of the site.
        Invalid: hours overlap, a duty lies outside of them, or a team is none.
        Conflict: ``changed-meanwhile``, ``site-closed``.
    """
    try:
        check_openings(hours, rota)
    except ValueError as error:
        raise Invalid("openings-invalid", str(error)) from None
    teams = {duty.team_id for duty in rota}
    old_hours, old_rota = await week(tx, site_id)
    if teams - {duty.team_id for duty, _ in old_rota} - await store.open_teams(tx, teams):
        raise Invalid("openings-invalid", "A team of the rota does not exist or is closed.")
    before = {"hours": _hours(old_hours), "rota": _rota([duty for duty, _ in old_rota])}
    after = {"hours": _hours(hours), "rota": _rota(rota)}
    if await editing.replace_part(tx, caller, ObjectKind.SITE, site_id, seen, before, after):
        await store.replace_openings(tx, site_id, hours, rota)
    return await week(tx, site_id)


async def week(tx: Tx, site_id: UUID) -> Week:
    """Opening hours and rota of a site.

    Raises:
        NotFound: there is no such site.
    """
    await require_site_exists(tx, None, site_id)
    return await store.hours_of(tx, site_id), await store.rota_of(tx, site_id)


def _hours(hours: Sequence[Opening]) -> list[str]:
    return [f"{each.weekday} {each.opens:%H:%M}-{each.closes:%H:%M}" for each in sorted(hours)]


def _rota(rota: Sequence[Duty]) -> list[str]:
    return [f"{each.weekday} {each.begins:%H:%M}-{each.ends:%H:%M} {each.team_id}" for each in sorted(rota)]
