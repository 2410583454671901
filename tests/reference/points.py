"""The points of a district, the slow and plain way: written from its rules, importing nothing of the service.

It keeps every record, computes all awards anew at each step, and posts what differs. Times are aware datetimes, days
are the district's.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.reference.rules import Record, in_force, months_later
from tests.reference.rules import awards as any_awards

__all__ = ["Record", "Reference", "awards", "badges"]

EARNING = ("scanned", "kiosk", "leader")
STARS = ((100, "star-1"), (300, "star-2"), (600, "star-3"), (1000, "star-4"), (1500, "star-5"))
ANNUAL = (
    (50, "annual-caring"),
    (100, "annual-bronze"),
    (200, "annual-silver"),
    (500, "annual-gold"),
    (1000, "annual-outstanding"),
)
BONUS = "life/first-service"


@dataclass
class Lot:
    """Points of one bucket with one expiry."""

    awarded: int = 0
    available: int = 0
    expired: int = 0
    donated: int = 0


@dataclass
class Hold:
    """Points set aside: which lot gave how many."""

    volunteer: str
    parts: list[tuple[tuple[str, date], int]]
    status: str = "open"


@dataclass
class Account:
    """One volunteer. ``rules``: those that all their buckets stand under; None is the demo's."""

    rules: list[dict[str, Any]] | None = None
    lots: dict[tuple[str, date], Lot] = field(default_factory=dict)
    held: int = 0
    debt: int = 0
    spent: int = 0

    @property
    def available(self) -> int:
        return sum(lot.available for lot in self.lots.values())

    @property
    def expired(self) -> int:
        return sum(lot.expired for lot in self.lots.values())

    @property
    def donated(self) -> int:
        return sum(lot.donated for lot in self.lots.values())

    @property
    def earned(self) -> int:
        return sum(lot.awarded for lot in self.lots.values())

    def balances(self) -> dict[str, int]:
        return {
            "available": self.available,
            "held": self.held,
            "debt": self.debt,
            "earned": self.earned,
            "spent": self.spent,
            "expired": self.expired,
            "donated": self.donated,
        }


def awards(records: list[Record], held: set[str] | None = None) -> dict[tuple[str, date], int]:
    """What one volunteer's records are worth: (bucket, last good day) → points. ``held``: ids of those held back."""
    found: dict[tuple[str, date], int] = {}
    earliest: Record | None = None
    for day in sorted({record.day for record in records}):
        used = 0
        of_day = [record for record in records if record.day == day]
        for record in sorted(of_day, key=lambda one: (one.started_at, one.record_id)):
            if record.status != "confirmed" or record.provenance not in EARNING or record.minutes < 15:
                continue
            if record.record_id in (held or ()):
                continue
            counted = max(0, min(record.minutes, 480 - used))
            used += record.minutes
            if counted < 15:
                continue
            points = counted * (15 if day.month == 3 else 10) // 60
            if points == 0:
                continue
            key = (f"day/{day.isoformat()}", months_later(day, 24))
            found[key] = found.get(key, 0) + points
            if earliest is None or (record.started_at, record.record_id) < (earliest.started_at, earliest.record_id):
                earliest = record
    if earliest is not None:
        found[(BONUS, months_later(earliest.day, 24))] = 20
    return found


def badges(records: list[Record]) -> set[str]:
    """What one volunteer earns: stars by all confirmed hours, each year's grade by its dated hours, the rest by
    witnessed service."""
    confirmed = [record for record in records if record.status == "confirmed"]
    minutes = sum(record.minutes for record in confirmed)
    earned = {badge for hours, badge in STARS if minutes >= hours * 60}
    if any(record.provenance in EARNING for record in confirmed):
        earned.add("first-service")
    witnessed = [record for record in confirmed if record.provenance in EARNING]
    for year in {record.day.year for record in confirmed}:
        dated = [record for record in confirmed if record.day.year == year and record.provenance != "imported"]
        earned |= {f"{badge}-{year}" for hours, badge in ANNUAL if sum(r.minutes for r in dated) >= hours * 60}
        if len([record for record in witnessed if (record.day.year, record.day.month) == (year, 3)]) >= 3:
            earned.add(f"lei-feng-month-{year}")
    if len([record for record in witnessed if record.theme == "晨光问候"]) >= 5:
        earned.add("morning-greeting")
    if len({record.theme for record in witnessed}) >= 10:
        earned.add("ten-themes")
    mondays = {record.day - timedelta(days=record.day.weekday()) for record in witnessed}
    for number, badge in ((4, "four-weeks"), (12, "twelve-weeks")):
        if any(all(monday + timedelta(weeks=week) in mondays for week in range(number)) for monday in mondays):
            earned.add(badge)
    return earned


