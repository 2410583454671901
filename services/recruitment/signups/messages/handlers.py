"""Use cases of messages to the people of a shift: send one, and read them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from services.recruitment.activities.guards import actor_id, is_staff_of, may_run, require_run, unwrap
from services.recruitment.signups import placing
from services.recruitment.signups import store as signups
from services.recruitment.signups.events import SOURCE
from services.recruitment.signups.messages import domain, store
from services.recruitment.signups.messages.domain import MessageKind, ShiftMessage
from services.recruitment.vault.cipher import Cipher
from shared import outbox
from shared.auth.tokens import Caller
from shared.contracts import ShiftMessageSent
from shared.errors import NotFound
from shared.ids import derived_id, new_id
from shared.postgres import Tx

__all__ = ["listing", "send"]

_DAY = timedelta(days=1)


async def send(
    tx: Tx, cipher: Cipher, caller: Caller, shift_id: UUID, kind: MessageKind, words: str | None
) -> ShiftMessage:
    """Send a message to all who have a place in a shift or a record of it; own words stay here, sealed.

    Raises:
        NotFound: no such shift.
        Forbidden: neither staff of the site nor leader of the team.
        Refusal: ``words-missing``, ``recipients-missing``, ``shift-over``, ``messages-too-many``.
    """
    found = placing.visible_shift(caller, shift_id, await signups.find_placing(tx, shift_id))
    require_run(caller, found.site_id, found.team_id)
    await store.lock_shift(tx, shift_id)
    found, now = await placing.shift_of(tx, shift_id), await tx.now()
    people = await store.people_of(tx, shift_id)
    wanted = ShiftMessage(
        message_id=new_id(),
        shift_id=shift_id,
        kind=kind,
        words=words,
        sent_by=actor_id(caller),
        by_staff=is_staff_of(caller, found.site_id),
        sent_at=now,
        recipients=len(people),
    )
    lately = await store.count_since(tx, shift_id, now - _DAY)
    message = unwrap(domain.compose(wanted, found.shift, lately=lately))
    sealed = (None, None) if words is None else cipher.seal_text(message.message_id, words)
    await store.insert_message(tx, message, *sealed)
    events = [
        outbox.event(
            ShiftMessageSent(
                message_id=message.message_id,
                volunteer_id=volunteer_id,
                shift_id=shift_id,
                activity_id=found.shift.activity_id,
                activity_title=found.title,
                site_id=found.site_id,
                starts_at=found.shift.starts_at,
                subject=message.kind.value,
                extended=words is not None,
                sent_at=now,
            ),
            source=SOURCE,
            aggregate_version=1,
            id=derived_id("shift-message", message.message_id, volunteer_id),
            time=now,
        )
        for volunteer_id in people
    ]
    await outbox.append(tx, *events)
    return message


async def listing(tx: Tx, cipher: Cipher, caller: Caller, shift_id: UUID) -> Sequence[ShiftMessage]:
    """The messages of a shift, newest first, for those who run it and those whom they were sent to.

    Raises:
        NotFound: no such shift, or the caller has nothing to do with it.
    """
    found = await signups.find_placing(tx, shift_id)
    if found is not None and (
        may_run(caller, found.site_id, found.team_id)
        or (caller.volunteer_id is not None and await store.is_of_shift(tx, shift_id, caller.require_volunteer()))
    ):
        return [
            replace(message, words=None if sealed is None else cipher.open_text(message.message_id, *sealed))
            for message, sealed in await store.list_messages(tx, shift_id)
        ]
    raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
