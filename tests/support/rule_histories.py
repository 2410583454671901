"""Random histories of records under changing rules."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from hypothesis import strategies as st

from services.points.badges.handlers import current_criteria
from services.points.complaints import handlers as complaints
from services.points.ingest.handlers import Policy
from services.points.ingest.stream import IngestStream
from services.points.integrity import handlers as integrity
from services.points.integrity.domain import CaseStatus, Flag, Kind
from services.points.ledger import handlers as ledger
from services.points.policy import stored_policy
from services.points.referrals import handlers as referrals
from services.points.rules import store
from services.points.rules.handlers import Rulebooks
from shared.auth.tokens import Caller, Role
from shared.errors import Conflict, NotFound
from shared.ids import derived_id
from shared.postgres import Database
from tests.integration.points.histories import World, attendance, message
from tests.reference import points as reference
from tests.reference.rules import Record
from tests.support.documents import rule_from
from tests.support.drawn_rules import drawn_rules

__all__ = ["BEGIN", "CALLER", "FOREVER", "NEWCOMERS", "NOW", "Play", "clear", "drawn", "enforce", "rules_in_force"]

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)

BEGIN = datetime(2026, 2, 26, 16, tzinfo=UTC)

FOREVER = NOW + timedelta(days=36500)

CALLER = Caller(subject=UUID(int=1), roles=frozenset({Role.OPERATOR}), site_ids=None)

NEWCOMERS = (10, 11)

"""Numbers of the volunteers whom somebody brings in."""


@st.composite
def rules_in_force(draw: Any) -> list[dict[str, Any]]:
    """One or two rules, the second from within a month on; with bonuses and a balance that is soon reached."""
    found = [draw(drawn_rules())]
    if draw(st.booleans()):
        found.append(draw(drawn_rules(2, date(2026, 3, 15))))
    for rule in found:
        rule |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "referral": st.just({"points": 2}),
                    "balance": st.just({"cap_points": 30}),
                    "integrity": st.sampled_from([{"holds_back": []}, {"holds_back": ["two-sites", "long-day"]}]),
                },
            )
        )
    return found


drawn = st.tuples(
    st.integers(0, 4),  # record
    st.integers(1, 3),  # revision
    st.sampled_from([0, 0, 0, 1]),  # volunteer
    st.sampled_from([0, 0, 1, 16, 17, 40]),  # day
    st.sampled_from([0, 540, 1439]),
    st.sampled_from([60, 0, 15, 100, 480, 900]),
    st.sampled_from(["confirmed", "confirmed", "confirmed", "void"]),
    st.sampled_from(["scanned", "scanned", "kiosk", "backfilled"]),
    st.sampled_from([0, 0, 1, None]),  # activity
    st.sampled_from(["none", "site", "centre"]),
    st.sampled_from(["visit", "night"]),
)


async def clear(database: Database) -> None:
    """No rules, and nobody who stands under any."""
    async with database.transaction() as tx:
        for table in ("volunteers", "buckets", "bucket_history", "lots", "records", "complaints"):
            await tx.execute(f"delete from {table}")
        await tx.execute("delete from rule_versions")
        await tx.execute("delete from rule_generations where generation > 1")
        await tx.execute("update rule_generations set versions = '{}'")


async def enforce(database: Database, rules: list[dict[str, Any]]) -> IngestStream:
    """Nothing but these rules is in force; returns the ingest under them."""
    await clear(database)
    async with database.transaction() as tx:
        for rule in rules:
            await store.install(tx, rule_from(orjson.dumps(rule).decode()))
        await store.fill_generation(tx, 1, [rule["version"] for rule in rules])
        return IngestStream(database, Policy(Rulebooks(), current_criteria()))


@dataclass
class Play:
    """The service and the reference side by side, one commit at a time."""

    world: World
    model: reference.Reference
    today: date

    def __post_init__(self) -> None:
        self.seen: set[tuple[int, int]] = set()
        self.complaints: dict[str, UUID] = {}
        self.referrals: dict[str, UUID] = {}
        self.flags: dict[tuple[int, str], Flag] = {}
        self.cases = 0
        self.holds: list[UUID] = []
        self.redemptions = 0

    def id(self, what: str, number: int) -> UUID:
        return derived_id(what, self.world.number, number)

    def record(self, one: tuple[Any, ...]) -> Record:
        number, revision, volunteer, day, minute, minutes, status, provenance, activity, approval, kind = one
        return Record(
            str(self.id("record", number)), revision, str(self.world.volunteer(volunteer)), status, provenance,
            BEGIN + timedelta(days=day, minutes=minute), minutes,
            None if activity is None else str(self.id("activity", activity)), kind=kind, approval=approval,
        )  # fmt: skip

    async def act(self, act: tuple[Any, ...]) -> None:
        await getattr(self, act[0])(*act[1:])
        await self.world.agrees(self.model, range(2))

    async def ingest(self, batch: list[tuple[Any, ...]]) -> None:
        records = []
        for one in batch:
            if one[:2] not in self.seen:
                self.seen.add(one[:2])
                records.append(self.record(one))
        sent = [
            attendance(
                record, activity_id=None if record.activity is None else UUID(record.activity), kind=record.kind,
                approval_level=record.approval, planned_minutes=record.planned,
            )
            for record in records
        ]  # fmt: skip
        await self.world.stream.handle([message(data) for data in sent])
        self.model.ingest(records, self.today)

    async def complain(self, what: str, number: int) -> None:
        about = self.id(what, number)
        stands = str(about) not in self.complaints
        async with self.world.database.transaction() as tx:
            if stands:
                named = {"activity_id": None, "record_id": None} | {f"{what}_id": about}
                try:
                    made = await complaints.complain(tx, CALLER, stored_policy(), **named, reason="late")
                except NotFound:
                    return
                self.complaints[str(about)] = made.complaint_id
            else:
                await complaints.withdraw(tx, CALLER, self.complaints.pop(str(about)), "nothing to it", stored_policy())
        self.model.complain(str(about), stands, self.today)

    async def flag(self, number: int, kind: Kind) -> None:
        """A case of this kind is opened about a record that was seen, or the one that there is is cleared."""
        record = self.id("record", number)
        if str(record) not in self.model.records:
            return
        open_case = self.flags.pop((number, kind), None)
        async with self.world.database.transaction() as tx:
            if open_case is None:
                whose = ((record, UUID(self.model.records[str(record)].volunteer)),)
                self.cases += 1
                about = f"{self.world.number} {self.cases}"
                evidence = {"day": "2026-03-01", "measured": 1, "limit": 1, "unit": "minutes"}
                made = Flag(kind, "volunteer", about, about, whose, (), evidence, 1)
                assert await integrity.report(tx, [made], stored_policy()) == 1
                self.flags[number, kind] = made
            else:
                await integrity.settle(
                    tx, CALLER, integrity.case_id_of(open_case), CaseStatus.CLEARED, "nothing to it", stored_policy()
                )
        self.model.flag([str(record)], kind, open_case is None, self.today)

    async def refer(self, by: int, number: int) -> None:
        referrer, referred = self.world.volunteer(by), await self.newcomer(number)
        known = self.referrals.get(f"{by} {number}")
        try:
            async with self.world.database.transaction() as tx:
                if known is None:
                    made = await referrals.refer(tx, CALLER, referrer, referred)
                    self.referrals[f"{by} {number}"] = made.referral_id
                else:
                    await referrals.withdraw(tx, CALLER, self.referrals.pop(f"{by} {number}"), "mistaken")
        except (NotFound, Conflict):
            return
        self.model.refer(str(referrer), str(referred), known is None, self.today)

    async def newcomer(self, number: int) -> UUID:
        """One of those who may have been brought in; they have served once."""
        volunteer_id = self.world.volunteer(NEWCOMERS[number])
        if str(volunteer_id) not in self.model.accounts:
            served = Record(
                str(self.id("first", number)), 1, str(volunteer_id), "confirmed", "scanned", BEGIN, 60,
                str(self.id("activity", 2)),
            )  # fmt: skip
            sent = attendance(served, activity_id=self.id("activity", 2))
            await self.world.stream.handle([message(sent)])
            self.model.ingest([served], self.today)
        return volunteer_id

    async def redeem(self, percent: int) -> None:
        volunteer_id = self.world.volunteer(0)
        if str(volunteer_id) not in self.model.accounts:
            return  # to look would open it, under the rules of this moment
        points = self.model.account(str(volunteer_id)).available * percent // 100
        if points:
            self.redemptions += 1
            hold_id = self.id("hold", self.redemptions)
            async with self.world.database.transaction() as tx:
                try:
                    await ledger.hold(tx, volunteer_id, points, hold_id, hold_id=hold_id, expires_at=FOREVER)
                    await ledger.capture(tx, hold_id, hold_id)
                except Conflict:
                    # Points past their day were still counted as available.
                    assert not self.model.hold(str(hold_id), str(volunteer_id), points, self.today)
                    return
            self.holds.append(hold_id)
            assert self.model.hold(str(hold_id), str(volunteer_id), points, self.today)
            assert self.model.capture(str(hold_id))

    async def refund(self) -> None:
        if self.holds:
            hold_id = self.holds.pop()
            async with self.world.database.transaction() as tx:
                await ledger.refund(tx, hold_id, hold_id)
            assert self.model.refund(str(hold_id), self.today)
