"""Places that change hands: a waitlist, a swap, a shift that is called off, and a training that opens an activity.

Played after the finale on shifts some days later, so that no figure of the period changes.
"""

from datetime import timedelta
from typing import Any

from dev.demo.client import DemoError, iso
from dev.demo.district import RECRUITMENT, District

__all__ = ["play_places"]

LATER = timedelta(days=5)
TRAINING = "first-aid"


async def play_places(district: District) -> None:
    """Play the four scenes with four people of the finale.

    Raises:
        DemoError: a service refused something, or answered otherwise than the scenes expect.
    """
    await district.log_in()
    people = list(dict.fromkeys(visit.person for visit in district.plan.finale.visits))[:4]
    tokens = [district.tokens[person] for person in people]
    await _waitlist_and_swap(district, tokens)
    await _called_off(district, tokens)
    await _training(district, tokens[0])


async def _waitlist_and_swap(district: District, tokens: list[str]) -> None:
    """Two places for four: one is released and goes to the first who waits, one is passed on."""
    client, (first, second, third, fourth) = district.client, tokens
    _, shift = await _planned(district, "社区春日大扫除", 0, 2)
    signup = await _sign_up(district, shift, first, "places-first")
    other = await _sign_up(district, shift, second, "places-second")
    for rank, token in enumerate((third, fourth), 1):
        joined = await client.post(f"{RECRUITMENT}/shifts/{shift}/waitlist", {}, token, "places-wait", rank)
        _expect(joined["entry"]["rank"] == rank, "the waitlist is not in order")
    await client.post(f"{RECRUITMENT}/signups/{signup}/cancel", {}, first, "places-release")
    _expect((await client.get(f"{RECRUITMENT}/shifts/{shift}", third))["signed_up"], "the place was not passed on")
    me = await client.get(f"{RECRUITMENT}/volunteers/me", first)
    body = {"volunteer_number": me["volunteer_number"]}
    swap = (await client.post(f"{RECRUITMENT}/signups/{other}/swaps", body, second, "places-swap"))["swap_id"]
    agreed = await client.post(f"{RECRUITMENT}/swaps/{swap}/acceptance", {}, first, "places-agree")
    _expect(agreed["state"] == "agreed", "a swap passed the waitlist over")
    done = await client.post(f"{RECRUITMENT}/swaps/{swap}/approval", {}, district.operator, "places-approve")
    _expect(done["state"] == "done", "the swap was not done")


async def _called_off(district: District, tokens: list[str]) -> None:
    """A shift is called off before it begins: sign-ups and the waitlist end."""
    client = district.client
    activity, shift = await _planned(district, "江畔健步宣传", 1, 1)
    await _sign_up(district, shift, tokens[0], "places-off")
    await client.post(f"{RECRUITMENT}/shifts/{shift}/waitlist", {}, tokens[1], "places-off-wait")
    version = (await client.get(f"{RECRUITMENT}/activities/{activity}", district.operator))["version"]
    body = {"version": version, "reason": "weather"}
    path = f"{RECRUITMENT}/shifts/{shift}/cancellation"
    ended = await client.post(path, body, district.operator, "places-call-off")
    _expect(ended["shifts"][0]["taken"] == 0, "a shift that was called off kept its places")


async def _training(district: District, token: str) -> None:
    """An activity asks for a training: refused without it, open with it."""
    client = district.client
    activity, shift = await _planned(district, "独居老人急救陪护", 2, 3)
    body = {"version": 0, "needs_trainings": [TRAINING], "bring": "身份证", "contact": "本站值班员"}
    await client.put(f"{RECRUITMENT}/activities/{activity}/details", body, district.operator, "places-details")
    try:
        await _sign_up(district, shift, token, "places-untrained")
    except DemoError as refused:
        if refused.type != "training-missing":
            raise
    else:
        raise DemoError("an activity took a volunteer without its training")
    me = await client.get(f"{RECRUITMENT}/volunteers/me", token)
    fact = {"kind": "training", "code": TRAINING}
    path = f"{RECRUITMENT}/volunteers/{me['volunteer_id']}/facts"
    await client.post(path, fact, district.operator, "places-fact")
    await _sign_up(district, shift, token, "places-trained")


async def _planned(district: District, title: str, turn: int, capacity: int) -> tuple[str, str]:
    """(activity, shift) of an activity some days after the finale; the turns do not overlap."""
    starts_at = district.plan.finale.ends_at + LATER + turn * timedelta(hours=3)
    body = {
        "title": title,
        "theme_id": district.themes[0],
        "team_id": district.teams[district.plan.finale.team],
        "site_id": district.sites[district.plan.finale.site],
        "kind": "服务",
        "place": district.plan.sites[district.plan.finale.site][1],
        "shifts": [{"starts_at": iso(starts_at), "ends_at": iso(starts_at + timedelta(hours=2)), "capacity": capacity}],
    }
    made = await district.client.post(f"{RECRUITMENT}/activities", body, district.operator, "places", title)
    return made["activity_id"], made["shifts"][0]["shift_id"]


async def _sign_up(district: District, shift: str, token: str, intent: str) -> str:
    answer: dict[str, Any] = await district.client.post(f"{RECRUITMENT}/shifts/{shift}/signups", {}, token, intent)
    return str(answer["signup_id"])


def _expect(holds: bool, detail: str) -> None:
    if not holds:
        raise DemoError(detail)
