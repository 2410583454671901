"""Where sites lie, and the distance that a check-in brings along, through HTTP on a real database."""

from tests.integration.recruitment.work import HOUR, MINUTE, Work


async def test_operators_say_where_a_site_lies_and_its_history_keeps_it(work: Work) -> None:
    site_id = work.sites["惠民社区"]
    path, body = f"/sites/{site_id}/position", {"version": 1, "latitude": 46.59, "longitude": 131.15}
    assert (await work.get(path)).json() == {"latitude": None, "longitude": None}
    assert (await work.put(path, body, work.station)).status_code == 403
    assert (await work.put(path, body)).status_code == 200
    assert (await work.put(path, body)).json()["type"] == "changed-meanwhile"
    assert (await work.put(path, {**body, "version": 2, "longitude": None})).status_code == 422
    assert (await work.get(path)).json() == {"latitude": 46.59, "longitude": 131.15}
    (change,) = (await work.get(f"/changes/site/{site_id}")).json()["items"]
    assert change["after"] == {"position": "46.59000, 131.15000"}


async def test_a_distance_is_kept_and_blocks_nothing(work: Work) -> None:
    volunteer, shift_id = await work.volunteer(), await work.shift(-MINUTE, HOUR)
    body = {"shift_id": shift_id, "code": await work.code(shift_id), "distance_m": 12_000}
    answer = await work.post("/attendance/walk-ins", body, volunteer.token)
    assert (answer.status_code, answer.json()["distance_m"]) == (201, 12_000)


async def test_shifts_are_found_by_the_need_that_their_team_serves(work: Work) -> None:
    tag = (await work.post("/tags", {"tag": "haircut", "zh": "理发", "en": "haircuts"})).json()
    shift_id = await work.shift(HOUR, 2 * HOUR)
    assert (await work.get("/shifts", need="haircut")).json()["items"] == []
    team = (await work.get(f"/teams/{work.team}")).json()
    body = {"version": team["version"], "tag_ids": [tag["tag_id"]]}
    assert (await work.put(f"/teams/{work.team}/tags", body)).status_code == 200
    found = (await work.get("/shifts", need="haircut")).json()["items"]
    assert [shift["shift_id"] for shift in found] == [shift_id]


async def test_shifts_are_found_by_own_teams(work: Work) -> None:
    shift_id, member, other = await work.shift(HOUR, 2 * HOUR), await work.volunteer(), await work.volunteer()
    path = f"/teams/{work.team}/members"
    assert (await work.post(path, {"volunteer_id": member.volunteer_id}, work.operator)).status_code == 201
    for token, found in ((member.token, [shift_id]), (other.token, []), (work.station, []), (None, [])):
        answer = await work.get("/shifts", token, own_teams="true")
        assert [shift["shift_id"] for shift in answer.json()["items"]] == found
    everything = await work.get("/shifts", other.token)
    assert [shift["shift_id"] for shift in everything.json()["items"]] == [shift_id]
