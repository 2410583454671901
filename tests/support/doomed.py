"""A service's process that ends, or stops, at a named point.

``python -m tests.support.doomed <point> <n> <service> <role>`` runs the service's own main; the point is a function of
the service that is wrapped from here, so that the product knows nothing of it. At the n-th passing the process sends
itself SIGKILL (or SIGSTOP, where the point's name begins with "stops"): nothing of it runs any more, no finally, no
rollback that it would ask for itself.
"""

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = [
    "ACTIVATIONS",
    "ACTS_ENTERED",
    "AFTER_COMMIT",
    "AFTER_HOLD",
    "BEFORE_INSERT",
    "BEFORE_OFFSETS",
    "CASES_COMMITTED",
    "CASES_REPORTED",
    "INBOX_COMMITTED",
    "INBOX_WRITTEN",
    "ORDERS_COMMITTED",
    "ORDER_CHANGED",
    "ORDER_RECORDED",
    "ORDER_STEPPED",
    "POINTS",
    "RECORDS_CLOSED",
    "RELAY_SENT",
    "SIGNUPS_ENDED",
    "STOPS_INSIDE",
    "STOPS_OUTSIDE",
    "WAITLIST_MOVED",
    "WAITLIST_PLACED",
]

BEFORE_INSERT = "before-insert"
AFTER_COMMIT = "after-commit"
BEFORE_OFFSETS = "before-offset-commit"
AFTER_HOLD = "between-hold-and-answer"
ACTIVATIONS = "within-an-activation"
ORDER_STEPPED = "order-row-without-history"
ORDER_RECORDED = "order-history-without-event"
ORDER_CHANGED = "order-step-before-commit"
ORDERS_COMMITTED = "orders-after-commit"
RELAY_SENT = "relay-before-mark"
INBOX_WRITTEN = "inbox-before-commit"
INBOX_COMMITTED = "inbox-before-offsets"
ACTS_ENTERED = "acts-before-commit"
CASES_REPORTED = "cases-before-commit"
CASES_COMMITTED = "cases-after-commit"
WAITLIST_PLACED = "waitlist-place-without-entry"
WAITLIST_MOVED = "waitlist-before-commit"
RECORDS_CLOSED = "closed-records-before-commit"
SIGNUPS_ENDED = "ended-sign-ups-without-events"
STOPS_OUTSIDE = "stops-holding-a-batch"
STOPS_INSIDE = "stops-inside-the-transaction"

Passed = Callable[[], None]


def _wrap(owner: Any, name: str, *, before: Passed | None = None, after: Callable[..., None] | None = None) -> None:
    """Let a coroutine function call ``before()`` first, and ``after(its arguments, its answer)`` at its end."""
    original = getattr(owner, name)

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before()
        answer = await original(*args, **kwargs)
        if after is not None:
            after(args, answer)
        return answer

    setattr(owner, name, wrapped)


def _before_insert(passed: Passed) -> None:
    _wrap(import_module("services.points.records.store"), "insert_records", before=passed)


def _after_commit(passed: Passed) -> None:
    _wrap(import_module("services.points.ingest.stream").IngestStream, "_apply", after=lambda *_: passed())


def _before_offsets(passed: Passed) -> None:
    offsets = import_module("shared.kafka.offsets").Offsets
    original = offsets.commit

    async def commit(self: Any, *args: Any) -> None:
        if self.group == "points-ingest" and any(
            self.committed.get(one) != done for one, done in self.processed.items()
        ):
            passed()  # something was applied of which the broker does not know
        await original(self, *args)

    offsets.commit = commit


def _after_hold(passed: Passed) -> None:
    def answered(args: tuple[Any, ...], answer: Any) -> None:
        if args[0].url.path.endswith("/redemptions") and "idempotency-replayed" not in answer.headers:
            passed()

    _wrap(import_module("services.points.rewards.api"), "once", after=answered)


def _within_an_activation(passed: Passed) -> None:
    """A batch of volunteers is written and not committed yet."""
    _wrap(import_module("services.points.activations.mover")._Batch, "run", after=lambda *_: passed())


def _stops_outside(passed: Passed) -> None:
    _wrap(import_module("services.points.ingest.stream").IngestStream, "_apply", before=passed)


