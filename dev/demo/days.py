"""The district's days, one after the other: driven time stands still while what is due at that moment is done."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from dev.demo.client import DemoError
from dev.demo.district import POINTS, RECRUITMENT, District, all_of
from dev.demo.orders import ENDS, Orders
from dev.demo.plan import Activity, Visit, at
from dev.demo.staff import deciding_site
from dev.demo.uploads import Upload, upload

__all__ = ["Chronicle", "Waiting", "play_day", "play_prologue", "scan", "show_code"]

SetClock = Callable[[datetime], Awaitable[None]]
Settle = Callable[[], Awaitable[None]]
FATES = ("approve",) * 7 + ("reject",) + ("leave",) * 2
"""What another site makes of late uploads, of each ten in turn."""
SCANS = 5
"""How often somebody scans before giving up."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that another site decides on, of this site's; ``fate`` is ``approve``, ``reject`` or ``leave``.

    ``place`` is its visit, by activity and number.
    """

    record_id: str
    site: int
    fate: str
    place: tuple[int, int] | None = None


@dataclass(slots=True)
class Chronicle:
    """What happened: record ids by visit, and the counts that the report shows."""

    set_clock: SetClock
    settle: Settle
    latecomer: int | None = None
    """Who does not register on their morning but when the minting attempts are played."""
    records: dict[tuple[int, int], str] = field(default_factory=dict)
    late: dict[date, list[Upload]] = field(default_factory=lambda: defaultdict(list))
    forgotten: list[tuple[str, int]] = field(default_factory=list)
    """(record, site) of who has not checked out."""
    asked: list[tuple[str, int]] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    """What another site decides on the next morning."""
    decided: Counter[str] = field(default_factory=Counter)
    redeemed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    spenders: list[tuple[int, int]] = field(default_factory=list)
    """(points left, person) of those who fetched a reward."""
    check_ins: int = 0
    check_outs: int = 0
    registrations: int = 0
    duplicates: int = 0
    corrected: int = 0
    voided: int = 0
    restored: int = 0
    mended: set[str] = field(default_factory=set)


async def play_prologue(district: District, chronicle: Chronicle) -> None:
    """25 months back: activities of the winter of 2023, uploaded by a kiosk."""
    for activity in district.plan.prologue:
        await chronicle.set_clock(activity.ends_at + timedelta(hours=1))
        rows = [Upload(activity, visit, number) for number, visit in enumerate(activity.visits)]
        await upload(district, activity.site, "kiosk", rows, "prologue", activity.index)


async def play_day(district: District, chronicle: Chronicle, orders: Orders, number: int) -> None:
    """One day, from the registrations of the morning to the evening's uploads and closings."""
    day = district.plan.days[number]
    activities = [district.plan.activities[index] for index in day.activities]
    await chronicle.set_clock(at(day.day, 7))
    await _confirm_forgotten(district, chronicle)
    await _decide(district, chronicle)
    newcomers = [index for index in day.registrations if index != chronicle.latecomer]
    await all_of(district.register(index) for index in newcomers)
    chronicle.registrations += len(newcomers)
    await orders.morning(number)
    await chronicle.set_clock(at(day.day, *ENDS))
    await orders.leave(number)
    scanned = [activity for activity in activities if activity.way == "scanned"]
    await _sign_up(district, scanned)
    await _serve(district, chronicle, scanned)
    await chronicle.set_clock(at(day.day, 20))
    await _upload_evening(district, chronicle, day.day, activities)
    await _close(district, activities)
    every = district.plan.scale.redemption_every
    if number % every == every - 1:
        await _reward(district, chronicle, number)


async def _sign_up(district: District, activities: list[Activity]) -> None:
    """Shift by shift in turn, as people do: places of one shift are given out one after the other."""
    wishes = [(number, activity, visit) for activity in activities for number, visit in enumerate(activity.visits)]
    wishes.sort(key=lambda wish: wish[0])
    await all_of(
        district.client.post(
            f"{RECRUITMENT}/shifts/{district.shifts[activity.index]}/signups",
            {},
            district.tokens[visit.person],
            "signup",
            activity.index,
            number,
        )
        for number, activity, visit in wishes
    )


async def _serve(district: District, chronicle: Chronicle, activities: list[Activity]) -> None:
    """Check-ins and check-outs one by one, each at its moment."""
    moments: dict[datetime, list[tuple[str, Activity, int, Visit]]] = defaultdict(list)
    for activity in activities:
        for number, visit in enumerate(activity.visits):
            moments[visit.starts_at].append(("check-ins", activity, number, visit))
            if not visit.forgets:
                moments[visit.ends_at].append(("check-outs", activity, number, visit))
    for moment in sorted(moments):
        await chronicle.set_clock(moment)
        due = moments[moment]
        shown = {activity.index: activity for _, activity, _, _ in due}
        codes = dict(
            zip(shown, await all_of(show_code(district, activity) for activity in shown.values()), strict=True)
        )
        await all_of(
            _pass(district, chronicle, what, activity, number, visit, codes[activity.index])
            for what, activity, number, visit in due
        )


