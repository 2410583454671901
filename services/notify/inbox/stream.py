"""Kafka in: events of points, badges, sign-ups, redemptions, assertions about hours, orders, voids and alerts.

What makes no message, and why: ``hold``, ``capture``, ``release`` and ``refund`` of points, because the redemption's
own event announces it once; attendance, because its points do.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.notify.inbox import handlers
from services.notify.inbox.alerts import alert_notice
from services.notify.inbox.domain import Notice, star_level
from services.notify.inbox.notices import notice_of
from services.notify.inbox.orders import order_notices
from services.notify.inbox.voids import void_notices
from services.notify.templates.domain import day_said
from services.notify.templates.handlers import Catalogue
from shared import deadletters
from shared.cloudevents import Event, decode
from shared.contracts import (
    AlertCleared,
    AlertRaised,
    AssertionNoted,
    BadgeAwarded,
    BadgeRevoked,
    OrderChanged,
    PointsPosted,
    RectificationAnswered,
    RedemptionCaptured,
    RedemptionHeld,
    RedemptionRefunded,
    RedemptionReleased,
    RedemptionReminder,
    ShiftMessageSent,
    ShiftReminder,
    SignupCancelled,
    SignupPlaced,
    SwapDecided,
    SwapProposed,
    VoidsDecided,
    VoidsProposed,
    WaitlistEnded,
    WaitlistJoined,
    WaitlistOffered,
    WaitlistPromoted,
    WaitlistSkipped,
)
from shared.deadletters import DeadLetter
from shared.errors import PermanentError
from shared.kafka.consumer import Message
from shared.postgres import Database

__all__ = ["GROUP", "TOPICS", "InboxStream", "notices_of"]

GROUP = "notify"
TOPICS = ("points", "badges", "signups", "redemptions", "assertions", "alerts", "orders", "proposals")


def notices_of(event: Event[Any]) -> list[Notice]:
    """Make the notices of an event: to its volunteer or the engineers, and to the account that recorded the hours.

    Raises:
        PermanentError: the event's type is not one that these topics carry.
    """
    if isinstance(event.data, OrderChanged):
        return order_notices(event)
    if isinstance(event.data, VoidsProposed | VoidsDecided):
        return void_notices(event)
    build = _BUILDERS.get(type(event.data))
    if build is None:
        raise PermanentError(f"{event.type} is not for this consumer")
    notices = [build(event)]
    if isinstance(event.data, AssertionNoted):
        notices += [_staff_asked(event, each) for each in event.data.staff_ids]
        if (notice := _recorder(event)) is not None:
            notices.append(notice)
    return notices


def _notice(event: Event[Any], template: str | None, /, *, stateful: tuple[str, ...] = (), **more: Any) -> Notice:
    known = {
        name: more.pop(name) for name in ("outdates", "activity_id", "awarded_star", "revoked_star") if name in more
    }
    return notice_of(event, event.data.volunteer_id, template, more, stateful=stateful, **known)


def _points(event: Event[PointsPosted]) -> Notice:
    data = event.data
    template = {"award": "points_awarded", "reversal": "points_reversed", "expiry": "points_expired"}.get(data.reason)
    if data.amount == 0:
        template = None
    elif data.reason == "award" and data.amount < 0:
        template = "points_reversed"
    elif data.bucket is not None and data.bucket.startswith("life/adjustment/"):
        template = "points_adjusted" if data.amount > 0 else "points_adjusted_down"
    elif data.reason == "award" and data.bucket is not None and data.bucket.startswith("life/"):
        template = "points_bonus"
    return _notice(
        event,
        template,
        stateful=("available", "debt"),
        outdates=False,
        activity_id=data.activity_id,
        amount=abs(data.amount),
        available=data.available,
        debt=data.debt,
    )


def _badge_awarded(event: Event[BadgeAwarded]) -> Notice:
    star = star_level(event.data.badge)
    return _notice(event, "star_reached" if star else "badge_awarded", awarded_star=star, name=event.data.name)


def _badge_revoked(event: Event[BadgeRevoked]) -> Notice:
    return _notice(event, "badge_revoked", revoked_star=star_level(event.data.badge), name=event.data.name)


_PLACED = {"waitlist": None, "walk_in": None}
"""Source of a place → its template; a promotion from the waitlist has an event of its own, who walks in is there."""
_CANCELLED = {"called-off": "shift_called_off", "swap": "signup_passed_on"}


def _signup_placed(event: Event[SignupPlaced]) -> Notice:
    data = event.data
    template = _PLACED.get(data.source or "self", "signup_placed")
    return _notice(event, template, activity=data.activity_title, starts_at=data.starts_at, ends_at=data.ends_at)


def _signup_cancelled(event: Event[SignupCancelled]) -> Notice:
    usual = "signup_cancelled_late" if event.data.late else "signup_cancelled"
    template = _CANCELLED.get(event.data.cause or "self", usual)
    return _notice(event, template, activity_id=event.data.activity_id)


def _waitlist_joined(event: Event[WaitlistJoined]) -> Notice:
    data = event.data
    return _notice(event, "waitlist_joined", activity=data.activity_title, starts_at=data.starts_at, rank=data.rank)


def _waitlist_promoted(event: Event[WaitlistPromoted]) -> Notice:
    data = event.data
    return _notice(
        event, "waitlist_promoted", activity=data.activity_title, starts_at=data.starts_at, ends_at=data.ends_at
    )


def _waitlist_offered(event: Event[WaitlistOffered]) -> Notice:
    data = event.data
    return _notice(
        event, "waitlist_offered", activity=data.activity_title, starts_at=data.starts_at, until=data.offer_until
    )


def _waitlist_skipped(event: Event[WaitlistSkipped]) -> Notice:
    return _notice(event, "waitlist_skipped", activity_id=event.data.activity_id, reason=event.data.cause)


def _waitlist_ended(event: Event[WaitlistEnded]) -> Notice:
    # What the volunteers did themselves needs no message.
    template = None if event.data.cause in ("left", "declined") else "waitlist_ended"
    return _notice(event, template, activity_id=event.data.activity_id, reason=event.data.cause)


def _swap_proposed(event: Event[SwapProposed]) -> Notice:
    return _notice(event, "swap_proposed", activity=event.data.activity_title, starts_at=event.data.starts_at)


def _swap_decided(event: Event[SwapDecided]) -> Notice:
    return _notice(event, "swap_decided", activity_id=event.data.activity_id, outcome=event.data.outcome)


def _shift_reminder(event: Event[ShiftReminder]) -> Notice:
    data = event.data
    return _notice(event, "shift_reminder", activity=data.activity_title, starts_at=data.starts_at, hours=data.hours)


def _rectification(event: Event[RectificationAnswered]) -> Notice:
    data = event.data
    return _notice(
        event,
        "rectification_answered",
        activity=data.activity_title,
        starts_at=data.starts_at,
        outcome=data.outcome,
        shift=str(data.shift_id),
    )


def _shift_message(event: Event[ShiftMessageSent]) -> Notice:
    data = event.data
    return _notice(
        event,
        "shift_message",
        activity=data.activity_title,
        starts_at=data.starts_at,
        subject=data.subject,
        words=data.extended,
        shift=str(data.shift_id),
    )


def _redemption(template: str) -> Callable[[Event[Any]], Notice]:
    def build(event: Event[Any]) -> Notice:
        data = event.data
        return _notice(
            event,
            template,
            reward=data.reward_name,
            points=data.points,
            expires_at=getattr(data, "expires_at", None),
        )

    return build


_ASSERTED = {"recorded": "已记", "added": "补记了", "confirmed": "已确认", "overtime": "加记超时"}
_CHANGED = {"corrected": "缩短", "voided": "作废", "restored": "恢复"}
_DECIDED = {
    "approved": ("已通过", "时长已计入。如果不对，请到“我的服务时长”（/me/hours）点“不对”。"),
    "rejected": ("未通过", "这段时长不计入；如有疑问，请联系服务站点。"),
    "lapsed": ("30 天内无人核对", "这段时长不计入；请联系服务站点重新补记。"),
}


def _assertion(event: Event[AssertionNoted]) -> Notice:
    data = event.data
    minutes = data.overtime_minutes or data.minutes
    then = ""
    if data.act in _ASSERTED:
        template, what = "hours_recorded", _ASSERTED[data.act]
    elif data.act in _CHANGED:
        template, what = "hours_changed", _CHANGED[data.act]
    elif data.act in _DECIDED:
        template, (what, then) = "hours_decided", _DECIDED[data.act]
    elif data.act == "auto-closed":
        template, what = "record_auto_closed", ""
    else:
        template, what = "hours_denied", ""
    return _notice(
        event,
        template,
        activity_id=data.activity_id,
        act=data.act,
        what=what,
        then=then,
        minutes=minutes,
        started_at=data.started_at,
        day=day_said(data.started_at),
        waits=bool(data.waits_for) and data.act not in _DECIDED,
        until=data.deniable_until,
    )


def _staff_asked(event: Event[AssertionNoted], staff_id: UUID) -> Notice:
    """Make the notice to one of the site's staff, that records of a shift wait for them."""
    data = event.data
    notice = _notice(
        event,
        "records_auto_closed",
        activity_id=data.activity_id,
        started_at=data.started_at,
        day=day_said(data.started_at),
    )
    return replace(notice, recipient_id=staff_id, to_volunteer=False)


