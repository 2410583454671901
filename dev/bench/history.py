"""The benches' input: seeded attendance of 24 months as bytes, with what must become of it.

Volunteers are drawn by Zipf 1.1. Under the demo's rule a day earns nothing beyond 480 minutes, and pure Zipf over
50,000 would let the first serve some ninety times a day, so that at most 89 % could earn: for whoever's day is full
another is drawn, twice at most. 5 % of the messages are repetitions, 2 % higher revisions, every thousandth is poison,
its four kinds in turn.
"""

from __future__ import annotations

import json
import random
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any, Final, NamedTuple
from uuid import UUID

from services.points.rules.documents import shipped
from services.points.rules.domain import Facts, Rulebook
from services.points.rules.worth.domain import evaluate
from shared.clock import DISTRICT_ZONE
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id

__all__ = ["BEGIN", "END", "PARTITIONS", "POISON", "Expected", "History", "Record", "Sent", "history"]

PARTITIONS: Final = 4
BEGIN: Final = datetime(2024, 3, 5, tzinfo=UTC)
DAYS: Final = 730
END: Final = BEGIN + timedelta(days=DAYS)
POISON: Final = ("broken", "schema", "conflict", "refused")
"""Not JSON; JSON that breaches the contract; other content for a known revision; a text that PostgreSQL refuses."""
THEMES: Final = ("夕阳别样红", "佳节尚文明志愿关爱行", "创城有我志愿先行", "踏寻雷锋足迹弘扬时代新风")
_RECENT: Final = 1000
_DAY_MINUTES: Final = 480
_LEAST_MINUTES: Final = 15


class Sent(NamedTuple):
    """One message: the envelope's parts that differ from message to message, and the value."""

    partition: int
    key: bytes
    value: bytes
    event_id: bytes
    at: bytes
    record_id: bytes
    revision: bytes

    def headers(self, correlation: bytes | None = None) -> list[tuple[str, bytes]]:
        """CloudEvents in binary mode, as the relay of recruitment writes them."""
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.event_id),
            ("ce_type", _TYPE),
            ("ce_source", b"weiguang/recruitment"),
            ("ce_subject", self.key),
            ("ce_time", self.at),
            ("ce_aggregateid", self.record_id),
            ("ce_aggregateversion", self.revision),
            ("ce_correlationid", self.event_id if correlation is None else correlation),
            ("content-type", b"application/json"),
        ]


_TYPE: Final = AttendanceRecorded.type.encode()


class Record(NamedTuple):
    """One revision, in the order of the columns of recruitment's table (less its last four)."""

    record_id: UUID
    revision: int
    volunteer_id: UUID
    activity_id: UUID
    shift_id: UUID
    site_id: UUID
    team_id: UUID
    drive_id: UUID | None
    theme: str
    kind: str
    provenance: str
    closed_by: str
    status: str
    started_at: datetime
    ended_at: datetime
    minutes: int
    planned_minutes: int
    recorded_by: None
    recorder_site_id: None
    device_ref: None
    approval_level: str
    distance_m: int

    def json(self) -> str:
        """As the contract writes it (a test holds it to that)."""
        drive = "null" if self.drive_id is None else f'"{self.drive_id}"'
        return (
            f'{{"record_id":"{self.record_id}","revision":{self.revision},"volunteer_id":"{self.volunteer_id}",'
            f'"activity_id":"{self.activity_id}","shift_id":"{self.shift_id}","site_id":"{self.site_id}",'
            f'"team_id":"{self.team_id}","drive_id":{drive},"theme":"{self.theme}","kind":"{self.kind}",'
            f'"provenance":"{self.provenance}","closed_by":"{self.closed_by}","status":"{self.status}",'
            f'"started_at":"{_instant(self.started_at)}","ended_at":"{_instant(self.ended_at)}",'
            f'"minutes":{self.minutes},"planned_minutes":{self.planned_minutes},"recorded_by":null,'
            f'"recorder_site_id":null,"device_ref":null,"approval_level":"none","distance_m":{self.distance_m}}}'
        )

    @property
    def day(self) -> date:
        """The district's day that it belongs to."""
        return self.started_at.astimezone(DISTRICT_ZONE).date()


@dataclass(slots=True)
class Expected:
    """What must have become of the messages. ``minutes``: over all whose value can be read, repetitions included."""

    records: int = 0
    superseded: int = 0
    permanent: int = 0
    conflict: int = 0
    repeated: int = 0
    readable: int = 0
    minutes: int = 0


