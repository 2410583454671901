"""The sites' own staff, invited by one operator and activated by another, and the devices that they record with."""

import secrets
from typing import Any

from dev.demo.district import RECRUITMENT, Device, District, all_of

__all__ = ["accept_invitation", "deciding_site", "employ", "invite"]

AT_ONCE = 4
"""Each acceptance and each sign-in hashes a password, which takes a core."""
INSTITUTES = 7


async def employ(district: District) -> None:
    """An account, a kiosk and a roll-call phone at every site that records service, and an account at every institute.

    The centre records by such an account too: its operators invite everybody's, so that whoever decides on hours was
    invited by another than who recorded them.
    """
    plan = district.plan
    recording = sorted({0, *(activity.site for activity in (*plan.prologue, *plan.activities, plan.finale))})
    await all_of((_employ_at(district, site) for site in sorted({*recording, *range(1, 1 + INSTITUTES)})), AT_ONCE)
    await all_of(_register_device(district, site, way) for site in recording for way in ("kiosk", "leader"))


async def _employ_at(district: District, site: int) -> None:
    username, password = f"station-{site:02}", secrets.token_urlsafe(12)
    invitation = await invite(district, username, "station", district.sites[site], f"138450{site:05}")
    member = await accept_invitation(district, invitation, f"138450{site:05}", password)
    if member["state"] == "pending":
        path = f"{RECRUITMENT}/staff/{member['staff_id']}/activation"
        await district.client.post(path, {}, district.second_operator, "activate", site)
    district.stations[site] = await district.sign_in(username, password)
    district.logins[site] = (username, password)


async def invite(district: District, username: str, role: str, site_id: str | None, phone: str) -> dict[str, Any]:
    """An invitation by the first operator."""
    body = {"username": username, "name": "值班员", "phone": phone, "role": role, "site_id": site_id}
    path = f"{RECRUITMENT}/staff/invitations"
    invitation: dict[str, Any] = await district.client.post(path, body, district.operator, "invite", username)
    if invitation["link"] is None:
        # A repeated answer holds no link; the list of open invitations does.
        page = await district.client.get(path, district.operator)
        invitation = next(each for each in page["items"] if each["username"] == username)
    return invitation


async def accept_invitation(
    district: District, invitation: dict[str, Any], phone: str, password: str
) -> dict[str, Any]:
    """Open the link, have a code sent to the phone on file, and set the password; returns the account."""
    path = f"{RECRUITMENT}/staff/invitations/by-token/{invitation['link'].rsplit('/', 1)[-1]}"
    asked = await district.client.post(f"{path}/codes", {}, None)
    body = {
        "challenge_id": asked["challenge_id"],
        "code": await district.codes.for_phone(phone),
        "password": password,
    }
    intent = ("accept", invitation["invitation_id"])
    answer: dict[str, Any] = await district.client.post(f"{path}/acceptance", body, None, *intent)
    return answer


async def _register_device(district: District, site: int, way: str) -> None:
    name = {"kiosk": "签到终端", "leader": "点名手机"}[way]
    body = {"name": f"{district.plan.sites[site][1]}{name}", "site_id": district.sites[site]}
    path = f"{RECRUITMENT}/devices"
    answer = await district.client.post(path, body, district.account(site), "device", site, way)
    district.devices[site, way] = Device(answer["device_id"], answer["secret"])


def deciding_site(recorder_site: int, turn: int) -> int:
    """An institute whose staff may decide on what the site recorded: another than the site, subordinate to none."""
    institutes = [site for site in range(1, 1 + INSTITUTES) if site != recorder_site]
    return institutes[turn % len(institutes)]
