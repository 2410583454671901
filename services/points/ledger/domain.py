"""The ledger's arithmetic: accounts, lots, and which transfers an act brings about. Pure; whole points.

An account's balance is its credits less its debits. Issuance and debt are negative, all accounts sum to zero, and so
issued = available + held + spent + expired + donated - debt at any time.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

__all__ = [
    "AVAILABLE",
    "DEBT",
    "DONATED",
    "EXPIRED",
    "HELD",
    "ISSUANCE",
    "REDEEMED",
    "Balances",
    "HeldLot",
    "InsufficientPoints",
    "Lot",
    "LotKey",
    "Transfer",
    "Wallet",
]

ISSUANCE: Final = 0
AVAILABLE: Final = 1
HELD: Final = 2
DEBT: Final = 3
REDEEMED: Final = 4
EXPIRED: Final = 5
DONATED: Final = 6

LotKey = tuple[str, date]
"""A lot is named by its bucket and the last day on which its points are good."""


class InsufficientPoints(Exception):
    """More points are asked for than can be spent."""

    def __init__(self, available: int, needed: int) -> None:
        super().__init__(f"{needed} points are needed and {available} are available")
        self.available = available
        self.needed = needed


class Transfer(NamedTuple):
    """One movement. ``award`` names whose award changed, ``lot`` the lot whose points moved, ``pending`` the hold."""

    code: str
    debit: int
    credit: int
    amount: int
    award: LotKey | None
    lot: LotKey | None
    pending: UUID | None


class Balances(NamedTuple):
    """A volunteer's balances, as people read them."""

    available: int = 0
    held: int = 0
    debt: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0
    donated: int = 0


class HeldLot(NamedTuple):
    """Points that a hold took from one lot."""

    lot: LotKey
    amount: int


class Lot:
    """Points of one bucket with one expiry: what the rule awards, what may be spent, what ran out.

    ``donated`` is what went above the highest balance; it is filled in only where it matters (see `Wallet`).
    """

    __slots__ = ("available", "awarded", "bucket", "donated", "expired", "expires_on")

    def __init__(self, bucket: str, expires_on: date, awarded: int = 0, available: int = 0, expired: int = 0) -> None:
        self.bucket = bucket
        self.expires_on = expires_on
        self.awarded = awarded
        self.available = available
        self.expired = expired
        self.donated = 0

    @property
    def key(self) -> LotKey:
        return self.bucket, self.expires_on