def _recorder(event: Event[AssertionNoted]) -> Notice | None:
    """Make the notice to the account that recorded the hours, where they are refused or denied."""
    data = event.data
    recorder = data.recorded_by
    if recorder is None or recorder == data.volunteer_id or data.act not in ("rejected", "lapsed", "denied"):
        return None
    template = "recorded_hours_denied" if data.act == "denied" else "recorded_hours_refused"
    what = _DECIDED[data.act][0] if data.act in _DECIDED else ""
    notice = _notice(
        event,
        template,
        activity_id=data.activity_id,
        act=data.act,
        what=what,
        minutes=data.overtime_minutes or data.minutes,
        started_at=data.started_at,
        day=day_said(data.started_at),
    )
    return replace(notice, recipient_id=recorder, to_volunteer=False)


_BUILDERS: dict[type, Callable[[Event[Any]], Notice]] = {
    AssertionNoted: _assertion,
    PointsPosted: _points,
    BadgeAwarded: _badge_awarded,
    BadgeRevoked: _badge_revoked,
    SignupPlaced: _signup_placed,
    SignupCancelled: _signup_cancelled,
    SwapProposed: _swap_proposed,
    SwapDecided: _swap_decided,
    ShiftMessageSent: _shift_message,
    ShiftReminder: _shift_reminder,
    RectificationAnswered: _rectification,
    WaitlistJoined: _waitlist_joined,
    WaitlistPromoted: _waitlist_promoted,
    WaitlistOffered: _waitlist_offered,
    WaitlistSkipped: _waitlist_skipped,
    WaitlistEnded: _waitlist_ended,
    RedemptionHeld: _redemption("redemption_held"),
    RedemptionReminder: _redemption("redemption_reminder"),
    RedemptionCaptured: _redemption("redemption_captured"),
    RedemptionReleased: _redemption("redemption_released"),
    RedemptionRefunded: _redemption("redemption_refunded"),
    AlertRaised: alert_notice,
    AlertCleared: alert_notice,
}