class Reference:
    """The whole district; each method is one commit, on a day of business time.

    ``rules``: other rules than the demo's, as plain documents (`tests.reference.rules`). Accounts are opened under
    them. When others come into force (``rules`` is set), each volunteer stands under their own until `move`.
    """

    def __init__(self, rules: list[dict[str, Any]] | None = None) -> None:
        self.rules = rules
        self.complained: set[str] = set()
        self.flags: dict[str, set[str]] = {}
        self.referrals: dict[str, dict[str, date]] = {}
        self.records: dict[str, Record] = {}
        self.accounts: dict[str, Account] = {}
        self.holds: dict[str, Hold] = {}

    def of(self, volunteer: str) -> list[Record]:
        return [record for record in self.records.values() if record.volunteer == volunteer]

    def account(self, volunteer: str) -> Account:
        return self.accounts.setdefault(volunteer, Account(self.rules))

    def ingest(self, batch: list[Record], today: date) -> None:
        """Apply revisions: the highest of each record stands."""
        touched = set()
        for record in batch:
            known = self.records.get(record.record_id)
            touched.add(record.volunteer)
            if known is None or record.revision > known.revision:
                if known is not None:
                    touched.add(known.volunteer)
                self.records[record.record_id] = record
        for volunteer in touched:
            self._post(volunteer, today)

    def _post(self, volunteer: str, today: date) -> None:
        account = self.account(volunteer)
        wanted = self._worth(volunteer)
        keys = sorted(wanted.keys() | account.lots.keys())
        changes = [(key, wanted.get(key, 0) - account.lots.get(key, Lot()).awarded) for key in keys]
        for key, change in changes:
            if change > 0:
                account.lots.setdefault(key, Lot()).awarded += change
                self._come_back(account, key, change, today)
        before = account.available - account.debt
        for key, change in changes:
            if change < 0:
                self._take_back(account, key, -change)
        if any(change for _, change in changes):
            self._level(account, before - (account.available - account.debt), today)

    def _worth(self, volunteer: str) -> dict[tuple[str, date], int]:
        rules = self.account(volunteer).rules
        if rules is None:
            held = {record for record, kinds in self.flags.items() if "two-sites" in kinds}
            return awards(self.of(volunteer), held)
        return any_awards(self.of(volunteer), rules, self.complained, self.referrals.get(volunteer), self.flags)

    def move(self, volunteer: str, today: date) -> None:
        """The volunteer stands under the rules in force from now on."""
        self.account(volunteer).rules = self.rules
        self._post(volunteer, today)

    def complain(self, about: str, stands: bool, today: date) -> None:
        """Somebody complained about a record or an activity, or it turned out that there was nothing."""
        (self.complained.add if stands else self.complained.discard)(about)
        for volunteer in sorted(self.accounts):
            self._post(volunteer, today)

    def flag(self, records: list[str], kind: str, stands: bool, today: date) -> None:
        """A case of this kind was opened about records, or cleared."""
        for record in records:
            kinds = self.flags.setdefault(record, set())
            (kinds.add if stands else kinds.discard)(kind)
        for volunteer in sorted(self.accounts):
            self._post(volunteer, today)

    def refer(self, volunteer: str, referred: str, stands: bool, today: date) -> None:
        """The volunteer brought somebody in, today; or did not, after all."""
        brought = self.referrals.setdefault(volunteer, {})
        if stands:
            brought[referred] = today
        else:
            del brought[referred]
        self._post(volunteer, today)

    def _level(self, account: Account, taken: int, today: date) -> None:
        """Above the highest balance points are donated; where some were taken back, donated ones come back."""
        cap = None if account.rules is None else (in_force(account.rules, today).get("balance") or {}).get("cap_points")
        room = 10**9 if cap is None else cap - account.available - account.held
        order = sorted(account.lots, key=lambda k: (k[1], k[0]))
        for key in reversed(order):
            part = min(max(0, -room), account.lots[key].available)
            account.lots[key].available -= part
            account.lots[key].donated += part
            room += part
        for key in order if room >= 0 else ():
            part = max(0, min(taken, room + account.debt, account.lots[key].donated))
            if key[1] >= today and part:
                account.lots[key].donated -= part
                taken -= part
                repaid = min(part, account.debt)
                account.debt -= repaid
                account.lots[key].available += part - repaid
                room -= part - repaid

    def _come_back(self, account: Account, key: tuple[str, date], amount: int, today: date) -> None:
        """Points enter a lot: debt first, then they are good, unless their day is over."""
        repaid = min(amount, account.debt)
        account.debt -= repaid
        lot = account.lots[key]
        lot.available += amount - repaid
        if key[1] < today:
            lot.expired += lot.available
            lot.available = 0

    def _take_back(self, account: Account, key: tuple[str, date], amount: int) -> None:
        account.lots[key].awarded -= amount
        own = sorted((k for k in account.lots if k[0] == key[0]), key=lambda k: (k != key, -k[1].toordinal()))
        others = sorted((k for k in account.lots), key=lambda k: (k[1], k[0]), reverse=True)
        for where, keys in (("available", own), ("expired", own), ("donated", own), ("available", others)):
            for one in keys:
                lot = account.lots[one]
                part = min(amount, getattr(lot, where))
                setattr(lot, where, getattr(lot, where) - part)
                amount -= part
        account.debt += amount

    def expire(self, today: date) -> None:
        """The timer: what is past its day runs out, for everybody."""
        for account in self.accounts.values():
            self._expire(account, today)

    def _expire(self, account: Account, today: date) -> None:
        for key, lot in account.lots.items():
            if key[1] < today:
                lot.expired += lot.available
                lot.available = 0

    def hold(self, hold_id: str, volunteer: str, points: int, today: date) -> bool:
        """Set points aside; False if there are too few, which changes nothing."""
        account = self.account(volunteer)
        good = sum(lot.available for key, lot in account.lots.items() if key[1] >= today)
        if good < points:
            return False
        self._expire(account, today)
        parts = []
        for key in sorted(account.lots, key=lambda k: (k[1], k[0])):
            part = min(points, account.lots[key].available)
            if part:
                account.lots[key].available -= part
                points -= part
                parts.append((key, part))
        account.held += sum(part for _, part in parts)
        self.holds[hold_id] = Hold(volunteer, parts)
        return True

    def capture(self, hold_id: str) -> bool:
        hold = self.holds[hold_id]
        if hold.status != "open":
            return False
        hold.status = "captured"
        total = sum(part for _, part in hold.parts)
        self.account(hold.volunteer).held -= total
        self.account(hold.volunteer).spent += total
        return True

    def release(self, hold_id: str, today: date) -> bool:
        return self._give_back(hold_id, "open", "released", "held", today)

    def refund(self, hold_id: str, today: date) -> bool:
        return self._give_back(hold_id, "captured", "refunded", "spent", today)

    def _give_back(self, hold_id: str, needed: str, becomes: str, source: str, today: date) -> bool:
        hold = self.holds[hold_id]
        if hold.status != needed:
            return False
        hold.status = becomes
        account = self.account(hold.volunteer)
        for key, part in sorted(hold.parts, key=lambda item: (item[0][1], item[0][0])):
            setattr(account, source, getattr(account, source) - part)
            self._come_back(account, key, part, today)
        if source == "spent":
            self._level(account, 0, today)
        return True
