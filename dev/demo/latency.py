"""From a check-out's answer to the points in the account, in real time, at a given pace."""

import asyncio
import time
from dataclasses import dataclass

from dev.demo.client import DemoError
from dev.demo.days import Chronicle, scan, show_code
from dev.demo.district import POINTS, RECRUITMENT, District, all_of
from dev.demo.plan import Activity

__all__ = ["Latency", "play_finale"]

PACE = 50.0
"""Check-outs a second."""
LOOK_FIRST, LOOK_SLOWER = 0.02, 1.25
"""How soon after the answer it is looked for, and how much later each time: hundreds who look fifty times a second for
what is late would make it later. So a latency is told up to a quarter too long, and never too short."""
GIVE_UP = 30.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the answer of a check-out until the account shows its points."""

    samples: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """The nearest-rank percentile, in milliseconds."""
        ordered = sorted(self.samples)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


async def play_finale(district: District, chronicle: Chronicle) -> Latency:
    """The plaque of the first Lei Feng community: everybody checks in, and out one after the other at the pace."""
    activity = district.plan.finale
    await chronicle.set_clock(activity.starts_at)
    shift = district.shifts[activity.index]
    people = [visit.person for visit in activity.visits]
    await all_of(
        district.client.post(
            f"{RECRUITMENT}/shifts/{shift}/signups", {}, district.tokens[index], "signup-finale", index
        )
        for index in people
    )
    code = await show_code(district, activity)
    await all_of(scan(district, "check-ins", activity, index, code) for index in people)
    chronicle.check_ins += len(people)
    await chronicle.set_clock(activity.ends_at)
    await chronicle.settle()
    earned = await all_of(_earned(district, index) for index in people)
    samples = await _check_out(district, activity, people, earned)
    chronicle.check_outs += len(people)
    await district.client.post(
        f"{RECRUITMENT}/activities/{district.activities[activity.index]}/close",
        {"residents_served": activity.residents, "note": "揭牌日"},
        district.operator,
        "close",
        activity.index,
    )
    return Latency(tuple(samples))


async def _check_out(district: District, activity: Activity, people: list[int], earned: list[int]) -> list[float]:
    code, shown_at = await show_code(district, activity), time.monotonic()
    tasks: list[asyncio.Task[float]] = []
    begin = time.monotonic()
    for place, (index, before) in enumerate(zip(people, earned, strict=True)):
        await asyncio.sleep(max(0.0, begin + place / PACE - time.monotonic()))
        if time.monotonic() - shown_at > 4:
            code, shown_at = await show_code(district, activity), time.monotonic()
        tasks.append(asyncio.create_task(_measure(district, activity, code, index, before)))
    return list(await asyncio.gather(*tasks))


async def _measure(district: District, activity: Activity, code: str, index: int, before: int) -> float:
    await scan(district, "check-outs", activity, index, code)
    answered = time.perf_counter()
    due = answered + LOOK_FIRST
    while await _earned(district, index) <= before:
        if time.perf_counter() - answered > GIVE_UP:
            raise DemoError(f"a check-out brought no points within {GIVE_UP:.0f} s")
        await asyncio.sleep(due - time.perf_counter())
        due = answered + (time.perf_counter() - answered) * LOOK_SLOWER
    return (time.perf_counter() - answered) * 1000


async def _earned(district: District, index: int) -> int:
    account = await district.client.get(f"{POINTS}/accounts/{district.volunteers[index]}", district.tokens[index])
    return int(account["earned"])
