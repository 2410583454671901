"""Sites as events, in the transaction that changes them."""

from datetime import datetime

from services.recruitment.organisation.store import Site
from shared import outbox
from shared.contracts import SiteChanged
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["publish_site"]

_SOURCE = "weiguang/recruitment"


async def publish_site(tx: Tx, site: Site, at: datetime) -> None:
    """Append the event of a site at its version."""
    data = SiteChanged(
        site_id=site.site_id,
        kind=site.kind.value,
        name=site.name,
        parent_id=site.parent_id,
        closed=site.closed_at is not None,
        changed_at=at,
    )
    event_id = derived_id("site", site.site_id, site.version)
    await outbox.append(tx, outbox.event(data, source=_SOURCE, aggregate_version=site.version, id=event_id, time=at))
