"""Use cases of rectifications: point out an error, list, and answer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.recruitment.activities.guards import STAFF, actor_id, is_staff_of, refusal
from services.recruitment.attendance import store as records
from services.recruitment.rectifications import domain, store
from services.recruitment.rectifications.domain import Rectification, RectificationOutcome
from services.recruitment.signups import store as signups
from services.recruitment.signups.events import SOURCE
from services.recruitment.vault.cipher import Cipher
from shared import outbox
from shared.auth.tokens import Caller
from shared.contracts import RectificationAnswered
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["View", "answer", "ask", "listing"]

View = Literal["own", "open", "answered"]


async def ask(tx: Tx, cipher: Cipher, caller: Caller, shift_id: UUID, words: str) -> UUID:
    """Keep what the calling volunteer says about their record of a shift, or that there is none; returns its id.

    Raises:
        NotFound: no such shift, or the volunteer neither signed up for it nor has a record of it.
        Refusal: ``shift-not-begun``, ``rectification-too-late``, ``rectification-open``.
    """
    who = caller.require_volunteer()
    await records.lock_volunteer(tx, who)
    found = await signups.find_placing(tx, shift_id)
    if found is None or not await store.has_to_do(tx, shift_id, who):
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    now, shift = await tx.now(), found.shift
    if (refused := domain.ask(shift, waits=await store.waits(tx, shift_id, who), now=now)) is not None:
        raise refusal(refused)
    asked = Rectification(
        new_id(),
        shift_id,
        shift.activity_id,
        found.site_id,
        who,
        "",
        found.title,
        shift.starts_at,
        shift.ends_at,
        now,
    )
    await store.insert_rectification(tx, cipher, asked, words)
    return asked.rectification_id


async def listing(
    tx: Tx,
    cipher: Cipher,
    caller: Caller,
    view: View,
    *,
    shift_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Rectification]:
    """A page of requests, newest first: the volunteer's own, or those of the caller's sites.

    Raises:
        Forbidden: the caller is no volunteer, or no member of staff, as the view needs.
    """
    if view == "own":
        return await store.list_rectifications(
            tx,
            cipher,
            volunteer_id=caller.require_volunteer(),
            site_ids=None,
            answered=None,
            shift_id=shift_id,
            before=before,
            limit=limit,
        )
    if not caller.has(*STAFF):
        raise Forbidden("staff-only", "Only staff of the site can do this.")
    return await store.list_rectifications(
        tx,
        cipher,
        volunteer_id=None,
        site_ids=None if caller.site_ids is None else sorted(caller.site_ids),
        answered=view == "answered",
        shift_id=shift_id,
        before=before,
        limit=limit,
    )


async def answer(
    tx: Tx, cipher: Cipher, caller: Caller, rectification_id: UUID, outcome: RectificationOutcome, words: str
) -> UUID:
    """Answer a request about a shift of the caller's sites; returns its id. The volunteer is notified.

    Raises:
        NotFound: there is no such request at the caller's sites.
        Refusal: ``own-record``, ``rectification-answered``.
    """
    asked = await store.find_rectification(tx, rectification_id)
    if asked is None or not is_staff_of(caller, asked.site_id):
        raise NotFound("rectification-unknown", f"There is no request {rectification_id}.")
    if (refused := domain.answer(asked, caller.volunteer_id)) is not None:
        raise refusal(refused)
    now = await tx.now()
    answered = replace(asked, outcome=outcome, answered_by=actor_id(caller), answered_at=now)
    if not await store.answer_rectification(tx, cipher, answered, words):
        raise Conflict("rectification-answered", "This request was answered at the same time.")
    data = RectificationAnswered(
        rectification_id=rectification_id,
        volunteer_id=asked.volunteer_id,
        shift_id=asked.shift_id,
        activity_id=asked.activity_id,
        activity_title=asked.title,
        site_id=asked.site_id,
        starts_at=asked.starts_at,
        outcome=outcome.value,
        answered_at=now,
    )
    await outbox.append(tx, outbox.event(data, source=SOURCE, aggregate_version=1, time=now))
    return rectification_id
