"""Computes the worth of a bucket's records under a rule: the only place where points come from. Pure.

The records are evaluated in the order (started_at, record_id). Each passes, in this order: its status and provenance, a
case of integrity, a complaint, the number of records per activity and day, the least time and share of the planned
time, rounding; then the caps of minutes of the record, the activity, what its approval bears, the day, the month, the
year. A cap uses up what it lets through of what reaches it; a record that is cut must still be as long as the least
time, else it goes no further. Then minutes × points per hour × multiplier ÷ 60, rounded down; what a complaint leaves
of it; and the caps of points.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from services.points.rules.terms.domain import LEVELS, Award, First, Line, Referral, Rule, RuleCap, RuleRecord

__all__ = ["REASONS", "evaluate", "evaluate_in_full", "first_service", "referral"]

_OF: Final = {"record": "单次", "activity": "本次活动", "approval": "现有审批级别", "month": "当月", "year": "当年"}

REASONS: Final = {
    "counted": "计入积分",
    "cut": "超出当日计分时长上限的部分不计分",
    "cut-short": "当日计分时长所剩不足最低时长，不计分",
    "day-full": "当日计分时长已满，不计分",
    "short": "不足最低服务时长，不计分",
    "provisional": "记录待确认，确认后计分",
    "void": "记录已作废，不计分",
    "provenance": "补录或导入的时长计入服务时长，不计积分",
    "share": "不足计划时长的规定比例，不计分",
    "rounded": "按进位规则不足一个计时单位，不计分",
    "too-many": "超出同一活动当日可计分的次数，不计分",
    "flagged": "记录正在核查，核查清楚前不计分",
    "complaint": "有投诉，按规则不计分",
    "complaint-part": "有投诉，按规则只计部分积分",
    **{f"{of}-cut": f"超出{words}计分时长上限的部分不计分" for of, words in _OF.items()},
    **{f"{of}-cut-short": f"{words}计分时长所剩不足最低时长，不计分" for of, words in _OF.items()},
    **{f"{of}-full": f"{words}计分时长已满，不计分" for of, words in _OF.items()},
    **{f"{of}-points": f"超出{words}积分上限的部分不计" for of, words in (_OF | {"day": "当日"}).items()},
}
"""Each reason a line may carry, in the words that a volunteer reads."""


def evaluate(rule: Rule, records: Sequence[RuleRecord]) -> Award:
    """Compute the worth of one bucket's records under a rule.

    Only records that could earn (confirmed, of a provenance that earns, long enough) use up caps; one that crosses a
    cap is cut there and must still be long enough.
    """
    if not rule.plain:
        return evaluate_in_full(rule, records)
    # The short way: on the path of every record under the ordinary rule. A test holds it to the long way.
    if len(records) > 1:
        records = sorted(records, key=_order)
    lines: list[Line] = []
    points: dict[date, int] = {}
    first: First | None = None
    left: dict[date, int] = {}
    for record in records:
        refused = _refusal(rule, record)
        minutes = record.minutes
        if refused is not None:
            lines.append(Line(record.record_id, record.revision, minutes, 0, 0, 0, refused))
            continue
        counted, reason, day = minutes, "counted", record.day
        if rule.day_cap_minutes is not None:
            room = left.get(day, rule.day_cap_minutes)
            left[day] = max(0, room - counted)
            if counted > room:
                counted = room
                reason = "cut" if room >= rule.minimum_minutes else "cut-short" if room else "day-full"
        per_hour = rule.month_rates[day.month]
        worth = counted * per_hour // 60 if counted >= rule.minimum_minutes else 0
        lines.append(Line(record.record_id, record.revision, minutes, counted, per_hour, worth, reason))
        if worth:
            expiry = rule.expires_on(day)
            points[expiry] = points.get(expiry, 0) + worth
            if first is None:
                first = First(record.started_at, record.record_id, day)
    return Award(points, tuple(lines), first)


def evaluate_in_full(rule: Rule, records: Sequence[RuleRecord]) -> Award:
    """As `evaluate`, whatever the rule says."""
    tally = _Tally(rule)
    for record in sorted(records, key=_order):
        tally.take(record)
    return Award(tally.points, tuple(tally.lines), tally.first, tally.notes or None)


def first_service(rule: Rule, first: First | None) -> dict[date, int]:
    """The bonus for the first service ever, per expiry date."""
    if first is None or rule.first_service_points == 0:
        return {}
    return {rule.expires_on(first.day): rule.first_service_points}


def referral(rule: Rule, brought: Referral | None) -> dict[date, int]:
    """The bonus of a referral, per expiry date."""
    if brought is None or rule.referral_points == 0:
        return {}
    return {rule.expires_on(brought.day): rule.referral_points}


class _Tally:
    """The records taken so far, and how much of each cap they used up."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.lines: list[Line] = []
        self.points: dict[date, int] = {}
        self.notes: dict[str, dict[str, Any]] = {}
        self.first: First | None = None
        self._used: dict[tuple[object, ...], int] = {}
        self._records: dict[tuple[object, date], int] = {}

    def take(self, record: RuleRecord) -> None:
        """The next record, in order."""
        rule = self.rule
        admitted, refused = self._admit(record)
        if refused is not None:
            self.lines.append(Line(record.record_id, record.revision, record.minutes, 0, 0, 0, refused))
            return
        notes: dict[str, Any] = {}
        per_hour, percent = self._rate(record, notes)
        counted, reason = self._cap_minutes(record, admitted, notes)
        enough = counted == admitted or counted >= rule.minimum_minutes
        worth = counted * per_hour * percent // 6000 if enough else 0
        if record.complained and rule.complaint_percent != 100:
            worth = worth * rule.complaint_percent // 100
            notes["complaint_percent"] = rule.complaint_percent
            reason = "complaint-part"
        for cap in rule.point_caps:
            left = self._through("points", cap, record, worth)
            if left < worth:
                notes.setdefault("cuts", []).append([f"{cap.of}-points", worth - left])
                worth, reason = left, f"{cap.of}-points"
        self.lines.append(Line(record.record_id, record.revision, record.minutes, counted, per_hour, worth, reason))
        if notes:
            self.notes[str(record.record_id)] = notes
        if worth:
            expiry = rule.expires_on(record.day)
            self.points[expiry] = self.points.get(expiry, 0) + worth
            if self.first is None:
                self.first = First(record.started_at, record.record_id, record.day)

    def _admit(self, record: RuleRecord) -> tuple[int, str | None]:
        """The record's minutes as they count before caps, or why they don't."""
        rule = self.rule
        if record.status != "confirmed" or record.provenance not in rule.provenances:
            return 0, _refusal(rule, record)
        if record.flags and not rule.holds_back.isdisjoint(record.flags):
            return 0, "flagged"
        if record.complained and rule.complaint_percent == 0:
            return 0, "complaint"
        if rule.records_per_activity_day is not None and record.activity_id is not None:
            key = (record.activity_id, record.day)
            number = self._records[key] = self._records.get(key, 0) + 1
            if number > rule.records_per_activity_day:
                return 0, "too-many"
        if record.minutes < rule.minimum_minutes:
            return 0, "short"
        if record.minutes * 100 < record.planned_minutes * rule.minimum_percent:
            return 0, "share"
        counted = record.minutes if rule.rounding is None else rule.rounding.apply(record.minutes)
        return (counted, None) if counted else (0, "rounded")

    def _rate(self, record: RuleRecord, notes: dict[str, Any]) -> tuple[int, int]:
        """Points per hour and percent: the first special rate and the first multiplier that fit."""
        rule = self.rule
        per_hour, percent = rule.points_per_hour, 100
        for rate in rule.rates:
            if rate.when.fits(record):
                per_hour = rate.points_per_hour
                if not rate.when.only_months:
                    notes["rate"] = rate.name
                break
        for multiplier in rule.multipliers:
            if multiplier.when.fits(record):
                percent = multiplier.percent
                notes["multiplier"], notes["percent"] = multiplier.name, percent
                break
        return per_hour, percent

    def _cap_minutes(self, record: RuleRecord, counted: int, notes: dict[str, Any]) -> tuple[int, str]:
        reason = "counted"
        for of, left in self._minutes_left(record, counted):
            prefix = "" if of == "day" else f"{of}-"
            if not left:
                reason = f"{of}-full"
            elif left < self.rule.minimum_minutes:
                reason = f"{prefix}cut-short"
            else:
                reason = f"{prefix}cut"
            if of != "day":
                notes.setdefault("cuts", []).append([of, counted - left])
            counted = left
        return counted, reason

    def _minutes_left(self, record: RuleRecord, counted: int) -> list[tuple[str, int]]:
        """Every cap that cuts the record, and what it leaves, until too little is left to go on."""
        cuts: list[tuple[str, int]] = []
        for cap in self.rule.minute_caps:
            if cap.of == "approval":
                left = self._approved(record, counted)
            else:
                left = self._through("minutes", cap, record, counted)
            if left < counted:
                cuts.append((cap.of, left))
                counted = left
                if counted < self.rule.minimum_minutes:
                    break
        return cuts

    def _approved(self, record: RuleRecord, counted: int) -> int:
        level = LEVELS.get(record.approval_level, 0)
        limits = [approval.above_minutes for approval in self.rule.approvals if level < LEVELS[approval.level]]
        key = ("approval", record.day)
        used = self._used.get(key, 0)
        left = min(counted, max(0, min(limits) - used)) if limits else counted
        self._used[key] = used + left
        return left

    def _through(self, what: str, cap: RuleCap, record: RuleRecord, amount: int) -> int:
        """The part that a cap lets through, which it thereby uses up."""
        key = (what, *_scope(cap, record))
        used = self._used.get(key, 0)
        left = min(amount, cap.limit - used)
        self._used[key] = used + left
        return left


def _scope(cap: RuleCap, record: RuleRecord) -> tuple[object, ...]:
    day = record.day
    if cap.of == "record" or (cap.of == "activity" and record.activity_id is None):
        return cap.of, record.record_id
    of = cap.of if cap.of != "activity" else cap.within
    period: tuple[object, ...] = {
        "day": (day,),
        "month": (day.year, day.month),
        "year": (day.year,),
        "life": (),
    }[of]
    return (cap.of, record.activity_id, *period) if cap.of == "activity" else (cap.of, *period)


def _order(record: RuleRecord) -> tuple[datetime, bytes]:
    return record.started_at, record.record_id.bytes


def _refusal(rule: Rule, record: RuleRecord) -> str | None:
    if record.status != "confirmed":
        return record.status
    if record.provenance not in rule.provenances:
        return "provenance"
    if record.flags and not rule.holds_back.isdisjoint(record.flags):
        return "flagged"
    if record.minutes < rule.minimum_minutes:
        return "short"
    return None
