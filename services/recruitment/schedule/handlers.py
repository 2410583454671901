"""Use case of the schedule: the shifts that the caller runs in a period."""

from datetime import datetime, timedelta
from uuid import UUID

from services.recruitment.schedule import store
from services.recruitment.schedule.store import ScheduledShift
from shared.auth.tokens import Caller, Role
from shared.errors import Invalid
from shared.postgres import Tx

__all__ = ["LONGEST", "listing"]

LONGEST = timedelta(days=62)
"""The longest period of one listing."""


async def listing(
    tx: Tx,
    caller: Caller,
    *,
    start: datetime,
    end: datetime,
    site_id: UUID | None,
    team_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ScheduledShift]:
    """A page of the shifts at the caller's sites, and of the teams that the caller leads, that overlap [start, end).

    Raises:
        Invalid: ``period-reversed``, ``period-too-long``.
    """
    if end <= start:
        raise Invalid("period-reversed", "`to` must come after `from`.")
    if end - start > LONGEST:
        raise Invalid("period-too-long", f"The schedule shows at most {LONGEST.days} days at once.")
    staff = caller.has(Role.STATION, Role.OPERATOR)
    return await store.list_schedule(
        tx,
        start=start,
        end=end,
        site_id=site_id,
        team_id=team_id,
        all_sites=staff and caller.site_ids is None,
        site_ids=sorted(caller.site_ids or ()) if staff else (),
        team_ids=sorted(caller.team_ids) if caller.has(Role.LEADER) else (),
        after=after,
        limit=limit,
    )