class Wallet:
    """A working copy of one volunteer's balances and lots.

    Every act adds to ``transfers`` and nothing else changes
    a figure.

    ``lots`` need hold only those that the act may touch: an award its own; a reversal its own and, where these don't
    cover it, all open ones; a hold all open ones; what comes back, the lots it came from. Of a volunteer with donated
    points, a reversal needs the lots they came from, with ``donated``.
    """

    __slots__ = ("_balance", "_taken_back", "lots", "today", "touched", "transfers")

    def __init__(self, figures: Balances, lots: Iterable[Lot], today: date) -> None:
        available, held, debt, earned, spent, expired, donated = figures
        self._balance = [-earned, available, held, -debt, spent, expired, donated]
        self.lots: dict[LotKey, Lot] = {lot.key: lot for lot in lots}
        self.today = today
        self.transfers: list[Transfer] = []
        self.touched: set[LotKey] = set()
        self._taken_back = 0

    @property
    def available(self) -> int:
        return self._balance[AVAILABLE]

    @property
    def held(self) -> int:
        return self._balance[HELD]

    @property
    def debt(self) -> int:
        return -self._balance[DEBT]

    def figures(self) -> Balances:
        """The balances as they stand now."""
        issued, available, held, debt, spent, expired, donated = self._balance
        return Balances(available, held, -debt, -issued, spent, expired, donated)

    def award(self, bucket: str, differences: Mapping[date, int]) -> None:
        """Post the change of a bucket's award, per expiry date; increases before decreases."""
        for expires_on in sorted(differences):
            if (difference := differences[expires_on]) > 0:
                self.grant((bucket, expires_on), difference)
        for expires_on in sorted(differences):
            if (difference := differences[expires_on]) < 0:
                self.reverse((bucket, expires_on), -difference)

    def grant(self, key: LotKey, amount: int) -> None:
        """Award points into a lot. They repay debt first; what is already past its day expires at once."""
        lot = self.lots.get(key)
        if lot is None:
            lot = self.lots[key] = Lot(*key)
        lot.awarded += amount
        lot.available += amount
        balance = self._balance
        balance[ISSUANCE] -= amount
        balance[AVAILABLE] += amount
        self.touched.add(key)
        self.transfers.append(Transfer("award", ISSUANCE, AVAILABLE, amount, key, key, None))
        if balance[DEBT] or lot.expires_on < self.today:
            self._settle(lot, amount)

    def reverse(self, key: LotKey, amount: int) -> None:
        """Take back awarded points.

        From the bucket's open lots, then from what expired of them, then from what was
        donated of them, then from other open lots (latest expiry first), and what is left becomes debt. Holds are
        untouched.
        """
        self.lots[key].awarded -= amount
        owned = self.available - self.debt
        self.touched.add(key)
        own = sorted((lot for lot in self.lots.values() if lot.bucket == key[0]), key=lambda lot: _nearest(lot, key))
        for lot in own:
            amount -= self._take("reversal", AVAILABLE, ISSUANCE, lot, min(amount, lot.available), award=key)
        for lot in own:
            amount -= self._take("reversal", EXPIRED, ISSUANCE, lot, min(amount, lot.expired), award=key)
        for lot in own:
            amount -= self._take("reversal", DONATED, ISSUANCE, lot, min(amount, lot.donated), award=key)
        if amount:
            for lot in sorted(self.open_lots(), key=_soonest, reverse=True):
                amount -= self._take("reversal", AVAILABLE, ISSUANCE, lot, min(amount, lot.available), award=key)
        if amount:
            self._move("reversal", DEBT, ISSUANCE, amount, None, award=key)
        self._taken_back += owned - (self.available - self.debt)

    def level(self, cap: int | None) -> None:
        """Bring the balance, holds included, to the highest allowed at the end of a commit.

        What is above is donated, from the lots that expire last. Where reversals took points away, donated points that
        were no excess after all come back, to the lots that expire first; never more than was taken.
        """
        over = 0 if cap is None else self.available + self.held - cap
        if over > 0:
            for lot in sorted(self.open_lots(), key=_soonest, reverse=True):
                over -= self._take("donation", AVAILABLE, DONATED, lot, min(over, lot.available))
            return
        back = self._taken_back if cap is None else min(self._taken_back, self.debt - over)
        for lot in sorted((lot for lot in self.lots.values() if lot.donated), key=_soonest):
            amount = min(back, lot.donated)
            if amount > 0 and lot.expires_on >= self.today:
                back -= amount
                self._move("return", DONATED, AVAILABLE, amount, lot)
                self._settle(lot, amount)

    def covers(self, key: LotKey, amount: int) -> bool:
        """Whether the lots of the key's own bucket cover the reversal."""
        return (
            sum(lot.available + lot.expired + lot.donated for lot in self.lots.values() if lot.bucket == key[0])
            >= amount
        )

    def hold(self, hold_id: UUID, amount: int) -> list[HeldLot]:
        """Set points aside, from the lots that expire first; lots past their day expire first of all.

        Raises:
            InsufficientPoints: fewer points are available.
        """
        self.expire()
        if amount > self.available:
            raise InsufficientPoints(self.available, amount)
        taken: list[HeldLot] = []
        for lot in sorted(self.open_lots(), key=_soonest):
            part = self._take("hold", AVAILABLE, HELD, lot, min(amount, lot.available), pending=hold_id)
            if part:
                taken.append(HeldLot(lot.key, part))
                amount -= part
        assert amount == 0, "available points are the sum of the open lots"
        return taken

    def capture(self, hold_id: UUID, taken: Iterable[HeldLot]) -> None:
        """Held points are spent."""
        for key, amount in sorted(taken, key=_by_expiry):
            self._move("capture", HELD, REDEEMED, amount, self.lots[key], pending=hold_id)

    def release(self, hold_id: UUID, taken: Iterable[HeldLot]) -> None:
        """Held points go back to the lots that they came from."""
        self._return_lots("release", HELD, hold_id, taken)

    def refund(self, hold_id: UUID, taken: Iterable[HeldLot]) -> None:
        """Spent points go back to the lots that they came from."""
        self._return_lots("refund", REDEEMED, hold_id, taken)

    def expire(self) -> int:
        """Points past their last day run out; returns how many."""
        before = self._balance[EXPIRED]
        for lot in sorted(self.open_lots(), key=_soonest):
            if lot.expires_on >= self.today:
                break
            self._run_out(lot)
        return self._balance[EXPIRED] - before

    def open_lots(self) -> list[Lot]:
        return [lot for lot in self.lots.values() if lot.available]

    def _return_lots(self, code: str, source: int, hold_id: UUID, taken: Iterable[HeldLot]) -> None:
        for key, amount in sorted(taken, key=_by_expiry):
            lot = self.lots[key]
            self._move(code, source, AVAILABLE, amount, lot, pending=hold_id)
            self._settle(lot, amount)

    def _settle(self, lot: Lot, amount: int) -> None:
        """Points that have just come into a lot repay debt, and the rest expires if it is too late for it."""
        if self._balance[DEBT]:
            self._take("repayment", AVAILABLE, DEBT, lot, min(amount, self.debt))
        if lot.available and lot.expires_on < self.today:
            self._run_out(lot)

    def _run_out(self, lot: Lot) -> None:
        amount = lot.available
        lot.expired += amount
        self._move("expiry", AVAILABLE, EXPIRED, amount, lot)

    def _take(
        self,
        code: str,
        debit: int,
        credit: int,
        lot: Lot,
        amount: int,
        award: LotKey | None = None,
        pending: UUID | None = None,
    ) -> int:
        if amount <= 0:
            return 0
        if debit == EXPIRED:
            lot.expired -= amount
        self._move(code, debit, credit, amount, lot, award, pending)
        return amount

    def _move(
        self,
        code: str,
        debit: int,
        credit: int,
        amount: int,
        lot: Lot | None,
        award: LotKey | None = None,
        pending: UUID | None = None,
    ) -> None:
        balance = self._balance
        balance[debit] -= amount
        balance[credit] += amount
        key = None
        if lot is not None:
            key = (lot.bucket, lot.expires_on)
            self.touched.add(key)
            if debit == AVAILABLE:
                lot.available -= amount
            elif credit == AVAILABLE:
                lot.available += amount
            if credit == DONATED:
                lot.donated += amount
            elif debit == DONATED:
                lot.donated -= amount
        self.transfers.append(Transfer(code, debit, credit, amount, award, key, pending))


def _soonest(lot: Lot) -> tuple[date, str]:
    return lot.expires_on, lot.bucket


def _by_expiry(taken: HeldLot) -> tuple[date, str]:
    return taken.lot[1], taken.lot[0]


def _nearest(lot: Lot, key: LotKey) -> tuple[bool, int]:
    """The lot of the award itself first, then the bucket's others, latest expiry first."""
    return lot.expires_on != key[1], -lot.expires_on.toordinal()
