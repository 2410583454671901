"""Volunteers take out what recruitment holds about them, through HTTP on a real database."""

import json

from tests.integration.recruitment.work import DAY, NOW, Work
from tests.support.hour_doors import slug

EXPORT = "/volunteers/me/export"


async def test_an_export_holds_all_sections_of_the_caller_alone(work: Work) -> None:
    shift_id, person, record = await work.serving()
    other = await work.volunteer()
    assert (await work.sign_up(shift_id, other)).status_code == 201
    await work.clock.set(NOW + DAY)
    asked = await work.post(f"/shifts/{shift_id}/rectifications", {"words": "早到了一刻钟"}, person.token)
    assert asked.status_code == 201
    path = f"/rectifications/{asked.json()['rectification_id']}/answer"
    assert (await work.post(path, {"outcome": "kept", "words": "按签到算"}, work.station)).status_code == 200
    look = await work.post(f"/volunteers/{person.volunteer_id}/unmask", {"purpose": "核对保险"}, work.operator)
    assert look.status_code == 200
    held = (await work.get(EXPORT, person.token)).json()
    assert held["person"]["volunteer_number"] == person.number
    assert len(held["person"]["phone"]) == 11, "in the clear"
    assert [one["version"] for one in held["consents"]]
    assert [one["record_id"] for one in held["records"]] == [record["record_id"]]
    assert [(one["words"], one["outcome"], one["answer"]) for one in held["requests"]] == [
        ("早到了一刻钟", "kept", "按签到算")
    ]
    assert [one["purpose"] for one in held["looks"]] == ["核对保险"]
    theirs = (await work.get(EXPORT, other.token)).json()
    assert (len(theirs["signups"]), theirs["records"], theirs["requests"], theirs["looks"]) == (1, [], [], [])
    assert person.number not in json.dumps(theirs)


async def test_exports_are_three_a_day_and_in_the_security_log(work: Work) -> None:
    person, other = await work.volunteer(), await work.volunteer()
    for _ in range(3):
        assert (await work.get(EXPORT, person.token)).status_code == 200
    refused = await work.get(EXPORT, person.token)
    assert (refused.status_code, slug(refused)) == (429, "exports-limited")
    assert (await work.get(EXPORT, other.token)).status_code == 200, "counted for each volunteer"
    counted = "select count(*) from security_events where kind = 'data-exported' and subject = $1"
    async with work.database.transaction() as tx:
        assert await tx.fetchval(counted, person.volunteer_id) == 3
    assert (await work.get(EXPORT, work.station)).status_code == 403
