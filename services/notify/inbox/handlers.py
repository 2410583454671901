"""From notices to messages: one transaction per batch, a handful of statements however large it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from services.notify.deliveries import handlers as deliveries
from services.notify.inbox import store
from services.notify.inbox.domain import Notice, select
from services.notify.inbox.store import Draft, InboxItem
from services.notify.templates.handlers import Catalogue
from shared.errors import NotFound, PermanentError
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["deliver", "read_message", "translated"]

K = TypeVar("K")


async def deliver(tx: Tx, notices: Sequence[Notice], activity_titles: Mapping[UUID, str], catalogue: Catalogue) -> int:
    """Put what the notices say into inboxes, once each; returns how many messages are new.

    Notices that were delivered before do nothing: the message's id follows from the event and the recipient.

    Raises:
        PermanentError: a template is missing or cannot be filled.
    """
    versions = await store.versions(tx, (n.aggregate_id for n in notices))
    stars = await store.stars(tx, (n.recipient_id for n in notices if n.awarded_star or n.revoked_star))
    selection = select(notices, versions, stars)
    await store.remember_titles(tx, activity_titles)
    await store.remember_versions(tx, _changed(selection.versions, versions))
    await store.remember_stars(tx, _changed(selection.stars, stars))
    titles = await store.titles(tx, (n.activity_id for n in selection.messages if n.activity_id))
    drafts = [_draft(notice, titles, catalogue) for notice in selection.messages]
    new = await store.insert_messages(tx, drafts, await tx.now())
    unique = {draft.message_id: draft for draft in drafts if draft.message_id in new}
    await deliveries.enqueue(
        tx,
        [
            deliveries.NewMessage(
                d.message_id,
                d.event_id,
                d.recipient_id,
                d.text.template,
                d.correlation_id,
                d.traceparent,
                d.to_volunteer,
            )
            for d in unique.values()
        ],
    )
    return len(unique)


def _changed(after: Mapping[K, int], before: Mapping[K, int]) -> dict[K, int]:
    return {key: value for key, value in after.items() if before.get(key) != value}


def _draft(notice: Notice, titles: Mapping[UUID, str], catalogue: Catalogue) -> Draft:
    assert notice.template is not None
    activity = titles.get(notice.activity_id) if notice.activity_id else None
    params = {"activity": activity, **notice.params}
    text = catalogue.render(notice.template, params)
    return Draft(
        derived_id("message", notice.event_id, notice.recipient_id),
        notice.event_id,
        notice.recipient_id,
        notice.correlation_id,
        notice.traceparent,
        text,
        params,
        notice.to_volunteer,
    )


def translated(item: InboxItem, catalogue: Catalogue) -> InboxItem:
    """A message in the language of the catalogue; as it was stored where it has no params or they lack something."""
    if item.params is None:
        return item
    try:
        text = catalogue.render(item.template, item.params)
    except PermanentError:
        return item
    return replace(item, title=text.title, body=text.body)


async def read_message(tx: Tx, message_id: UUID, recipient_id: UUID, role: UUID | None = None) -> InboxItem:
    """Mark one's own message read, or for oneself one of a role that one holds.

    Raises:
        NotFound: there is no such message, or it is another recipient's.
    """
    item = await store.mark_read(tx, message_id, recipient_id, await tx.now(), role)
    if item is None:
        raise NotFound("message-unknown", "There is no such message in this inbox.")
    return item
