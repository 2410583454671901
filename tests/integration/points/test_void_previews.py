"""The preview of voiding an activity says what the ingest does afterwards, and changes nothing itself."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from services.points import __main__ as points
from services.points.ingest.stream import IngestStream
from services.points.ledger import handlers as ledger
from services.points.policy import policy_of, stored_policy
from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.histories import attendance, message, read
from tests.reference.points import Record
from tests.support.databases import Clock
from tests.support.documents import RULE_EXAMPLES, rule_from
from tests.support.rule_histories import NOW, enforce
from tests.support.settings import SettingsFor

ACTIVITY, SITE = UUID(int=0xAC), UUID(int=0x51)
DAY = timedelta(days=1)


@pytest.fixture
async def client(points_db: Database, settings_for: SettingsFor, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    await clock.set(NOW)
    await policy_of(points_db)
    app = points.api(settings_for("points"))
    app.state.database = points_db
    app.state.policy = stored_policy()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://points/api/points/v1") as http:
        yield http


async def previewed(
    client: httpx.AsyncClient, settings_for: SettingsFor, *sites: UUID, status: int = 200
) -> dict[str, object]:
    station = Caller(subject=new_id(), roles=frozenset({Role.STATION}), site_ids=frozenset(sites))
    headers = {"Authorization": f"Bearer {mint(settings_for('recruitment'), station)}"}
    answer = await client.get(f"/activities/{ACTIVITY}/void-preview", headers=headers)
    assert answer.status_code == status, answer.text
    found: dict[str, object] = answer.json()
    return found


async def played(stream: IngestStream, records: list[Record], spent: UUID, db: Database) -> None:
    """Service at the activity and elsewhere; one volunteer has spent all points."""
    for record in records:
        elsewhere = {"activity_id": new_id()} if record.minutes == 60 else {}
        await stream.handle([message(attendance(record, **elsewhere))])
    async with db.transaction() as tx:
        row = await tx.fetchrow("select available from volunteers where volunteer_id = $1", spent)
        assert row is not None
        hold = await ledger.hold(tx, spent, row["available"], new_id(), hold_id=new_id(), expires_at=NOW + DAY)
        await ledger.capture(tx, hold.hold_id, new_id())


async def test_the_preview_is_what_the_voids_do(
    client: httpx.AsyncClient, points_db: Database, settings_for: SettingsFor
) -> None:
    rule = rule_from(RULE_EXAMPLES.joinpath("hailin.yaml").read_text("utf-8")).model_dump(mode="json")
    stream = await enforce(points_db, [rule])
    people = [new_id() for _ in range(3)]
    records = [
        Record(str(new_id()), 1, str(people[number % 3]), "confirmed", "scanned", NOW - number * DAY, minutes)
        for number, minutes in enumerate((120, 90, 120, 120, 60, 60, 120))
    ]
    await played(stream, records, people[0], points_db)
    before = [await read(points_db, one) for one in people]
    outbox = await points_db.pool.fetchval("select count(*) from outbox")
    seen = await previewed(client, settings_for, SITE)
    assert await previewed(client, settings_for, SITE) == seen
    assert [await read(points_db, one) for one in people] == before
    assert await points_db.pool.fetchval("select count(*) from outbox") == outbox
    await previewed(client, settings_for, new_id(), status=403)
    for record in records:
        if record.minutes != 60:
            await stream.handle([message(attendance(replace(record, revision=2, status="void")))])
    after = [await read(points_db, one) for one in people]
    lost = dict.fromkeys(("earned", "debt"), 0)
    badges: dict[str, int] = {}
    for old, new in zip(before, after, strict=True):
        assert old is not None
        assert new is not None
        for name in lost:
            lost[name] += new.balances[name] - old.balances[name]
        for badge in old.badges - new.badges:
            badges[badge] = badges.get(badge, 0) + 1
    assert (seen["records"], seen["people"]) == (5, 3)
    assert (seen["points"], seen["debt"], seen["badges"]) == (-lost["earned"], lost["debt"], badges)
    assert lost["debt"] > 0
    assert (await previewed(client, settings_for, SITE))["records"] == 0


async def test_what_waits_is_worth_what_confirming_brings(
    client: httpx.AsyncClient, points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    rule = rule_from(RULE_EXAMPLES.joinpath("hailin.yaml").read_text("utf-8")).model_dump(mode="json")
    stream = await enforce(points_db, [rule])
    team, shift = new_id(), new_id()
    members = {"activity_id": ACTIVITY, "team_id": team, "shift_id": shift}
    people = [new_id() for _ in range(3)]
    waiting = [
        Record(str(new_id()), 1, str(people[n]), status, "scanned", NOW - DAY, 120)
        for n, status in enumerate(("provisional", "provisional", "confirmed"))
    ]
    for record in waiting:
        await stream.handle([message(attendance(record, **members))])
    await clock.set(NOW)
    leader = Caller(subject=people[0], roles=frozenset({Role.LEADER}), team_ids=frozenset({team}))
    stranger = Caller(subject=people[0], roles=frozenset({Role.LEADER}), team_ids=frozenset({new_id()}))

    async def asked(caller: Caller, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {mint(settings_for('recruitment'), caller)}"}
        return await client.get(f"/activities/{ACTIVITY}/ending-preview", headers=headers, params=query)

    assert (await asked(stranger)).json()["type"] == "site-out-of-bounds"
    before = [await read(points_db, one) for one in people]
    seen = (await asked(leader, shift_id=str(shift))).json()
    assert (await asked(leader)).json() == seen
    assert (await asked(leader, shift_id=str(new_id()))).status_code == 403
    assert [await read(points_db, one) for one in people] == before
    assert (seen["records"], seen["waiting"]) == (3, 2)
    for record in waiting[:2]:
        await stream.handle([message(attendance(replace(record, revision=2, status="confirmed"), **members))])
    after = [await read(points_db, one) for one in people]
    earned = [(one.balances["earned"] if one else 0) for one in (*before, *after)]
    assert seen["expected"] == sum(earned[3:]) - sum(earned[:3]) > 0
    assert seen["points"] == sum(earned[:3]) > 0
