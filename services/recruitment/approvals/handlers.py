"""Use cases of approvals: what waits, the decision of another site, denial by the volunteer, and lapsing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.activities.guards import STAFF, actor_id, refusal, unwrap
from services.recruitment.approvals import domain, events, store, voids
from services.recruitment.approvals.domain import LIFE, Assertion, AssertionCaps, Decider, Decision, Reason
from services.recruitment.approvals.events import Note
from services.recruitment.approvals.store import ApprovalFilter, ApprovalOpening, ListedApproval, Waiting
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import ApprovalLevel, ServiceRecord
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.contracts.attendance import AssertionAct
from shared.errors import Conflict, Forbidden, NotFound, Refusal
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "decidable",
    "decide",
    "decider_of",
    "deny",
    "keep_assertions",
    "lapse",
    "may_decide_on",
    "recorded",
    "split_by_caps",
    "wait",
]


async def split_by_caps(
    tx: Tx, account_id: UUID, assertions: Sequence[Assertion], caps: AssertionCaps
) -> tuple[list[Assertion], list[Assertion]]:
    """Those that stay within the account's caps, in the order given, and those above them, which wait.

    The volunteers are locked; the account's other assertions queue behind this transaction.
    """
    if not assertions:
        return [], []
    await store.lock_asserter(tx, account_id)
    spent = await store.spent(tx, account_id, sorted({district_day(each.started_at) for each in assertions}))
    within, above = [], []
    for each in assertions:
        day = district_day(each.started_at)
        if spent[day].fits(each.volunteer_id, each.minutes, caps):
            spent[day] = spent[day].adding(each.volunteer_id, each.minutes)
            within.append(each)
        else:
            above.append(each)
    return within, above


async def keep_assertions(tx: Tx, account_id: UUID, assertions: Sequence[Assertion], now: datetime) -> None:
    """Write what counts at once on the account's word; the records are written."""
    if assertions:
        await store.insert_assertions(tx, account_id, assertions, now)


async def wait(
    tx: Tx,
    reasons: Mapping[UUID, Sequence[Reason]],
    now: datetime,
    *,
    asked_by: UUID | None = None,
    overtime: int = 0,
) -> None:
    """Let records wait for another site, each for its reasons; with ``overtime`` only those minutes of them do."""
    openings = [ApprovalOpening(new_id(), record_id, why, overtime) for record_id, why in reasons.items() if why]
    if openings:
        await store.open_approvals(tx, openings, asked_by=asked_by, at=now, lapses_at=now + LIFE)


async def decider_of(tx: Tx, caller: Caller) -> Decider | None:
    """The calling account as one that may decide; None for accounts that are not active staff."""
    return await store.find_decider(tx, caller.subject)


async def decidable(
    tx: Tx, caller: Caller, *, about: ApprovalFilter, after: tuple[datetime, UUID] | None, limit: int
) -> list[ListedApproval]:
    """A page of what waits and the caller may decide, oldest first; empty for accounts that may decide nothing."""
    decider = await decider_of(tx, caller)
    if decider is None:
        return []
    return await store.list_decidable(tx, decider, now=await tx.now(), about=about, after=after, limit=limit)


async def recorded(
    tx: Tx, caller: Caller, *, about: ApprovalFilter, before: tuple[datetime, UUID] | None, limit: int
) -> list[ListedApproval]:
    """A page of what the caller or their sites recorded and another site decides or decided, newest first."""
    site_ids: list[UUID] | None = []
    if caller.has(*STAFF):
        site_ids = None if caller.site_ids is None else sorted(caller.site_ids)
    return await store.list_recorded(
        tx, site_ids=site_ids, account_id=actor_id(caller), about=about, before=before, limit=limit
    )


