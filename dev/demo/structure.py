"""The district's structure beyond its sites and teams: service points, needs, leaders, deputies and members."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dev.demo import names
from dev.demo.client import DemoError
from dev.demo.district import RECRUITMENT, District, all_of

__all__ = ["appoint", "found_structure"]

MEMBERS = 2
"""Members of each team besides its leader and deputy."""
MOST_TEAMS = 15
"""Teams that one person belongs to at most."""
_LEADERS = ("leader", "deputy")


async def found_structure(district: District) -> None:
    """Service points with their hours and rota, and need tags with the teams that serve them."""
    await all_of(_found_point(district, number) for number in range(len(names.SERVICE_POINTS)))
    made = await all_of(
        district.client.post(f"{RECRUITMENT}/tags", {"tag": code, "zh": zh, "en": en}, district.operator, "tag", code)
        for code, zh, en in names.NEEDS.values()
    )
    tags = dict(zip(names.NEEDS, made, strict=True))
    await all_of(
        _serve(district, number, tags[work]["tag_id"])
        for number, (_, name, _site) in enumerate(district.plan.teams)
        for work in names.NEEDS
        if work in name
    )


async def appoint(district: District) -> None:
    """A leader, unless it has one, a deputy and members for each team, of those who registered themselves."""
    found = await district.client.get(f"{RECRUITMENT}/teams?limit=500", district.operator)
    led = {team["team_id"] for team in found["items"] if team["leader_volunteer_id"] is not None}
    claimed = [person for person in district.plan.people if not person.registry and person.index in district.volunteers]
    uses: Counter[int] = Counter()
    filled: dict[int, list[str]] = {}
    for number, (_, _name, site) in enumerate(district.plan.teams):
        # Those of the team's own station, unless they belong to two teams more than others do.
        order = sorted(claimed, key=lambda person: uses[person.index] - 2 * (person.station == site))
        chosen = [person.index for person in order if uses[person.index] < MOST_TEAMS][
            : MEMBERS + 2 - (district.teams[number] in led)
        ]
        uses.update(chosen)
        filled[number] = [district.volunteers[index] for index in chosen]
    await all_of(
        _fill(district, number, people, _LEADERS[1:] if district.teams[number] in led else _LEADERS)
        for number, people in filled.items()
    )


async def _fill(district: District, number: int, people: list[str], roles: Sequence[str]) -> None:
    """Make these people members of a team, the first of them with its roles."""
    client, operator, team = district.client, district.operator, district.teams[number]
    for place, volunteer_id in enumerate(people):
        path = f"{RECRUITMENT}/teams/{team}/members"
        made = await client.post(path, {"volunteer_id": volunteer_id}, operator, "member", number, place)
        if place < len(roles):
            role = f"{RECRUITMENT}/memberships/{made['membership_id']}/role"
            await client.post(role, {"role": roles[place]}, operator, "role", number, place)


async def _found_point(district: District, number: int) -> None:
    name, site, team = names.SERVICE_POINTS[number]
    body = {"kind": "service_point", "name": name, "parent_id": district.sites[site]}
    made = await district.client.post(f"{RECRUITMENT}/sites", body, district.operator, "point", number)
    hours = [{"weekday": day, "opens": "09:00", "closes": "11:30"} for day in range(1, 6)]
    duties = [
        {"weekday": day, "begins": "09:00", "ends": "11:30", "team_id": district.teams[team]}
        for day in (1 + number % 5, 1 + (number + 2) % 5)
    ]
    week: dict[str, Any] = {"version": 1, "hours": hours, "rota": duties}
    await _once(district, f"{RECRUITMENT}/sites/{made['site_id']}/openings", week, "openings", number)


async def _serve(district: District, number: int, tag_id: str) -> None:
    body = {"version": 1, "tag_ids": [tag_id]}
    await _once(district, f"{RECRUITMENT}/teams/{district.teams[number]}/tags", body, "tags", number)


async def _once(district: District, path: str, body: dict[str, Any], *intent: object) -> None:
    """A PUT by version: that it was done already is no failure, when the answer of the first try was lost."""
    try:
        await district.client.put(path, body, district.operator, *intent)
    except DemoError as error:
        if error.type != "changed-meanwhile":
            raise