async def show_code(district: District, activity: Activity) -> str:
    """The code that the shift's screen shows at this moment."""
    shift = district.shifts[activity.index]
    answer = await district.client.get(f"{RECRUITMENT}/shifts/{shift}/code", district.operator)
    return str(answer["code"])


async def scan(
    district: District, what: str, activity: Activity, person: int, code: str, *intent: object
) -> dict[str, Any]:
    """One check-in or check-out with the person's own phone.

    Codes live seconds: who waited for a service that was away scans again what is shown.

    Raises:
        DemoError: the service refused it for another reason, or again and again.
    """
    path, token = f"{RECRUITMENT}/attendance/{what}", district.tokens[person]
    for attempt in range(SCANS):
        body = {"shift_id": district.shifts[activity.index], "code": code, "device_id": district.browser(person)}
        try:
            answer: dict[str, Any] = await district.client.post(
                path, body, token, what, activity.index, person, *intent
            )
        except DemoError as error:
            if error.type != "code-invalid" or attempt == SCANS - 1:
                raise
            code = await show_code(district, activity)
        else:
            break
    return answer


async def _pass(
    district: District, chronicle: Chronicle, what: str, activity: Activity, number: int, visit: Visit, code: str
) -> None:
    record = await scan(district, what, activity, visit.person, code, number)
    chronicle.records[activity.index, number] = record["record_id"]
    if what == "check-outs":
        chronicle.check_outs += 1
    else:
        chronicle.check_ins += 1
        if visit.forgets:
            chronicle.forgotten.append((record["record_id"], activity.site))


async def _confirm_forgotten(district: District, chronicle: Chronicle) -> None:
    """What was closed by the shift's end waits for the site, which asks the next day and confirms on the one after."""
    closed, chronicle.asked, chronicle.forgotten = chronicle.asked, chronicle.forgotten, []
    if closed:
        await chronicle.settle()
    for record_id, site in closed:
        path = f"{RECRUITMENT}/attendance/records/{record_id}/confirm"
        body = {"reason": "经核实按班次结束时间确认"}
        await district.client.post(path, body, district.account(site), "confirm", record_id)


async def _decide(district: District, chronicle: Chronicle) -> None:
    """Staff of another site decide on what came late and on what was restored; some of it is left waiting."""
    waiting, chronicle.waiting = chronicle.waiting, []
    lists: dict[tuple[int, str], list[Waiting]] = defaultdict(list)
    for turn, each in enumerate(waiting):
        if each.fate != "leave":
            lists[deciding_site(each.site, turn), each.fate].append(each)
    for (site, fate), found in lists.items():
        records = [each.record_id for each in found]
        reason = {"approve": "经核对签到表与终端记录属实", "reject": "当日无此人签到，不予认可"}[fate]
        body = {"record_ids": records, "decision": fate, "reason": reason}
        path = f"{RECRUITMENT}/attendance/approvals/decisions"
        await district.client.post(path, body, district.account(site), "decide", *records)
    for each in waiting:
        chronicle.decided[each.fate] += 1
        if each.fate == "approve" and each.place is not None:
            chronicle.records[each.place] = each.record_id


async def _upload_evening(district: District, chronicle: Chronicle, day: date, activities: list[Activity]) -> None:
    """What each site recorded off line; late phones come days afterwards, and one day's uploads arrive twice."""
    rows: dict[tuple[int, str], list[Upload]] = defaultdict(list)
    for activity in activities:
        if activity.way == "scanned":
            continue
        for number, visit in enumerate(activity.visits):
            row = Upload(activity, visit, number)
            if visit.late_days:
                chronicle.late[day + timedelta(days=visit.late_days)].append(row)
            else:
                rows[activity.site, activity.way].append(row)
    for row in chronicle.late.pop(day, []):
        rows[row.activity.site, row.activity.way].append(row)
    answers = await all_of(upload(district, site, way, found, day) for (site, way), found in rows.items())
    for ((site, _), found), answer in zip(rows.items(), answers, strict=True):
        for row in found:
            place, record_id = (row.activity.index, row.number), answer.records[row.upload_id]
            if row.upload_id in answer.waiting:
                chronicle.waiting.append(Waiting(record_id, site, FATES[sum(place) % len(FATES)], place))
            else:
                chronicle.records[place] = record_id
    if day.day == 10:
        again = [
            upload(district, site, way, found, day, "again") for (site, way), found in rows.items() if way == "kiosk"
        ]
        chronicle.duplicates += sum(answer.duplicates for answer in await all_of(again))