def _stops_inside(passed: Passed) -> None:
    _wrap(import_module("services.points.ingest.stream"), "ingest", after=lambda *_: passed())


def _order_stepped(passed: Passed) -> None:
    _wrap(import_module("services.recruitment.orders.store"), "insert_change", before=passed)


def _order_recorded(passed: Passed) -> None:
    _wrap(import_module("services.recruitment.orders.parties.store"), "staff_at", before=passed)


def _order_changed(passed: Passed) -> None:
    """The event lies in the outbox, and nothing of it is committed."""
    _wrap(import_module("services.recruitment.orders.journal"), "_record", after=lambda *_: passed())


def _orders_committed(passed: Passed) -> None:
    _wrap(
        import_module("services.recruitment.orders.timers"), "run_due", after=lambda _, done: passed() if done else None
    )


def _relay_sent(passed: Passed) -> None:
    _wrap(
        import_module("shared.outbox.relay").Relay, "_send", after=lambda _, outcome: passed() if outcome.sent else None
    )


def _inbox_written(passed: Passed) -> None:
    _wrap(import_module("services.notify.inbox.handlers"), "deliver", after=lambda *_: passed())


def _inbox_committed(passed: Passed) -> None:
    _wrap(import_module("services.notify.inbox.stream").InboxStream, "handle", after=lambda *_: passed())


def _acts_entered(passed: Passed) -> None:
    _wrap(import_module("services.points.integrity.store"), "entered", after=lambda *_: passed())


def _cases_reported(passed: Passed) -> None:
    """Cases, flags, events and postings are written, and nothing of it is committed."""
    _wrap(import_module("services.points.integrity.handlers"), "report", after=lambda *_: passed())


def _cases_committed(passed: Passed) -> None:
    follower = import_module("services.points.integrity.following").IntegrityFollower
    _wrap(follower, "turn", after=lambda _, done: passed() if done else None)


def _waitlist_placed(passed: Passed) -> None:
    _wrap(import_module("services.recruitment.signups.waitlist.store"), "insert_promoted", after=lambda *_: passed())


def _waitlist_moved(passed: Passed) -> None:
    """Places, entries and events are written, and nothing of it is committed."""
    waitlist = import_module("services.recruitment.signups.waitlist.handlers")
    _wrap(waitlist, "run_due", after=lambda _, moved: passed() if moved else None)


def _records_closed(passed: Passed) -> None:
    attendance = import_module("services.recruitment.attendance.handlers")
    _wrap(attendance, "auto_close", after=lambda _, closed: passed() if closed else None)


def _signups_ended(passed: Passed) -> None:
    _wrap(import_module("services.recruitment.scheduling.store"), "end_signups", after=lambda *_: passed())


POINTS: dict[str, Callable[[Passed], None]] = {
    BEFORE_INSERT: _before_insert,
    AFTER_COMMIT: _after_commit,
    BEFORE_OFFSETS: _before_offsets,
    AFTER_HOLD: _after_hold,
    ACTIVATIONS: _within_an_activation,
    ORDER_STEPPED: _order_stepped,
    ORDER_RECORDED: _order_recorded,
    ORDER_CHANGED: _order_changed,
    ORDERS_COMMITTED: _orders_committed,
    RELAY_SENT: _relay_sent,
    INBOX_WRITTEN: _inbox_written,
    INBOX_COMMITTED: _inbox_committed,
    ACTS_ENTERED: _acts_entered,
    CASES_REPORTED: _cases_reported,
    CASES_COMMITTED: _cases_committed,
    WAITLIST_PLACED: _waitlist_placed,
    WAITLIST_MOVED: _waitlist_moved,
    RECORDS_CLOSED: _records_closed,
    SIGNUPS_ENDED: _signups_ended,
    STOPS_OUTSIDE: _stops_outside,
    STOPS_INSIDE: _stops_inside,
}


def main(point: str, at: int, service: str, role: str) -> None:
    """Run the role until its fate."""
    number = signal.SIGSTOP if point.startswith("stops") else signal.SIGKILL
    passings = 0

    def passed() -> None:
        nonlocal passings
        passings += 1
        if passings == at:
            os.kill(os.getpid(), number)

    POINTS[point](passed)
    import_module(f"services.{service}.__main__").main([role])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
