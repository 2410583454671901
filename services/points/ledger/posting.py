"""From changed buckets to transfers: each volunteer's wallet takes what their buckets gained and lost. Pure.

Over one commit a volunteer's increases come before their decreases, each in the order (bucket, expiry), so that moving
points between buckets doesn't pass through debt.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from uuid import UUID

from services.points.ledger.buckets import BucketChange, VolunteerRow, differences
from services.points.ledger.domain import Lot, LotKey, Transfer, Wallet

__all__ = ["Books", "Grant", "Posting", "split_grants"]

_NOTHING: Mapping[date, int] = {}


Step = tuple[UUID, str, date, int, int]
"""One difference to post: whose, of which bucket, for which expiry, by how much, and the place of the change."""

Posting = tuple[BucketChange, int, Sequence[Transfer]]
"""A changed bucket, by how much its award changed in all, and the transfers that this brought about."""


Grant = tuple[BucketChange, date, int]
"""A new bucket whose points go into its one lot and nowhere else: its last valid day, and how many they are."""


def split_grants(
    volunteers: Mapping[UUID, VolunteerRow], changes: Sequence[BucketChange], today: date, caps: Container[UUID]
) -> tuple[list[Grant], list[BucketChange]]:
    """The changes that are plain grants, and those that need `Books`; all of one volunteer's are of the same kind.

    Most are grants: a test holds them to what `Books` makes of them.
    """
    grants: list[Grant] = []
    involved: set[UUID] = set()
    for change in changes:
        volunteer_id, _, old, _, points, _ = change
        if old is not None or len(points) > 1:
            involved.add(volunteer_id)
            continue
        for expires_on, amount in points.items():
            if amount <= 0 or expires_on < today or volunteers[volunteer_id].figures.debt or volunteer_id in caps:
                involved.add(volunteer_id)
            else:
                grants.append((change, expires_on, amount))
    if not involved:
        return grants, []
    left = [change for change in changes if change.volunteer_id in involved]
    return [grant for grant in grants if grant[0].volunteer_id not in involved], left


class Books:
    """The wallets of one commit."""

    def __init__(
        self,
        volunteers: Mapping[UUID, VolunteerRow],
        changes: Sequence[BucketChange],
        lots: Mapping[UUID, list[Lot]],
        today: date,
        caps: Mapping[UUID, int] = MappingProxyType({}),
    ) -> None:
        """``caps``: the highest balances, of those volunteers whose rule has one."""
        self._volunteers = volunteers
        self._changes = changes
        self._today = today
        self._caps = caps
        self._stored: set[tuple[UUID, LotKey]] = set()
        self.wallets: dict[UUID, Wallet] = {}
        self._transfers: list[list[Transfer]] = [[] for _ in changes]
        self._amounts = [0] * len(changes)
        for volunteer_id, found in lots.items():
            self.add_lots(volunteer_id, found)
        self._increases, self._decreases = self._steps()

    def _steps(self) -> tuple[list[Step], list[Step]]:
        increases: list[Step] = []
        decreases: list[Step] = []
        for place, change in enumerate(self._changes):
            posted: Mapping[date, int] = _NOTHING
            if change.old is not None and (wallet := self.wallets.get(change.volunteer_id)) is not None:
                posted = {lot.expires_on: lot.awarded for lot in wallet.lots.values() if lot.bucket == change.bucket}
            for expires_on, amount in differences(change.points, posted).items():
                step = (change.volunteer_id, change.bucket, expires_on, amount, place)
                (increases if amount > 0 else decreases).append(step)
        # Each wallet takes its own steps in order, whatever other wallets do in between.
        increases.sort(key=_by_award)
        decreases.sort(key=_by_award)
        return increases, decreases

    def wallet(self, volunteer_id: UUID) -> Wallet:
        found = self.wallets.get(volunteer_id)
        if found is None:
            found = self.wallets[volunteer_id] = Wallet(self._volunteers[volunteer_id].figures, (), self._today)
        return found

    def add_lots(self, volunteer_id: UUID, lots: Iterable[Lot]) -> None:
        """Stored lots, unless they are here already (then these are newer)."""
        wallet = self.wallet(volunteer_id)
        for lot in lots:
            if lot.key not in wallet.lots:
                wallet.lots[lot.key] = lot
                self._stored.add((volunteer_id, lot.key))

    def donors(self) -> set[UUID]:
        """Volunteers whose decreases need to know what was donated (`add_donated`, before anything is posted)."""
        return {step[0] for step in self._decreases if self._volunteers[step[0]].figures.donated}

    def add_donated(self, volunteer_id: UUID, lots: Iterable[tuple[Lot, int]]) -> None:
        """Lots of which points were donated, and how many."""
        wallet = self.wallet(volunteer_id)
        for lot, donated in lots:
            self.add_lots(volunteer_id, [lot])
            wallet.lots[lot.key].donated = donated

    def increase(self) -> set[UUID]:
        """Post the increases.

        Returns:
            The volunteers that need more lots than their buckets' own: for decreases, or because their balance is above
            the highest.
        """
        for step in self._increases:
            self._post(step)
        wanted: dict[tuple[UUID, str], int] = {}
        for volunteer_id, bucket, _, amount, _ in self._decreases:
            wanted[volunteer_id, bucket] = wanted.get((volunteer_id, bucket), 0) - amount
        short = {
            volunteer_id
            for (volunteer_id, bucket), amount in wanted.items()
            if not self.wallet(volunteer_id).covers((bucket, self._today), amount)
        }
        for volunteer_id, cap in self._caps.items():
            wallet = self.wallets.get(volunteer_id)
            if wallet is not None and wallet.available + wallet.held > cap:
                short.add(volunteer_id)
        return short

    def decrease(self) -> list[Posting]:
        """Post the decreases; returns what every change brought about."""
        for step in self._decreases:
            self._post(step)
        if self._caps or self._decreases:
            self._level()
        return [posting for posting in zip(self._changes, self._amounts, self._transfers, strict=True) if posting[2]]

    def _level(self) -> None:
        """Donate what is above the highest balance, beside the last change of each volunteer."""
        last = {change.volunteer_id: place for place, change in enumerate(self._changes) if self._transfers[place]}
        for volunteer_id, place in last.items():
            wallet = self.wallets[volunteer_id]
            wallet.transfers = self._transfers[place]
            wallet.level(self._caps.get(volunteer_id))

    def _post(self, step: Step) -> None:
        volunteer_id, bucket, expires_on, amount, place = step
        wallet = self.wallet(volunteer_id)
        wallet.transfers = self._transfers[place]
        if amount > 0:
            wallet.grant((bucket, expires_on), amount)
        else:
            wallet.reverse((bucket, expires_on), -amount)
        self._amounts[place] += amount

    def lots(self) -> tuple[list[tuple[UUID, Lot]], list[tuple[UUID, Lot]]]:
        """Lots to insert and lots to update, sorted."""
        new: list[tuple[UUID, Lot]] = []
        changed: list[tuple[UUID, Lot]] = []
        for volunteer_id in sorted(self.wallets, key=_bytes):
            wallet = self.wallets[volunteer_id]
            for key in sorted(wallet.touched) if len(wallet.touched) > 1 else wallet.touched:
                stored = (volunteer_id, key) in self._stored
                (changed if stored else new).append((volunteer_id, wallet.lots[key]))
        return new, changed


def _by_award(step: Step) -> tuple[str, date]:
    return step[1], step[2]


def _bytes(volunteer_id: UUID) -> bytes:
    return volunteer_id.bytes
