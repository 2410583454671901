"""The service on a real database and the plain reference, side by side: every act is done to both, one commit each.

An act is a plain tuple, its name and small numbers, so that hypothesis can draw it and a seeded generator can make ten
thousand of them. Numbers choose among what there is, modulo how many there are.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

from services.points.adjustments import handlers as adjustments
from services.points.adjustments.domain import AdjustmentStatus as Decision
from services.points.complaints import handlers as complaints
from services.points.ledger import handlers as ledger
from services.points.policy import stored_policy
from services.points.referrals import handlers as referring
from services.points.rewards import handlers as rewards
from services.points.rewards import shelves
from services.points.rewards.domain import Reward
from services.points.rewards.waiting import remind, time_out_bare_holds
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Refusal
from shared.ids import derived_id, new_id
from shared.postgres import Tx
from tests.drill.casework import OPERATORS, Casework
from tests.drill.stage import Stage
from tests.integration.points.histories import attendance, message
from tests.integration.points.serving import EVIDENCE
from tests.reference.district import District, Offer
from tests.reference.rules import Record, Rule

__all__ = ["Act", "Served", "Twins"]

Act = tuple[Any, ...]
BEGIN = datetime(2026, 2, 26, 16, tzinfo=UTC)
"""The beginning of 27 February in the district: points of days around it are good until the end of a February, too."""
PRICES = ((5, 30, None, None), (20, 7, 2, None), (60, 1, None, 3))
_worlds = count(1)


class Served(NamedTuple):
    """One revision of one record; ``day`` counts from the history's first."""

    record: int
    revision: int
    volunteer: int
    day: int
    minute: int
    minutes: int
    status: str = "confirmed"
    provenance: str = "scanned"
    activity: int | None = 0
    approval: str = "none"
    kind: str = "visit"
    theme: str = "夕阳别样红"