@dataclass(slots=True)
class History:
    """The messages in their order; ``published``: every revision that A3 must find; ``earning``: the share of records
    that earn points under the shipped rule.
    """

    seed: int
    volunteers: int
    messages: list[Sent] = field(default_factory=list)
    published: list[Record] = field(default_factory=list)
    poison: Counter[str] = field(default_factory=Counter)
    expected: Expected = field(default_factory=Expected)
    earning: float = 0.0

    def points_of_days(self) -> int:
        """The points of all days under the demo's rule without its first-service bonus, as Kafka Streams sums them.

        Of a record and revision the first content counts, also one whose text only PostgreSQL refuses.
        """
        standing: dict[str, dict[str, Any]] = {}
        for sent in self.messages:
            try:
                one = json.loads(sent.value)
            except ValueError:
                continue
            known = standing.get(one["record_id"])
            if one["status"] in ("confirmed", "provisional", "void") and (
                known is None or known["revision"] < one["revision"]
            ):
                standing[one["record_id"]] = one
        days: dict[tuple[str, date], list[tuple[datetime, str, int]]] = defaultdict(list)
        for one in standing.values():
            if one["status"] == "confirmed" and one["provenance"] != "backfilled" and one["minutes"] >= _LEAST_MINUTES:
                at = datetime.fromisoformat(one["started_at"])
                place = one["volunteer_id"], at.astimezone(DISTRICT_ZONE).date()
                days[place].append((at, one["record_id"], one["minutes"]))
        return sum(_points_of(day, lines) for (_, day), lines in days.items())

    def shares(self) -> dict[str, float]:
        """Shares of the messages (earning: of the records)."""
        total = len(self.messages)
        found = {
            "repeated": self.expected.repeated / total,
            "higher_revisions": self.expected.superseded / total,
            "poison": sum(self.poison.values()) / total,
            "earning": self.earning,
        }
        return {name: round(share, 5) for name, share in found.items()}


def history(records: int, volunteers: int, seed: int = 42, *, people: Sequence[UUID] = ()) -> History:
    """Make it. ``people``: the volunteers by rank, where they are not to be strangers.

    Raises:
        AssertionError: fewer than 90 % of the records earn points under the rule that the service ships.
    """
    made = _Maker(records, volunteers, seed, people)
    for number in range(records):
        made.add(number)
    made.history.earning = _earning(made.standing.values())
    assert made.history.earning >= 0.9, f"only {made.history.earning:.1%} of the records earn points"
    return made.history


