"""Accounts that try to make hours through every door, and the sum of what they made beyond strong evidence."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.recruitment.approvals import timers as approvals_timers
from services.recruitment.attendance import timers as attendance_timers
from shared.clock import district_day
from shared.ids import new_id
from tests.integration.recruitment.people import ROOT, Answer
from tests.integration.recruitment.work import NOW, Volunteer, Work

__all__ = ["Attempt", "Insiders", "attempts"]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MINUTES_OF_WAITS = (1, 10, 60, 25 * 60, 80 * 60, 8 * 24 * 60, 31 * 24 * 60)


@dataclass(frozen=True)
class Attempt:
    """One call: what, by which of the accounts, on which of the things made so far (0 is the newest), with which times.

    ``start`` and ``length`` are minutes, ``wait`` those by which business time moves on.
    """

    what: str
    by: int = 0
    first: int = 0
    second: int = 0
    start: int = 0
    length: int = 60
    wait: int = 60


_DOORS = (
    *("register", "device", "plan", "late-plan", "upload", "roll-call", "backfill", "again"),
    *("scan-in", "scan-out", "auto-close", "confirm", "correct", "void", "restore", "add", "overtime"),
    *("approve", "move-shift", "cancel-shift", "deny", "wait"),
)
_NEWEST = st.sampled_from([0, 0, 0, 0, 1, 2, 5, 11])
_calls = st.builds(
    Attempt,
    what=st.sampled_from(_DOORS),
    by=st.integers(0, 3),
    first=_NEWEST,
    second=_NEWEST,
    start=st.sampled_from([0, 0, -90, -30, 10, 60, 200, 300]),
    length=st.sampled_from([60, 30, 1, 120, 240, 480, 960]),
    wait=st.sampled_from(MINUTES_OF_WAITS),
)
_STORIES = (
    ("plan", "scan-in", "wait", "scan-out", "correct"),
    ("plan", "scan-in", "wait", "auto-close", "confirm", "overtime"),
    ("device", "plan", "wait", "upload", "again", "approve"),
    ("plan", "wait", "upload", "void", "restore", "approve"),
    ("plan", "wait", "roll-call", "add", "approve", "deny"),
    ("late-plan", "upload", "backfill", "approve", "confirm"),
    ("device", "plan", "move-shift", "wait", "upload", "deny", "void", "upload"),
    ("plan", "move-shift", "scan-in", "cancel-shift", "confirm", "overtime"),
)


@st.composite
def _stories(draw: Any) -> list[Attempt]:
    """What an insider would do one after the other, with the same things."""
    by, length = draw(st.sampled_from([0, 0, 0, 1])), draw(st.sampled_from([60, 120, 480]))
    if draw(st.integers(0, 4)) == 0:
        return _long_day(by)
    waits = {"wait": draw(st.sampled_from([60, 28 * 60, 30 * 60, 80 * 60, 8 * 24 * 60, 34 * 24 * 60]))}
    return [
        Attempt(
            what,
            by + (what == "approve"),
            start=30 if what in ("add", "move-shift") else 0,
            length=length if what in ("plan", "upload") else 30,
            **waits,
        )
        for what in draw(st.sampled_from(_STORIES))
    ]


def _long_day(by: int) -> list[Attempt]:
    """Ten hours of one volunteer on one day, of which the cap lets eight count."""
    return [
        Attempt("device", by),
        Attempt("plan", by, start=0, length=300),
        Attempt("plan", by, start=300, length=300),
        Attempt("wait", by, wait=40 * 60),
        Attempt("upload", by, second=1, length=300),
        Attempt("upload", by, second=0, length=300),
    ]


attempts = st.lists(st.one_of(_stories(), _stories(), st.lists(_calls, max_size=3)), min_size=4, max_size=12).map(
    lambda parts: [each for part in parts for each in part]
)


@dataclass
class Insiders:
    """Accounts (tokens) of staff, the things that they made, and the volunteers whose hours they try to make."""

    work: Work
    accounts: Sequence[str]
    site: str
    now: datetime = NOW
    people: list[Volunteer] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    shifts: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    batches: list[Answer] = field(default_factory=list)
    sequences: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rows: int = 0
    done: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def attempt(self, attempt: Attempt) -> None:
        """Do one thing, whatever the service answers, unless it fails.

        Raises:
            AssertionError: the service failed.
        """
        account = self.accounts[attempt.by % len(self.accounts)]
        act = getattr(self, "_" + attempt.what.replace("-", "_"))
        answer = await act(account, attempt)
        if answer is None:
            return
        assert answer.status_code < 500, answer.text
        if answer.status_code < 300:
            self.done[attempt.what] += 1
            self._remember(answer.json())

    def _remember(self, said: Answer) -> None:
        found = said.get("records", [said] if "record_id" in said else [])
        self.records += [each["record_id"] for each in found if each["record_id"] not in self.records]

    async def _wait(self, _account: str, attempt: Attempt) -> None:
        self.now += attempt.wait * MINUTE
        await self.work.clock.set(self.now)
        await approvals_timers.lapse_due(self.work.database)

    async def _auto_close(self, _account: str, _attempt: Attempt) -> None:
        await attendance_timers.close_overdue(self.work.database)

    async def _register(self, _account: str, _attempt: Attempt) -> None:
        if len(self.people) < 12:
            self.people.append(await self.work.volunteer())

    async def _device(self, account: str, attempt: Attempt) -> Any:
        body = {"name": "签到机", "site_id": self.work.sites[self.site]}
        answer = await self.work.post("/devices", body, account)
        if answer.status_code == 201:
            made = answer.json()
            self.devices.append(made["device_id"])
            self.work.secrets[made["device_id"]] = made["secret"]
        return answer

    async def _plan(self, account: str, attempt: Attempt) -> Any:
        return await self._planned(account, self.now + 26 * HOUR + attempt.start * MINUTE, attempt.length)

    async def _late_plan(self, account: str, attempt: Attempt) -> Any:
        return await self._planned(account, self.now - (attempt.length + attempt.start) * MINUTE, attempt.length)

    async def _planned(self, account: str, starts_at: datetime, length: int) -> Any:
        ends_at = starts_at + length * MINUTE
        shift = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat(), "capacity": 20}
        answer = await self.work.post("/activities", self.work.body(shifts=[shift]), account)
        if answer.status_code == 201:
            self.shifts += [(each["shift_id"], starts_at, ends_at) for each in answer.json()["shifts"]]
        return answer

    async def _upload(self, account: str, attempt: Attempt, provenance: str = "kiosk") -> Any:
        if not (self.devices and self.people and self.shifts):
            return None
        device = self.devices[-1 - attempt.first % len(self.devices)]
        shift_id, starts_at, _ = self.shifts[-1 - attempt.second % len(self.shifts)]
        person = self.people[-1 - attempt.first % len(self.people)]
        started_at = starts_at + attempt.start * MINUTE
        self.rows += 1
        row = {
            "upload_id": f"r{self.rows}",
            "volunteer_number": person.number,
            "shift_id": shift_id,
            "started_at": started_at.isoformat(),
            "ended_at": (started_at + attempt.length * MINUTE).isoformat(),
        }
        self.sequences[device] += 1 + (attempt.second % 5 == 0)
        more: Answer = {"sequence": self.sequences[device]}
        if provenance == "backfilled":
            more["evidence"] = "纸质签到表"
        self.batches.append(self.work.batch(device, row, provenance=provenance, **more))
        return await self.work.post("/attendance/batches", self.batches[-1], account)

    async def _roll_call(self, account: str, attempt: Attempt) -> Any:
        return await self._upload(account, attempt, "leader")

    async def _backfill(self, account: str, attempt: Attempt) -> Any:
        return await self._upload(account, attempt, "backfilled")

    async def _again(self, account: str, attempt: Attempt) -> Any:
        if not self.batches:
            return None
        return await self.work.post(
            "/attendance/batches", self.batches[-1 - attempt.first % len(self.batches)], account
        )

    async def _scan_in(self, account: str, attempt: Attempt) -> Any:
        return await self._scan("in", account, attempt)

    async def _scan_out(self, account: str, attempt: Attempt) -> Any:
        return await self._scan("out", account, attempt)

    async def _scan(self, way: str, account: str, attempt: Attempt) -> Any:
        if not (self.people and self.shifts):
            return None
        shift_id, starts_at, _ = self.shifts[-1 - attempt.second % len(self.shifts)]
        if way == "in" and starts_at > self.now:
            self.now = starts_at
            await self.work.clock.set(self.now)
        person = self.people[-1 - attempt.first % len(self.people)]
        shown = await self.work.get(f"/shifts/{shift_id}/code", account)
        if shown.status_code != 200:
            return shown
        await self.work.sign_up(shift_id, person)
        return await self.work.check(way, shift_id, person, code=shown.json()["code"])

    async def _on_record(self, account: str, attempt: Attempt, act: str, body: Answer) -> Any:
        if not self.records:
            return None
        record_id = self.records[-1 - attempt.first % len(self.records)]
        return await self.work.post(f"/attendance/records/{record_id}/{act}", body, account)

    async def _confirm(self, account: str, attempt: Attempt) -> Any:
        return await self._on_record(account, attempt, "confirm", {"reason": "核实"})

    async def _overtime(self, account: str, attempt: Attempt) -> Any:
        return await self._on_record(account, attempt, "overtime", {"reason": "延时服务"})

    async def _void(self, account: str, attempt: Attempt) -> Any:
        return await self._on_record(account, attempt, "void", {"reason": "录错", "evidence": "口头"})

    async def _restore(self, account: str, attempt: Attempt) -> Any:
        return await self._on_record(account, attempt, "restoration", {"reason": "没有录错", "evidence": "口头"})

    async def _correct(self, account: str, attempt: Attempt) -> Any:
        return await self._on_record(account, attempt, "corrections", await self._times(attempt))

    async def _add(self, account: str, attempt: Attempt) -> Any:
        return await self._on_record(account, attempt, "additions", await self._times(attempt))

    async def _times(self, attempt: Attempt) -> Answer:
        starts_at = self.shifts[-1 - attempt.second % len(self.shifts)][1] if self.shifts else self.now
        started_at = starts_at + attempt.start * MINUTE
        ended_at = started_at + attempt.length * MINUTE
        times = {"started_at": started_at.isoformat(), "ended_at": ended_at.isoformat()}
        return {**times, "reason": "时间有误", "evidence": "口头"}

    async def _approve(self, account: str, attempt: Attempt) -> Any:
        if not self.records:
            return None
        record_id = self.records[-1 - attempt.first % len(self.records)]
        body = {"record_ids": [record_id], "decision": "approve", "reason": "核实"}
        return await self.work.post("/attendance/approvals/decisions", body, account)

    async def _deny(self, _account: str, attempt: Attempt) -> Any:
        if not (self.records and self.people):
            return None
        person = self.people[-1 - attempt.second % len(self.people)]
        return await self._on_record(person.token, attempt, "denial", {"reason": "我没有去"})

    async def _move_shift(self, account: str, attempt: Attempt) -> Any:
        if not self.shifts:
            return None
        place = -1 - attempt.second % len(self.shifts)
        shift_id, starts_at, _ = self.shifts[place]
        moved = starts_at + attempt.start * MINUTE
        ended = moved + attempt.length * MINUTE
        body = {"starts_at": moved.isoformat(), "ends_at": ended.isoformat(), "version": await self._version(shift_id)}
        headers = {"authorization": f"Bearer {account}", "idempotency-key": str(new_id())}
        answer = await self.work.district.http.patch(f"{ROOT}/shifts/{shift_id}", json=body, headers=headers)
        if answer.status_code == 200:
            self.shifts[place] = (shift_id, moved, ended)
        return answer

    async def _cancel_shift(self, account: str, attempt: Attempt) -> Any:
        if not self.shifts:
            return None
        shift_id, _, _ = self.shifts[-1 - attempt.second % len(self.shifts)]
        body = {"reason": "weather", "version": await self._version(shift_id)}
        return await self.work.post(f"/shifts/{shift_id}/cancellation", body, account)

    async def _version(self, shift_id: str) -> int:
        """The present version of the shift's activity."""
        sql = "select a.version from activities a join shifts using (activity_id) where shift_id = $1"
        return await self.work.count(sql, UUID(shift_id))

    async def beyond_strong(self) -> dict[tuple[date, UUID], int]:
        """Credit minutes per day and volunteer beyond what the volunteers' own scans witnessed, and that no account of
        another site approved.
        """
        async with self.work.database.transaction() as tx:
            rows = await tx.fetch(_CREDIT)
        found: dict[tuple[date, UUID], int] = defaultdict(int)
        for row in rows:
            found[district_day(row["started_at"]), row["volunteer_id"]] += max(0, row["minutes"] - row["witnessed"])
        return found

    async def unseen(self) -> list[UUID]:
        """Records with credit minutes beyond strong evidence of which their volunteer was not notified."""
        async with self.work.database.transaction() as tx:
            rows = await tx.fetch(_CREDIT)
        told = [event for event in await self.work.events("assertions") if event["act"] != "auto-closed"]
        noted = {UUID(event["record_id"]) for event in told}
        return [row["record_id"] for row in rows if row["minutes"] > row["witnessed"] and row["record_id"] not in noted]


# A record's witnessed minutes are those of its own check-out by code, or of the content that another site approved.
_CREDIT = """
select r.record_id, r.volunteer_id, r.started_at, r.minutes,
       greatest(
           coalesce((select max(v.minutes) from attendance_revisions v
                     where v.record_id = r.record_id and v.provenance = 'scanned' and v.change = 'check_out'), 0),
           coalesce((select max(v.minutes) from attendance_revisions v
                     where v.record_id = r.record_id and v.change = 'approve'), 0)) as witnessed
from attendance_records r
where r.status = 'confirmed' and r.provenance in ('scanned', 'kiosk', 'leader')
"""