class InboxStream:
    """Applies batches; ``delivered`` is set after each commit so that e-mails leave at once."""

    def __init__(self, db: Database, catalogue: Catalogue, delivered: asyncio.Event) -> None:
        self._db = db
        self._catalogue = catalogue
        self._delivered = delivered

    async def handle(self, messages: Sequence[Message]) -> None:
        """Put a batch into inboxes; records that cannot be read become dead letters in the same transaction.

        Raises:
            TransientError: the database is away; the same batch may be given again.
            PermanentError: a message cannot be rendered.
        """
        notices: list[Notice] = []
        titles: dict[UUID, str] = {}
        broken: list[DeadLetter] = []
        for message in messages:
            try:
                event = decode(message.headers, message.value)
                notices.extend(notices_of(event))
            except PermanentError as error:
                broken.append(DeadLetter(message, str(error)))
                continue
            if isinstance(
                event.data, SignupPlaced | WaitlistJoined | WaitlistPromoted | WaitlistOffered | SwapProposed
            ):
                titles[event.data.activity_id] = event.data.activity_title
        async with self._db.transaction() as tx:
            if notices:
                await handlers.deliver(tx, notices, titles, self._catalogue)
            if broken:
                await deadletters.record(tx, broken, group=GROUP)
        self._delivered.set()

    async def dead_letter(self, message: Message, error: Exception) -> None:
        """Keep a record that made its batch fail, with the reason."""
        async with self._db.transaction() as tx:
            await deadletters.record(tx, [DeadLetter(message, f"{type(error).__name__}: {error}")], group=GROUP)