class _Maker:
    """Makes message after message."""

    def __init__(self, records: int, volunteers: int, seed: int, people: Sequence[UUID]) -> None:
        self.records = records
        self.chance = random.Random(seed)
        self.history = History(seed, volunteers)
        self.people = people or [derived_id("bench-volunteer", number) for number in range(volunteers)]
        self.weights = list(accumulate(1 / rank**1.1 for rank in range(1, volunteers + 1)))
        self.sites = [derived_id("bench-site", number) for number in range(26)]
        self.teams = [derived_id("bench-team", number) for number in range(42)]
        self.drives = [derived_id("bench-drive", number) for number in range(20)]
        self.standing: dict[UUID, Record] = {}
        self.recent: list[UUID] = []
        self.last: list[tuple[Sent, int]] = []
        self.served: dict[tuple[UUID, date], int] = defaultdict(int)
        self.activity = self.shift = UUID(int=0)

    def add(self, number: int) -> None:
        """The next message."""
        history, chance = self.history, self.chance
        if number % 12 == 0:
            self.activity, self.shift = (
                derived_id("bench-activity", number // 12),
                derived_id("bench-shift", number // 12),
            )
        draw = chance.random()
        if number % 1000 == 999:
            self._poison(number, POISON[number // 1000 % 4])
        elif self.recent and draw < 0.05:
            sent, minutes = chance.choice(self.last)
            self._send(sent, minutes)
            history.expected.repeated += 1
        elif self.recent and draw < 0.07:
            before = self.standing[chance.choice(self.recent)]
            ended = before.ended_at + timedelta(minutes=5)
            raised = before._replace(
                revision=before.revision + 1, minutes=before.minutes + 5, ended_at=ended, closed_by="correction"
            )
            history.expected.superseded += 1
            self._publish(raised)
        else:
            record = self._record(number)
            history.expected.records += 1
            self._publish(record)
            self.recent.append(record.record_id)
            del self.recent[:-_RECENT]

    def _record(self, number: int) -> Record:
        chance = self.chance
        # Everybody's days advance with the log, as they do in life; some uploads come days late.
        day = number * DAYS // self.records - chance.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 9))
        started_at = BEGIN + timedelta(days=day, minutes=chance.randrange(0, 840, 5))
        volunteer_id = self._volunteer((started_at + timedelta(hours=8)).date())
        minutes, planned = chance.choice((30, 45, 60, 60, 90, 120)), 60
        provenance, status = chance.choice(("scanned", "scanned", "kiosk", "leader")), "confirmed"
        plain = chance.random()
        if plain < 0.01:
            provenance = "backfilled"
        elif plain < 0.015:
            status = "provisional"
        elif plain < 0.02:
            minutes = 10
        else:
            self.served[volunteer_id, (started_at + timedelta(hours=8)).date()] += minutes
        moment = int(started_at.timestamp() * 1000)
        return Record(
            UUID(int=moment << 80 | 7 << 76 | 2 << 62 | chance.getrandbits(62)),
            1,
            volunteer_id,
            self.activity,
            self.shift,
            self.sites[number % 26],
            self.teams[number % 42],
            self.drives[number % 20] if number % 3 == 0 else None,
            THEMES[chance.randrange(4)],
            "visit",
            provenance,
            "self",
            status,
            started_at,
            started_at + timedelta(minutes=minutes),
            minutes,
            planned,
            None,
            None,
            None,
            "none",
            12,
        )

    def _volunteer(self, day: date) -> UUID:
        for _ in range(3):
            place = bisect(self.weights, self.chance.random() * self.weights[-1])
            volunteer_id = self.people[min(place, len(self.people) - 1)]
            if self.served[volunteer_id, day] < _DAY_MINUTES:
                break
        return volunteer_id

    def _publish(self, record: Record) -> None:
        self.standing[record.record_id] = record
        self.history.published.append(record)
        sent = _sent(record, record.json())
        self.last.append((sent, record.minutes))
        del self.last[:-_RECENT]
        self._send(sent, record.minutes)

    def _poison(self, number: int, kind: str) -> None:
        history, expected = self.history, self.history.expected
        history.poison[kind] += 1
        if kind == "conflict":
            # Of whoever's record it is: what was committed first stands.
            known = self.standing[self.recent[-1]]
            other = known._replace(minutes=known.minutes + 1)
            expected.conflict += 1
            self._send(_sent(other, other.json(), second=True), other.minutes)
            return
        record = self._record(number)
        text = record.json()
        expected.permanent += 1
        if kind == "broken":
            self._send(_sent(record, text[: len(text) // 2]), None)
            return
        if kind == "schema":
            text = text.replace('"status":"' + record.status, '"status":"finished')
        else:
            record = record._replace(theme="\\u0000" + record.theme)
            text = record.json()
        history.published.append(record._replace(theme="refused"))
        self._send(_sent(record, text), record.minutes)

    def _send(self, sent: Sent, minutes: int | None) -> None:
        self.history.messages.append(sent)
        if minutes is not None:
            self.history.expected.readable += 1
            self.history.expected.minutes += minutes


def _sent(record: Record, text: str, *, second: bool = False) -> Sent:
    event_id = derived_id("bench", record.record_id, record.revision, *(("second",) if second else ()))
    return Sent(
        record.volunteer_id.int % PARTITIONS,
        str(record.volunteer_id).encode(),
        text.encode(),
        str(event_id).encode(),
        record.ended_at.isoformat().encode(),
        str(record.record_id).encode(),
        str(record.revision).encode(),
    )


def _points_of(day: date, lines: Iterable[tuple[datetime, str, int]]) -> int:
    left, points = _DAY_MINUTES, 0
    for _, _, minutes in sorted(lines):
        counted = min(left, minutes)
        left -= counted
        if counted >= _LEAST_MINUTES:
            points += counted * (15 if day.month == 3 else 10) // 60
    return points


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _earning(records: Iterator[Record] | Any) -> float:
    """The share of records that are worth something under the shipped rules."""
    book = Rulebook(document.rule() for document in shipped())
    buckets: dict[tuple[UUID, str], list[Facts]] = defaultdict(list)
    for one in records:
        day = one.day
        facts = Facts(
            one.record_id, one.revision, day, one.status, one.provenance, one.started_at, one.minutes,
            one.planned_minutes, one.kind, one.theme, one.activity_id,
        )  # fmt: skip
        buckets[one.volunteer_id, book.bucket(day, one.activity_id)[1].bucket].append(facts)
    total = earning = 0
    for facts_of_bucket in buckets.values():
        award = evaluate(book.at(facts_of_bucket[0].day), facts_of_bucket)
        total += len(award.lines)
        earning += sum(line.points > 0 for line in award.lines)
    return earning / max(1, total)
