"""The ledger's arithmetic: any sequence of acts keeps the books."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.ledger.domain import Balances, HeldLot, InsufficientPoints, Lot, Wallet
from tests.support.depth import examples

TODAY = date(2026, 3, 4)
NEXT_YEAR = date(2027, 3, 4)
LATER = date(2028, 3, 4)
HOLD = UUID(int=7)


def wallet(*lots: Lot, debt: int = 0, held: int = 0, spent: int = 0) -> Wallet:
    """A volunteer whose lots are these."""
    available = sum(lot.available for lot in lots)
    expired = sum(lot.expired for lot in lots)
    earned = available + held + spent + expired - debt
    return Wallet(Balances(available, held, debt, earned, spent, expired, 0), lots, TODAY)


def moves(found: Wallet) -> list[tuple[str, int]]:
    return [(transfer.code, transfer.amount) for transfer in found.transfers]


def test_spending_takes_the_lot_that_expires_first() -> None:
    books = wallet(Lot("day/b", LATER, 10, 10), Lot("day/a", NEXT_YEAR, 4, 4))
    assert books.hold(HOLD, 6) == [HeldLot(("day/a", NEXT_YEAR), 4), HeldLot(("day/b", LATER), 2)]
    assert (books.available, books.held) == (8, 6)


def test_a_hold_of_more_than_there_is_is_refused() -> None:
    with pytest.raises(InsufficientPoints, match="11 points are needed and 10 are available"):
        wallet(Lot("day/a", LATER, 10, 10)).hold(HOLD, 11)


def test_points_past_their_day_cannot_be_spent() -> None:
    books = wallet(Lot("day/a", TODAY - timedelta(days=1), 10, 10), Lot("day/b", TODAY, 5, 5))
    with pytest.raises(InsufficientPoints):
        books.hold(HOLD, 6)
    assert books.figures().expired == 10


def test_a_void_gives_back_to_the_same_lots_and_what_is_late_expires_at_once() -> None:
    yesterday = TODAY - timedelta(days=1)
    books = wallet(Lot("day/a", yesterday, 4, 0), Lot("day/b", LATER, 2, 0), held=6)
    books.release(HOLD, [HeldLot(("day/b", LATER), 2), HeldLot(("day/a", yesterday), 4)])
    assert moves(books) == [("release", 4), ("expiry", 4), ("release", 2)]
    assert (books.available, books.held, books.figures().expired) == (2, 0, 4)


def test_a_reversal_takes_own_open_lots_then_own_expired_then_the_latest_others_then_debt() -> None:
    own = Lot("day/a", NEXT_YEAR, 20, 3, 2)
    soon, late = Lot("day/b", NEXT_YEAR, 4, 4), Lot("day/c", LATER, 5, 5)
    books = wallet(own, soon, late, spent=15)
    books.award("day/a", {NEXT_YEAR: -20})
    assert [(t.code, t.debit, t.amount, t.lot) for t in books.transfers] == [
        ("reversal", 1, 3, own.key),
        ("reversal", 5, 2, own.key),
        ("reversal", 1, 5, late.key),
        ("reversal", 1, 4, soon.key),
        ("reversal", 3, 6, None),
    ]
    assert (books.available, books.debt, books.figures().earned, own.awarded) == (0, 6, 9, 0)


def test_earnings_repay_debt_first() -> None:
    books = wallet(debt=6, spent=6)
    books.award("day/a", {LATER: 10})
    assert moves(books) == [("award", 10), ("repayment", 6)]
    assert (books.available, books.debt) == (4, 0)


def test_a_refund_comes_back_from_redeemed() -> None:
    books = wallet(Lot("day/a", LATER, 10, 0), spent=10)
    books.refund(HOLD, [HeldLot(("day/a", LATER), 10)])
    assert (books.available, books.figures().spent) == (10, 0)


acts = st.lists(
    st.tuples(
        st.sampled_from(["award", "award", "award", "hold", "capture", "release", "refund", "tomorrow", "expire"]),
        st.integers(0, 3),
        st.integers(0, 40),
    ),
    max_size=40,
)


@settings(max_examples=examples(300), deadline=None)
@given(acts)
def test_whatever_happens_the_books_balance(drawn: list[tuple[str, int, int]]) -> None:
    books = Wallet(Balances(), (), TODAY)
    holds: dict[int, tuple[str, list[HeldLot]]] = {}
    for number, (act, which, amount) in enumerate(drawn):
        _act(books, holds, number, act, which, amount)
        figures = books.figures()
        assert min(figures) >= 0
        assert figures.available == 0 or figures.debt == 0
        assert figures.available == sum(lot.available for lot in books.lots.values())
        assert figures.earned == sum(lot.awarded for lot in books.lots.values())
        assert figures.expired == sum(lot.expired for lot in books.lots.values())
        assert figures.held == sum(
            taken.amount for status, parts in holds.values() if status == "open" for taken in parts
        )
        assert figures.earned + figures.debt == figures.available + figures.held + figures.spent + figures.expired
    for key, lot in books.lots.items():
        moved = [t for t in books.transfers if t.lot == key]
        assert lot.available == sum((t.credit == 1) * t.amount - (t.debit == 1) * t.amount for t in moved)
        awarded = [t for t in books.transfers if t.award == key]
        assert lot.awarded == sum(t.amount if t.code == "award" else -t.amount for t in awarded)


def _act(
    books: Wallet, holds: dict[int, tuple[str, list[HeldLot]]], number: int, act: str, which: int, amount: int
) -> None:
    if act == "award":
        key = f"day/{which}", TODAY + timedelta(days=which)
        posted = books.lots[key].awarded if key in books.lots else 0
        if amount != posted:
            books.award(key[0], {key[1]: amount - posted})
    elif act == "hold" and 0 < amount <= sum(
        lot.available for lot in books.lots.values() if lot.expires_on >= books.today
    ):
        holds[number] = ("open", books.hold(UUID(int=number), amount))
    elif act in ("capture", "release", "refund"):
        needed = "captured" if act == "refund" else "open"
        ready = [number for number, (status, _) in holds.items() if status == needed]
        if ready:
            chosen = ready[which % len(ready)]
            getattr(books, act)(UUID(int=chosen), holds[chosen][1])
            holds[chosen] = (
                {"capture": "captured", "release": "released", "refund": "refunded"}[act],
                holds[chosen][1],
            )
    elif act == "tomorrow":
        books.today += timedelta(days=1)
    elif act == "expire":
        books.expire()