async def _close(district: District, activities: list[Activity]) -> None:
    await all_of(
        district.client.post(
            f"{RECRUITMENT}/activities/{district.activities[activity.index]}/close",
            {"residents_served": activity.residents, "note": "活动圆满结束"},
            district.operator,
            "close",
            activity.index,
        )
        for activity in activities
    )


async def _reward(district: District, chronicle: Chronicle, number: int) -> None:
    """The centre's reward day: who can afford something takes it, most fetch it, some think better of it."""
    await chronicle.settle()
    chronicle.spenders.clear()
    people = sorted(district.tokens)[number % 5 :: 5]
    accounts = await all_of(
        district.client.get(f"{POINTS}/accounts/{district.volunteers[index]}", district.tokens[index])
        for index in people
    )
    wishes = []
    for index, account in zip(people, accounts, strict=True):
        affordable = [(price, reward) for reward, price in district.rewards if price <= account["available"]]
        if affordable:
            price, reward = affordable[index % len(affordable)]
            wishes.append(_redeem(district, chronicle, index, reward, account["available"] - price, number))
    await all_of(wishes)
    await _correct_a_spender(district, chronicle, number)
    await chronicle.settle()


async def _redeem(district: District, chronicle: Chronicle, index: int, reward: str, left: int, number: int) -> None:
    body = {"reward_id": reward, "site_id": district.sites[0]}
    path = f"{POINTS}/redemptions"
    hold = await district.client.post(path, body, district.tokens[index], "redeem", index, number)
    path = f"{path}/{hold['redemption_id']}"
    fate = index % 10
    if fate < 7:
        body = {"pickup_code": hold["pickup_code"]}
        await district.client.post(f"{path}/capture", body, district.operator, "capture", index, number)
        chronicle.redeemed["captured"] += 1
        chronicle.spenders.append((left, index))
    elif fate == 7:
        await district.client.post(f"{path}/release", {}, district.tokens[index], "release", index, number)
        chronicle.redeemed["released"] += 1
    elif fate == 8:
        body = {"pickup_code": hold["pickup_code"]}
        await district.client.post(f"{path}/capture", body, district.operator, "capture", index, number)
        reason = {"reason": "物品有瑕疵，退回"}
        await district.client.post(f"{path}/refund", reason, district.operator, "refund", index, number)
        chronicle.redeemed["refunded"] += 1
    else:
        chronicle.redeemed["held"] += 1


async def _correct_a_spender(district: District, chronicle: Chronicle, number: int) -> None:
    """One who has spent points turns out to have left early, and a record of another to be somebody else's.

    Every other void turns out to be wrong and is restored, on which another site decides.
    """
    if not chronicle.spenders:
        return
    # Who has least left: what the correction takes away has been spent, so a debt remains.
    for record_id, site, visit in _records_of(district, chronicle, min(chronicle.spenders)[1])[:1]:
        times = {
            "started_at": visit.starts_at.isoformat(),
            "ended_at": (visit.starts_at + timedelta(minutes=20)).isoformat(),
        }
        body = {**times, "reason": "负责人核实：提前离开", "evidence": f"签到表第{number}号"}
        path = f"{RECRUITMENT}/attendance/records/{record_id}/corrections"
        await district.client.post(path, body, district.account(site), "correct", record_id)
        chronicle.corrected += 1
    for record_id, site, _ in _records_of(district, chronicle, max(chronicle.spenders)[1])[:1]:
        body = {"reason": "误扫他人班次", "evidence": f"值班记录第{number}号"}
        path = f"{RECRUITMENT}/attendance/records/{record_id}"
        await district.client.post(f"{path}/void", body, district.account(site), "void", record_id)
        chronicle.voided += 1
        if chronicle.voided % 2 == 0:
            body = {"reason": "复核：确系本人服务", "evidence": f"值班录像第{number}号"}
            await district.client.post(f"{path}/restoration", body, district.account(site), "restore", record_id)
            chronicle.waiting.append(Waiting(record_id, site, "approve"))
            chronicle.restored += 1


def _records_of(district: District, chronicle: Chronicle, person: int) -> list[tuple[str, int, Visit]]:
    """Records without a correction so far, with their sites, in the plan's order; the first counts as corrected now."""
    found = [
        (record_id, activity.site, visit)
        for activity in district.plan.activities
        for place, visit in enumerate(activity.visits)
        if visit.person == person
        and (record_id := chronicle.records.get((activity.index, place))) is not None
        and record_id not in chronicle.mended
    ]
    chronicle.mended.update(record_id for record_id, _, _ in found[:1])
    return found