async def decide(
    tx: Tx, caller: Caller, record_ids: Sequence[UUID], decision: Decision, reason: str
) -> list[ServiceRecord]:
    """Decide on records that wait, all or none; returns them as they stand afterwards.

    Raises:
        NotFound: ``approval-unknown``: one of them never waited.
        Forbidden: the caller is not a member of staff.
        Refusal: ``another-site-needed``, ``own-record`` (403); ``approval-decided``, ``approval-lapsed`` (409); each
            names the record.
    """
    decider = await decider_of(tx, caller)
    if decider is None:
        raise Forbidden("another-site-needed", "Only active staff accounts decide on what waits for another site.")
    await records.lock_volunteers(tx, await store.find_volunteers(tx, record_ids))
    claims = await store.find_claims(tx, record_ids)
    now = await tx.now()
    for record_id in record_ids:
        _require_decidable(record_id, claims.get(record_id), decider, now)
    found = await records.find_records(tx, record_ids)
    level = ApprovalLevel.CENTRE if decider.home == decider.centre else ApprovalLevel.SITE
    revisions = {
        record_id: domain.decide(
            found[record_id], claims[record_id].overtime_minutes, decision, decider.subject, level, reason
        )
        for record_id in found
    }
    await attendance.commit_all(tx, [each for each in revisions.values() if each is not None], now)
    state = "approved" if decision is Decision.APPROVE else "rejected"
    closed = [claims[record_id].approval_id for record_id in found]
    if await store.close_approvals(tx, closed, state, decider.subject, now, reason) != len(closed):
        raise Conflict("approval-decided", "One of these was decided at the same time; load the list again.")
    after = {record_id: revision.record if revision else found[record_id] for record_id, revision in revisions.items()}
    await events.publish(
        tx,
        [
            Note(
                record,
                _ACTS[decision],
                claims[record_id].reasons,
                claims[record_id].overtime_minutes,
                decided_by=decider.subject,
            )
            for record_id, record in after.items()
        ],
        now,
    )
    await voids.decided(
        tx,
        {record_id: claims[record_id].reasons for record_id in after},
        "kept" if decision is Decision.APPROVE else "voided",
        now,
        by=decider.subject,
        site_id=decider.home,
    )
    return [after[record_id] for record_id in dict.fromkeys(record_ids)]


_ACTS: Mapping[Decision, AssertionAct] = {Decision.APPROVE: "approved", Decision.REJECT: "rejected"}


def _require_decidable(record_id: UUID, waiting: Waiting | None, decider: Decider, now: datetime) -> None:
    if waiting is None:
        raise NotFound("approval-unknown", f"Record {record_id} does not wait for another site.")
    if (refused := domain.may_decide(decider, waiting.claim)) is not None:
        raise _about(refused, record_id)
    if waiting.state == "open" and waiting.lapses_at > now:
        return
    if waiting.state in ("open", "lapsed"):
        raise Conflict(
            "approval-lapsed",
            "No decision came within 30 days, so this record never counts; void it and enter the hours again.",
            record_id=str(record_id),
        )
    raise Conflict("approval-decided", f"Record {record_id} was {waiting.state} already.", record_id=str(record_id))


def _about(refused: DomainRefusal, record_id: UUID) -> Refusal:
    return refusal(DomainRefusal(refused.slug, refused.detail, refused.status, {"record_id": str(record_id)}))


async def may_decide_on(tx: Tx, caller: Caller, record_id: UUID) -> bool:
    """Whether the record waits and the caller's account is the other site that may decide on it."""
    decider = await decider_of(tx, caller)
    waiting = (await store.find_claims(tx, [record_id])).get(record_id)
    if decider is None or waiting is None or waiting.state != "open":
        return False
    return domain.may_decide(decider, waiting.claim) is None


async def deny(tx: Tx, caller: Caller, record_id: UUID, reason: str) -> ServiceRecord:
    """The calling volunteer says that a record of theirs is not true: it counts no more until another site decides.

    Raises:
        NotFound: no such record, or not the caller's.
        Refusal: ``record-void``, ``record-open``, ``nothing-to-deny``, ``denial-too-late``.
    """
    volunteer_id = caller.require_volunteer()
    await records.lock_volunteer(tx, volunteer_id)
    record = await records.find_record(tx, record_id)
    if record is None or record.volunteer_id != volunteer_id:
        raise NotFound("record-unknown", f"There is no record {record_id}.")
    now = await tx.now()
    asserted_at = await store.last_assertion(tx, record_id)
    revision = unwrap(domain.deny(record, volunteer_id, asserted_at, reason, now))
    await store.withdraw_overtime(tx, record_id, volunteer_id, now)
    denied = await attendance.commit(tx, revision, now)
    await wait(tx, {record_id: [Reason.DENIED]}, now)
    await events.publish(tx, [Note(denied, "denied", [Reason.DENIED])], now)
    return denied


async def lapse(tx: Tx, limit: int) -> int:
    """Lapse what was not decided within its 30 days; returns how many approvals.

    Volunteers whom another transaction holds are left for the next round.
    """
    now = await tx.now()
    due = await store.due_volunteers(tx, now, limit)
    if not due:
        return 0
    lapsed = await store.lapse(tx, await records.lock_idle_volunteers(tx, due), now)
    found = await records.find_records(tx, [each.record_id for each in lapsed])
    notes = [Note(found[each.record_id], "lapsed", each.reasons, each.overtime_minutes) for each in lapsed]
    if notes:
        await events.publish(tx, notes, now)
    await voids.decided(tx, {each.record_id: each.reasons for each in lapsed}, "lapsed", now)
    return len(lapsed)
