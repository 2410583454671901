"""The rest of a district, the slow and plain way: shelves and redemptions, adjustments, and rules that follow rules.

Like everything here it imports nothing of the service.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.reference.points import Reference
from tests.reference.rules import Rule, Worth, in_force, last_good_day

__all__ = ["District", "Offer", "Redemption", "Shelf"]


@dataclass
class Offer:
    """A line of the catalogue."""

    price: int
    hold_days: int
    per_quarter: int | None = None
    per_person: int | None = None


@dataclass
class Shelf:
    """Items of one reward at one site."""

    received: int = 0
    free: int = 0
    reserved: int = 0
    handed_over: int = 0


@dataclass
class Redemption:
    """One item for one person."""

    volunteer: str
    reward: str
    site: str
    expires_at: datetime
    quarter: tuple[int, int]
    status: str = "held"


@dataclass
class Adjustment:
    """What operators gave by hand, and took back of it."""

    volunteer: str
    day: date
    points: int = 0


class District(Reference):
    """Everything that points keeps; each method is one commit. Refusals are told by their slug, None is done.

    ``due``: when holds that belong to no redemption run out.
    """

    def __init__(self, rules: list[Rule]) -> None:
        super().__init__(rules)
        self.offers: dict[str, Offer] = {}
        self.shelves: dict[tuple[str, str], Shelf] = {}
        self.redemptions: dict[str, Redemption] = {}
        self.adjustments: dict[str, Adjustment] = {}
        self.due: dict[str, datetime] = {}

    def rule(self, volunteer: str, day: date) -> Rule:
        """The rule of a day, among those that the volunteer stands under."""
        account = self.accounts.get(volunteer)
        return in_force((self.rules if account is None else account.rules) or [], day)

    def _worth(self, volunteer: str) -> Worth:
        found = dict(super()._worth(volunteer))
        for root, given in self.adjustments.items():
            if given.volunteer == volunteer and given.points > 0:
                expires_on = last_good_day(self.rule(volunteer, given.day), given.day)
                found[f"life/adjustment/{root}", expires_on] = given.points
        return found

    def adjust(self, root: str, volunteer: str, points: int, today: date) -> str | None:
        """A second operator approved; ``root`` is the first adjustment of those that correct one another."""
        given = self.adjustments.get(root) or Adjustment(volunteer, today)
        if given.points + points < 0:
            return "adjustment-below-zero"
        given.points += points
        self.adjustments[root] = given
        self._post(volunteer, today)
        return None

    def receive(self, reward: str, site: str, quantity: int) -> None:
        """Items came in, or fewer or more than there should be were counted."""
        shelf = self.shelves.setdefault((reward, site), Shelf())
        shelf.received += quantity
        shelf.free += quantity

    def count(self, reward: str, site: str, counted: int) -> str | None:
        """Somebody counted what lies on a shelf."""
        shelf = self.shelves.get((reward, site))
        if shelf is None:
            return "shelf-unknown"
        if counted < shelf.reserved:
            return "stock-below-zero"
        self.receive(reward, site, counted - shelf.free - shelf.reserved)
        return None

    def refuses(self, volunteer: str, reward: str, site: str, today: date) -> str | None:
        """Why the volunteer may not hold this reward now."""
        offer, shelf = self.offers[reward], self.shelves.get((reward, site), Shelf())
        if shelf.free == 0:
            return "reward-sold-out"
        mine = [one for one in self.redemptions.values() if one.volunteer == volunteer]
        mine = [one for one in mine if one.status in ("held", "captured")]
        this_quarter = [one for one in mine if one.quarter == quarter_of(today)]
        limit = (self.rule(volunteer, today).get("redemptions") or {}).get("per_quarter")
        if limit is not None and len(this_quarter) >= limit:
            return "quarterly-redemptions-used"
        if offer.per_quarter is not None and sum(one.reward == reward for one in this_quarter) >= offer.per_quarter:
            return "reward-limit-reached"
        if offer.per_person is not None and sum(one.reward == reward for one in mine) >= offer.per_person:
            return "reward-limit-reached"
        lots = self.account(volunteer).lots.items() if volunteer in self.accounts else ()
        good = sum(lot.available for key, lot in lots if key[1] >= today)
        return "insufficient-points" if good < offer.price else None

    def redeem(self, redemption: str, volunteer: str, reward: str, site: str, at: datetime, today: date) -> None:
        """Points are held and an item is reserved."""
        offer, shelf = self.offers[reward], self.shelves[reward, site]
        assert self.hold(redemption, volunteer, offer.price, today)
        shelf.free, shelf.reserved = shelf.free - 1, shelf.reserved + 1
        expires_at = at + timedelta(days=offer.hold_days)
        self.redemptions[redemption] = Redemption(volunteer, reward, site, expires_at, quarter_of(today))

    def hand_over(self, redemption: str, at: datetime) -> str | None:
        """The item against the code."""
        taken = self.redemptions[redemption]
        if taken.status != "held":
            return "redemption-not-open"
        if at >= taken.expires_at:
            return "redemption-expired"
        assert self.capture(redemption)
        self._move(taken, "captured", 0, -1, 1)
        return None

    def give_back(self, redemption: str, today: date) -> str | None:
        """Before pickup."""
        taken = self.redemptions[redemption]
        if taken.status != "held":
            return "redemption-not-open"
        assert self.release(redemption, today)
        self._move(taken, "released", 1, -1, 0)
        return None

    def pay_back(self, redemption: str, today: date, *, item_back: bool) -> str | None:
        """After pickup."""
        taken = self.redemptions[redemption]
        if taken.status != "captured":
            return "redemption-not-open"
        assert self.refund(redemption, today)
        self._move(taken, "refunded", int(item_back), 0, -int(item_back))
        return None

    def time_out(self, at: datetime, today: date) -> int:
        """The timer: whatever was not fetched goes back; returns how many redemptions and bare holds."""
        over = sorted(key for key, one in self.redemptions.items() if one.status == "held" and one.expires_at <= at)
        for redemption in over:
            self.give_back(redemption, today)
        bare = sorted(
            (ends, hold) for hold, ends in self.due.items() if ends <= at and self.holds[hold].status == "open"
        )
        for _, hold in bare:
            self.release(hold, today)
        return len(over) + len(bare)

    def _move(self, taken: Redemption, status: str, free: int, reserved: int, handed_over: int) -> None:
        shelf = self.shelves[taken.reward, taken.site]
        taken.status = status
        shelf.free += free
        shelf.reserved += reserved
        shelf.handed_over += handed_over


def quarter_of(day: date) -> tuple[int, int]:
    return day.year, (day.month - 1) // 3
