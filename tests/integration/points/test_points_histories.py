"""Any history leads where the plain reference model says, in whatever order and batches it comes."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.points.ledger import handlers
from shared.clock import district_day
from shared.errors import Conflict
from shared.ids import derived_id
from shared.postgres import Database
from tests.integration.points.histories import BEGIN, Drawn, World, drawn_revisions, read
from tests.reference import points as reference
from tests.support.databases import Clock

FOREVER = BEGIN + timedelta(days=36500)
PROPERTY = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Delivery:
    """A set of revisions as it comes: shuffled, partly twice, cut into batches."""

    batches: list[list[Drawn]]

    @property
    def revisions(self) -> list[Drawn]:
        return [drawn for batch in self.batches for drawn in batch]


@st.composite
def deliveries(draw: Any) -> Delivery:
    revisions = draw(drawn_revisions)
    again = draw(st.lists(st.sampled_from(revisions), max_size=4))
    order = draw(st.permutations([*revisions, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=4)))
    edges = [0, *cuts, len(order)]
    batches = [list(order[begin:end]) for begin, end in pairwise(edges)]
    return Delivery([batch for batch in batches if batch])


@PROPERTY
@given(deliveries())
async def test_any_order_duplication_and_batching_leads_to_the_same(
    points_db: Database, clock: Clock, delivery: Delivery
) -> None:
    now = BEGIN + timedelta(days=10)
    await clock.set(now)
    world = await World.open(points_db)
    for batch in delivery.batches:
        await world.ingest(batch)
    model = reference.Reference()
    model.ingest([world.record(drawn) for drawn in delivery.revisions], district_day(now))
    await world.agrees(model)
    for number in range(3):
        stored = await read(points_db, world.volunteer(number))
        records = model.of(str(world.volunteer(number)))
        assert (set() if stored is None else stored.badges) == reference.badges(records)


# BEGIN is 28 February 2026: points of its day are good until 28 February 2028, 730 days later.
acts = st.lists(
    st.one_of(
        st.tuples(st.just("serve"), st.integers(0, 3), st.integers(0, 2), st.sampled_from([60, 120, 480])),
        st.tuples(st.just("correct"), st.integers(0, 3), st.sampled_from([0, 15, 60, 90, 480])),
        st.tuples(st.just("void"), st.integers(0, 3)),
        st.tuples(st.just("hold"), st.sampled_from([10, 40, 70, 100, 100, 110])),
        st.tuples(st.sampled_from(["capture", "capture", "release", "refund"]), st.integers(0, 3)),
        st.tuples(st.just("until"), st.sampled_from([730, 731, 732, 733])),
        st.tuples(st.just("expire")),
    ),
    min_size=4,
    max_size=20,
)


class Play:
    """The service and the reference, side by side, one commit at a time."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world = world
        self.clock = clock
        self.model = reference.Reference()
        self.now = BEGIN
        self.holds: list[UUID] = []
        self.records: dict[int, Drawn] = {}

    @property
    def today(self) -> date:
        return district_day(self.now)

    async def act(self, act: tuple[Any, ...]) -> None:
        what = act[0]
        if what == "serve" and act[1] not in self.records:
            await self._ingest(Drawn(act[1], 1, 0, act[2], 540, act[3], "confirmed", "scanned"))
        elif what in ("correct", "void") and (known := self.records.get(act[1])) is not None:
            changes = {"minutes": act[2], "status": "confirmed"} if what == "correct" else {"status": "void"}
            await self._ingest(known._replace(revision=known.revision + 1, **changes))
        elif what == "hold":
            volunteer_id = self.world.volunteer(0)
            available = self.model.account(str(volunteer_id)).available
            await self._hold(volunteer_id, max(1, available * act[1] // 100))
        elif what == "until":
            self.now = max(self.now, BEGIN + timedelta(days=act[1]))
            await self.clock.set(self.now)
        elif what == "expire":
            while await handlers.expire_points(self.world.database):
                pass
            self.model.expire(self.today)
        elif what in ("capture", "release", "refund") and self.holds:
            await self._settle(what, self.holds[act[1] % len(self.holds)])
        await self.world.agrees(self.model)

    async def _ingest(self, drawn: Drawn) -> None:
        self.records[drawn.record] = drawn
        await self.world.ingest([drawn])
        self.model.ingest([self.world.record(drawn)], self.today)

    async def _hold(self, volunteer_id: UUID, points: int) -> None:
        hold_id = derived_id("hold", self.world.number, len(self.holds))
        try:
            async with self.world.database.transaction() as tx:
                await handlers.hold(tx, volunteer_id, points, hold_id, hold_id=hold_id, expires_at=FOREVER)
            done = True
            self.holds.append(hold_id)
        except Conflict:
            done = False
        assert self.model.hold(str(hold_id), str(volunteer_id), points, self.today) == done

    async def _settle(self, what: str, hold_id: UUID) -> None:
        command = {"capture": handlers.capture, "release": handlers.void, "refund": handlers.refund}[what]
        try:
            async with self.world.database.transaction() as tx:
                await command(tx, hold_id, hold_id)
            done = True
        except Conflict:
            done = False
        if what == "capture":
            assert self.model.capture(str(hold_id)) == done
        elif what == "release":
            assert self.model.release(str(hold_id), self.today) == done
        else:
            assert self.model.refund(str(hold_id), self.today) == done


@PROPERTY
@given(acts)
async def test_spending_and_expiry_in_between_lead_where_the_reference_says(
    points_db: Database, clock: Clock, drawn_acts: list[tuple[Any, ...]]
) -> None:
    await clock.set(BEGIN)
    play = Play(await World.open(points_db), clock)
    for act in drawn_acts:
        await play.act(act)