class Twins:
    """A history's own volunteers, records and rewards, in the service and in the reference."""

    def __init__(self, stage: Stage, rules: list[Rule], number: int | None = None) -> None:
        self.stage = stage
        self.database = stage.database
        self.number = next(_worlds) if number is None else number
        self.model = District(rules)
        self.now = BEGIN
        self.first_content: dict[tuple[str, int], Record] = {}
        self.conflicting: set[Record] = set()
        self.sent: list[Record] = []
        self.volunteers: dict[str, UUID] = {}
        self.complaints: dict[str, UUID] = {}
        self.referrals: dict[tuple[str, str], UUID] = {}
        self.proposals: list[tuple[UUID, str, int, UUID | None, Caller]] = []
        self.casework = Casework()
        self.codes: dict[str, str] = {}
        self.bare: list[UUID] = []
        self.touched: set[str] = set()
        self.met: dict[str, int] = {}

    @property
    def today(self) -> date:
        return district_day(self.now)

    def id(self, what: str, number: int) -> UUID:
        return derived_id(what, self.number, number)

    def volunteer(self, number: int) -> UUID:
        made = self.id("volunteer", number)
        self.volunteers.setdefault(str(made), made)
        return made

    async def act(self, act: Act) -> None:
        """Do it to both, and compare the volunteers it touched.

        Raises:
            AssertionError: the service did, or stands, otherwise than the reference.
        """
        self.touched.clear()
        self.met[act[0]] = self.met.get(act[0], 0) + 1
        await getattr(self, f"do_{act[0]}")(*act[1:])
        await self.stage.compare(self.model, self.touched)

    async def compare(self) -> None:
        """Everything there is against everything that should be."""
        await self.stage.compare(self.model, self.volunteers)
        await self.stage.compare_goods(self.model)
        await self.stage.compare_letters(len(self.conflicting))

    async def ask(self, work: Callable[[Tx], Awaitable[Any]]) -> tuple[Any, str | None]:
        """A use case in its transaction: what it gives, or the slug of its refusal."""
        try:
            async with self.database.transaction() as tx:
                return await work(tx), None
        except Refusal as refusal:
            self.met[refusal.type] = self.met.get(refusal.type, 0) + 1
            return None, refusal.type

    # -- records

    def record(self, one: Served) -> Record:
        """The revision as the reference reads it."""
        return Record(
            str(self.id("record", one.record)),
            one.revision,
            str(self.volunteer(one.volunteer)),
            one.status,
            one.provenance,
            BEGIN + timedelta(days=one.day, minutes=one.minute),
            one.minutes,
            None if one.activity is None else str(self.id("activity", one.activity)),
            one.kind,
            one.theme,
            approval=one.approval,
        )

    async def do_serve(self, *batch: Served) -> None:
        """One batch of revisions, as the topic brings them."""
        await self.deliver([self.record(one) for one in batch])

    async def do_again(self, place: int, number: int) -> None:
        """What came before comes again."""
        if self.sent:
            place %= len(self.sent)
            await self.deliver(self.sent[place : place + number])

    async def deliver(self, records: Sequence[Record]) -> None:
        """Publish what recruitment has not published yet, and hand the batch to the ingest."""
        fresh, applied = [], []
        for one in records:
            key = (one.record_id, one.revision)
            if key not in self.first_content:
                fresh.append(attendance_of(one))
                applied.append(one)
                self.first_content[key] = one
            elif self.first_content[key] != one:
                self.conflicting.add(one)
            if (standing := self.model.records.get(one.record_id)) is not None:
                self.touched.add(standing.volunteer)
            self.touched.add(one.volunteer)
        await self.stage.publish(fresh)
        await self.stage.handle([message(attendance_of(one)) for one in records])
        self.model.ingest(applied, self.today)
        self.sent.extend(records)

    # -- rewards

    async def do_receive(self, reward: int, site: int, quantity: int) -> None:
        """Items come in; the first ones bring the reward into the catalogue."""
        reward_id, site_id = self.id("reward", reward), self.id("site", site)
        if str(reward_id) not in self.model.offers:
            price, hold_days, per_quarter, per_person = PRICES[reward % len(PRICES)]
            made = Reward(reward_id, "保温杯", "", price, per_quarter, None, None, hold_days, per_person)
            await self.ask(lambda tx: rewards.add_reward(tx, OPERATORS[0], made))
            self.model.offers[str(reward_id)] = Offer(price, hold_days, per_quarter, per_person)
        await self.ask(lambda tx: rewards.receive_stock(tx, OPERATORS[0], reward_id, site_id, quantity, "delivery"))
        self.model.receive(str(reward_id), str(site_id), quantity)

    async def do_count(self, reward: int, site: int, counted: int) -> None:
        """What lies on a shelf is counted."""
        reward_id, site_id = self.id("reward", reward), self.id("site", site)
        _, refused = await self.ask(
            lambda tx: shelves.count_stock(tx, OPERATORS[0], reward_id, site_id, counted, "yearly")
        )
        assert refused == self.model.count(str(reward_id), str(site_id), counted)

    async def do_redeem(self, volunteer: int, reward: int, site: int) -> None:
        """Hold points and an item."""
        volunteer_id, reward_id, site_id = self.volunteer(volunteer), self.id("reward", reward), self.id("site", site)
        if str(reward_id) not in self.model.offers:
            return
        self.touched.add(str(volunteer_id))
        held, refused = await self.ask(lambda tx: rewards.hold(tx, volunteer_id, reward_id, site_id))
        assert refused == self.model.refuses(str(volunteer_id), str(reward_id), str(site_id), self.today)
        if refused is None:
            redemption, code = held
            name = str(redemption.redemption_id)
            self.codes[name] = code
            self.model.redeem(name, str(volunteer_id), str(reward_id), str(site_id), self.now, self.today)

    async def do_capture(self, place: int) -> None:
        """Hand over."""
        name = self._redemption(place)
        if name is not None:
            code = self.codes[name]
            _, refused = await self.ask(lambda tx: rewards.capture(tx, OPERATORS[0], UUID(name), code))
            assert refused == self.model.hand_over(name, self.now)

    async def do_release(self, place: int) -> None:
        """Give back before pickup."""
        name = self._redemption(place)
        if name is not None:
            _, refused = await self.ask(lambda tx: rewards.release(tx, OPERATORS[0], UUID(name), "no longer wanted"))
            assert refused == self.model.give_back(name, self.today)

    async def do_refund(self, place: int, item_back: bool) -> None:
        """Give back after pickup."""
        name = self._redemption(place)
        if name is not None:
            _, refused = await self.ask(
                lambda tx: rewards.refund(tx, OPERATORS[0], UUID(name), "broken", stock_returned=item_back)
            )
            assert refused == self.model.pay_back(name, self.today, item_back=item_back)

    def _redemption(self, place: int) -> str | None:
        if not self.codes:
            return None
        name = list(self.codes)[-1 - place % len(self.codes)]
        self.touched.add(self.model.redemptions[name].volunteer)
        return name

    async def do_hold(self, volunteer: int, percent: int, days: int) -> None:
        """A bare hold of the ledger, without a redemption."""
        volunteer_id, hold_id = self.volunteer(volunteer), new_id()
        name = str(volunteer_id)
        standing = self.model.accounts.get(name)
        points = max(1, (0 if standing is None else standing.available) * percent // 100)
        ends = self.now + timedelta(days=days)
        self.touched.add(name)
        _, refused = await self.ask(
            lambda tx: ledger.hold(tx, volunteer_id, points, hold_id, hold_id=hold_id, expires_at=ends)
        )
        if standing is None:
            assert refused == "insufficient-points"
            return
        assert (refused is None) == self.model.hold(str(hold_id), name, points, self.today)
        if refused is None:
            self.bare.append(hold_id)
            self.model.due[str(hold_id)] = ends

    async def do_settle(self, what: str, place: int) -> None:
        """Post, void or refund a bare hold."""
        if not self.bare:
            return
        hold_id = self.bare[-1 - place % len(self.bare)]
        name = str(hold_id)
        self.touched.add(self.model.holds[name].volunteer)
        command = {"capture": ledger.capture, "release": ledger.void, "refund": ledger.refund}[what]
        _, refused = await self.ask(lambda tx: command(tx, hold_id, new_id()))
        if what == "capture":
            done = self.model.capture(name)
        else:
            done = (self.model.release if what == "release" else self.model.refund)(name, self.today)
        assert (refused is None) == done

    # -- people's facts

    async def do_propose(self, volunteer: int, points: int, operator: int, corrects: int | None) -> None:
        """An operator proposes an adjustment, or to take some of one back."""
        roots = list(self.model.adjustments)
        root = UUID(roots[corrects % len(roots)]) if corrects is not None and roots else None
        volunteer_id = UUID(self.model.adjustments[str(root)].volunteer) if root else self.volunteer(volunteer)
        caller, points = OPERATORS[operator % 3], -abs(points) if root else abs(points)
        made, refused = await self.ask(
            lambda tx: adjustments.propose(tx, EVIDENCE, caller, volunteer_id, points, "counted wrong", "list", root)
        )
        assert refused == (None if str(volunteer_id) in self.model.accounts else "account-unknown")
        if refused is None:
            self.proposals.append((made.adjustment_id, str(volunteer_id), points, root, caller))

    async def do_decide(self, place: int, operator: int, decision: str) -> None:
        """Another operator decides, or the same one tries to; or withdraws."""
        if not self.proposals:
            return
        adjustment_id, volunteer, points, root, proposer = self.proposals[place % len(self.proposals)]
        caller, status = OPERATORS[operator % 3], Decision(decision)
        _, refused = await self.ask(
            lambda tx: adjustments.decision(tx, EVIDENCE, caller, adjustment_id, status, "seen")
        )
        self.touched.add(volunteer)
        if (status is Decision.WITHDRAWN) != (caller == proposer):
            assert refused in ("second-person-needed", "not-the-proposer")
            return
        due = None
        if status is Decision.APPROVED:
            due = self.model.adjust(str(root or adjustment_id), volunteer, points, self.today)
        assert refused == due
        if refused is None:
            self.proposals.pop(place % len(self.proposals))

    async def do_complain(self, what: str, number: int) -> None:
        """Somebody complains about a record or an activity; the second time it turns out to be nothing."""
        about = self.id(what, number)
        name, known, policy = str(about), self.complaints.get(str(about)), stored_policy()
        about_what: dict[str, Any] = {"activity_id": None, "record_id": None, "reason": "late", f"{what}_id": about}
        if known is None:
            made, refused = await self.ask(lambda tx: complaints.complain(tx, OPERATORS[0], policy, **about_what))
            assert (refused is None) == (what == "activity" or name in self.model.records)
            if refused is not None:
                return
            self.complaints[name] = made.complaint_id
        else:
            await self.ask(lambda tx: complaints.withdraw(tx, OPERATORS[0], self.complaints.pop(name), "no", policy))
        self.touched |= {one.volunteer for one in self.model.records.values() if name in (one.record_id, one.activity)}
        self.model.complain(name, known is None, self.today)

    async def do_refer(self, by: int, number: int) -> None:
        """A volunteer referred another; the second time the referral turns out to be wrong."""
        referrer, referred = self.volunteer(by), self.volunteer(number)
        pair = str(referrer), str(referred)
        known = self.referrals.get(pair)
        self.touched.add(pair[0])
        if known is not None:
            await self.ask(lambda tx: referring.withdraw(tx, OPERATORS[0], self.referrals.pop(pair), "mistaken"))
            self.model.refer(*pair, stands=False, today=self.today)
            return
        made, refused = await self.ask(lambda tx: referring.refer(tx, OPERATORS[0], referrer, referred))
        if by == number:
            assert refused == "own-referral"
        elif pair[0] not in self.model.accounts:
            assert refused == "referrer-unknown"
        elif not any(one.volunteer == pair[1] and one.status == "confirmed" for one in self.model.records.values()):
            assert refused == "referred-not-served"
        elif any(one[1] == pair[1] for one in self.referrals):
            assert refused == "already-referred"
        else:
            assert refused is None
            self.referrals[pair] = made.referral_id
            self.model.refer(*pair, stands=True, today=self.today)

    async def do_suspect(self, kind: int, place: int, number: int) -> None:
        """Integrity opens a case about some records, or finds one again."""
        await self.casework.suspect(self, kind, place, number)

    async def do_look_into(self, place: int, confirmed: int) -> None:
        """An operator settles a case; once."""
        await self.casework.look_into(self, place, bool(confirmed))

    # -- time and rules

    async def do_wait(self, days: int, minutes: int = 0) -> None:
        """Time passes; nothing else."""
        self.now += timedelta(days=days, minutes=minutes)
        await self.stage.clock.set(self.now)

    async def do_timers(self) -> None:
        """All that the worker's timers do: reminders, what was not fetched in time, points past their day."""
        while await remind(self.database):
            pass
        done = 0
        while some := (await self.ask(rewards.expire_holds))[0]:
            done += some
        while some := await time_out_bare_holds(self.database):
            done += some
        assert done == self.model.time_out(self.now, self.today)
        while await ledger.expire_points(self.database):
            pass
        self.model.expire(self.today)
        self.touched.update(one.volunteer for one in self.model.holds.values())

    async def do_rule(self, rule: Rule, days: int) -> None:
        """Another rule comes into force, from a day on before or after today; no volunteer is moved yet."""
        while await self.do_move(10):
            pass
        versions = self.model.rules or []
        begins = self.today + timedelta(days=days)
        fresh = {**rule, "version": max(one["version"] for one in versions) + 1, "effective_from": begins}
        await self.stage.bring_into_force(fresh)
        self.model.rules = [*versions, fresh]

    async def do_move(self, at_once: int) -> int:
        """Some volunteers are brought under the newest rules."""
        moved = await self.stage.move(at_once)
        for volunteer in moved:
            self.model.move(volunteer, self.today)
        self.touched |= moved
        return len(moved)


def attendance_of(one: Record) -> Any:
    """The contract's data."""
    return attendance(
        one,
        activity_id=None if one.activity is None else UUID(one.activity),
        kind=one.kind,
        planned_minutes=one.planned,
        approval_level=one.approval,
    )
