"""Teams on a real database: counted from the set of revisions in any order, with badges, standings and poison."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.points.badges.domain import Criteria
from services.points.teams import documents, handlers, store
from services.points.teams.api import router
from services.points.teams.stream import TeamStream
from services.points.versions.handlers import Current
from shared.contracts import AttendanceRecorded, TeamBadgeAwarded, TeamBadgeRevoked
from shared.errors import TransientError
from shared.http.app import create_app
from shared.ids import derived_id, new_id
from shared.postgres import Database, Tx
from tests.integration.points.histories import message
from tests.integration.points.serving import Api
from tests.integration.points.serving import record as served
from tests.support.databases import Clock
from tests.support.depth import examples
from tests.support.documents import team_criteria_from
from tests.support.settings import SettingsFactory

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
FEW = team_criteria_from(
    """
version: 1001
name: small teams
effective_from: 2026-01-01
badges:
  - {badge: team-two, name: 两次, services: 2, of: [credit, honour]}
  - {badge: team-four, name: 四次, services: 4, of: [credit]}
  - {badge: team-year, name: 年度两次, services: 2, window: year, of: [credit, honour]}
"""
).criteria()
_worlds = count(1)


async def few(tx: Tx) -> Criteria:
    """As if they alone were in force."""
    return FEW


@pytest.fixture
async def stream(points_db: Database, clock: Clock) -> TeamStream:
    """The consumer under the shipped criteria; it is 4 March 2026."""
    await clock.set(NOW)
    return TeamStream(points_db, await handlers.install(points_db))


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    """The routes of teams."""
    app = create_app(settings_for("points"), title="points", routers=[router])
    app.state.database = points_db
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://points") as client:
        yield Api(client, settings_for("recruitment"))


def of_team(team_id: UUID | None, number: int = 1, **changes: Any) -> list[AttendanceRecorded]:
    """Records of as many volunteers of a team."""
    return [served(new_id(), team_id=team_id, **changes) for _ in range(number)]


async def rows(database: Database, sql: str, *args: object) -> list[dict[str, Any]]:
    async with database.snapshot() as tx:
        return [dict(row) for row in await tx.fetch(sql, *args)]


async def told(database: Database, team_id: UUID) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What the outbox tells of a team: type, data, headers."""
    found = await rows(
        database, "select headers, value from outbox where topic = 'team-badges' and key = $1 order by id", str(team_id)
    )
    events = [(orjson.loads(row["headers"]), orjson.loads(row["value"])) for row in found]
    return [(headers["ce_type"], data, headers) for headers, data in events]


async def public(api: Api, path: str, **params: Any) -> Any:
    """What a stranger without a token is told."""
    answer = await api.client.get(f"/api/points/v1{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_fiftieth_service_earns_a_badge_and_a_correction_takes_it_away(
    stream: TeamStream, api: Api, points_db: Database
) -> None:
    team_id, other = new_id(), new_id()
    records = of_team(team_id, 50)
    await stream.handle([message(one) for one in records[:49]])
    seen = await public(api, f"/teams/{team_id}/badges")
    assert (seen["services"], seen["held"], seen["next"]["remaining"]) == (49, [], 1)
    await stream.handle([message(records[49])])
    seen = await public(api, f"/teams/{team_id}/badges")
    assert [(one["badge"], one["name"]) for one in seen["held"]] == [
        ("team-50", "五十次服务团队"),
        ("team-annual-caring-2026", "2026年度爱心志愿服务团队"),
    ]
    assert seen["held"][0]["reason"] == {
        "measure": "services",
        "value": 50,
        "at_least": 50,
        "record": [str(records[49].record_id), 1, "confirmed"],
    }
    moved = records[7].model_copy(update={"revision": 2, "team_id": other, "closed_by": "correction"})
    await stream.handle([message(moved), message(moved), message(records[7])])
    seen = await public(api, f"/teams/{team_id}/badges")
    assert (seen["services"], seen["held"]) == (49, [])
    assert [one["revoked_reason"]["record"] for one in seen["revoked"]] == [[str(moved.record_id), 2, "confirmed"]] * 2
    assert (await public(api, f"/teams/{other}/badges"))["services"] == 1

    events = await told(points_db, team_id)
    assert [type for type, _, _ in events] == [TeamBadgeAwarded.type] * 2 + [TeamBadgeRevoked.type] * 2
    awarded = TeamBadgeAwarded.model_validate(events[0][1])
    revoked = TeamBadgeRevoked.model_validate(events[2][1])
    assert (awarded.services, awarded.awarded_at) == (50, NOW)
    assert revoked.award_id == awarded.award_id
    assert (revoked.cause, revoked.services) == ("records", 49)
    headers = events[0][2]
    assert headers["ce_subject"] == str(team_id)
    assert (headers["ce_aggregateid"], headers["ce_aggregateversion"]) == (str(awarded.award_id), "1")
    assert headers["ce_correlationid"] == f"c-{records[49].record_id}"
    assert events[2][2]["ce_aggregateversion"] == "2"


async def test_nobody_needs_the_ingest_to_have_been_there(stream: TeamStream, points_db: Database) -> None:
    await stream.handle([message(one) for one in of_team(new_id(), 3)])
    assert await rows(points_db, "select * from records") == []
    assert await rows(points_db, "select * from volunteers") == []
    assert len(await rows(points_db, "select * from team_services where counted_as = 'credit'")) == 3


async def test_poison_becomes_a_dead_letter_of_this_group_and_blocks_nothing(
    stream: TeamStream, points_db: Database
) -> None:
    team_id = new_id()
    good, conflicting = of_team(team_id, 2)
    other = conflicting.model_copy(update={"team_id": new_id()})
    batch = [message(good, value=b"{"), message(conflicting), message(other), message(good)]
    for _ in range(2):
        await stream.handle(batch)
    letters = await rows(points_db, "select consumer_group, kind, value from dead_letters order by id")
    assert [(one["consumer_group"], one["kind"]) for one in letters] == [
        ("points-teams", "permanent"),
        ("points-teams", "conflict"),
    ]
    assert letters[1]["value"] == batch[2].value
    (team,) = await rows(points_db, "select * from teams where team_id = $1", team_id)
    assert orjson.loads(team["figures"]) == {"": [2, 0], "2026": [2, 0]}
    topics = await rows(points_db, "select topic from outbox where topic like '%dlq'")
    assert {one["topic"] for one in topics} == {"attendance.points-teams.dlq"}


async def test_standings_rank_a_period_page_by_page(stream: TeamStream, api: Api) -> None:
    teams = sorted(new_id() for _ in range(4))
    march = {"started_at": NOW - timedelta(hours=8)}
    batch = of_team(teams[0], 2) + of_team(teams[1], 3) + of_team(teams[2], 3, provenance="backfilled")
    batch += of_team(teams[3], 1, **march) + of_team(teams[0], 1, **march) + of_team(teams[3], 9, provenance="imported")
    await stream.handle([message(one) for one in batch])
    year = await public(api, "/teams/standings")
    assert (year["period"], year["first"], year["last"]) == ("year", "2026-01-01", "2026-12-31")
    expected = [(1, teams[0], 3), (1, teams[1], 3), (1, teams[2], 3), (4, teams[3], 1)]
    assert [(one["rank"], UUID(one["team_id"]), one["services"]) for one in year["items"]] == expected
    assert year["next_cursor"] is None
    found, cursor = [], None
    for _ in range(4):
        page = await public(api, "/teams/standings", limit=1, **({"cursor": cursor} if cursor else {}))
        found += [(one["rank"], UUID(one["team_id"]), one["services"]) for one in page["items"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (expected, None)
    month = await public(api, "/teams/standings", period="month")
    assert [UUID(one["team_id"]) for one in month["items"]] == sorted([teams[0], teams[3]])
    january = await public(api, "/teams/standings", period="month", day="2026-01-31")
    assert len(january["items"]) == 3
    assert (await api.client.get("/api/points/v1/teams/standings", params={"cursor": "x"})).status_code == 400


async def test_other_criteria_judge_every_team_anew(stream: TeamStream, points_db: Database) -> None:
    team_id = new_id()
    await stream.handle([message(one) for one in of_team(team_id, 50)])
    newer = documents.TeamCriteriaDocument.model_validate(
        {
            "version": 1002,
            "name": "x",
            "effective_from": "2026-01-01",
            "badges": [{"badge": "team-forty", "name": "四十次", "services": 40, "of": ["credit"]}],
        }
    )
    async with points_db.transaction() as tx:
        await store.CRITERIA.insert(tx, newer)
    assert await handlers.judge_anew(points_db) == 1
    assert await handlers.judge_anew(points_db) == 0
    (team,) = await rows(points_db, "select badges, criteria_version from teams")
    assert (team["badges"], team["criteria_version"]) == (["team-forty"], 1002)
    assert [type for type, _, _ in await told(points_db, team_id)][2:] == [
        TeamBadgeAwarded.type,
        TeamBadgeRevoked.type,
        TeamBadgeRevoked.type,
    ]


async def test_who_serves_is_judged_by_the_newest_criteria_first_and_told_the_reason(
    stream: TeamStream, points_db: Database
) -> None:
    """What other criteria take away is not blamed on the record that came next."""
    team_id = new_id()
    await stream.handle([message(one) for one in of_team(team_id, 50)])
    newer = {
        "version": 1002,
        "name": "x",
        "effective_from": "2026-01-01",
        "badges": [{"badge": "team-fifty-one", "name": "五十一次", "services": 51, "of": ["credit"]}],
    }
    async with points_db.transaction() as tx:
        await store.CRITERIA.insert(tx, documents.TeamCriteriaDocument.model_validate(newer))
    await TeamStream(points_db, await handlers.install(points_db)).handle([message(one) for one in of_team(team_id, 1)])
    events = [data for _, data, _ in await told(points_db, team_id)]
    gone = [data for data in events if "revoked_at" in data]
    assert gone
    assert {data["cause"] for data in gone} == {"criteria"}
    assert events[-1]["badge"] == "team-fifty-one"
    # A process of the release before does not judge by what was in force before.
    with pytest.raises(TransientError, match="version 1002"):
        await TeamStream(points_db, Current(_first)).handle([message(one) for one in of_team(team_id, 1)])


async def _first(tx: Tx) -> Criteria:
    return documents.shipped()[0].criteria()


async def test_a_team_is_not_credited_with_what_the_ledger_cannot_keep(stream: TeamStream, points_db: Database) -> None:
    team_id = new_id()
    good, bad = of_team(team_id, 2)
    await stream.handle([message(bad.model_copy(update={"theme": "\x00敬老"})), message(good)])
    (counted,) = await rows(points_db, "select count(*) as records from team_services")
    assert counted["records"] == 1
    (letter,) = await rows(points_db, "select kind, reason from dead_letters where consumer_group = 'points-teams'")
    assert (letter["kind"], letter["reason"]) == (
        "permanent",
        "a text of the record holds U+0000, which PostgreSQL cannot store",
    )


class Drawn(NamedTuple):
    """One revision of one record, in small numbers that shrink well."""

    record: int
    revision: int
    team: int | None
    day: int
    status: str
    provenance: str


drawn = st.lists(
    st.builds(
        Drawn,
        record=st.integers(0, 7),
        revision=st.integers(1, 3),
        team=st.sampled_from([0, 0, 1, None]),
        day=st.sampled_from([0, 0, 1, 400]),
        status=st.sampled_from(["confirmed", "confirmed", "confirmed", "provisional", "void"]),
        provenance=st.sampled_from(["scanned", "kiosk", "leader", "backfilled", "imported"]),
    ),
    min_size=1,
    max_size=24,
    unique_by=lambda one: (one.record, one.revision),
)


class Expected(NamedTuple):
    """A team by the plain definition: counts per year, and the badges that they earn."""

    years: dict[int, int]
    badges: set[str]


def expected(history: Sequence[Drawn], team: int) -> Expected:
    """The reference: the highest revision of each record, looked at one by one. Knows nothing of the service."""
    highest = {one.record: one for one in sorted(history, key=lambda one: one.revision)}
    counted = [
        one
        for one in highest.values()
        if one.team == team and one.status == "confirmed" and one.provenance != "imported"
    ]
    years: dict[int, int] = {}
    for one in counted:
        year = (_started(one) + timedelta(hours=8)).year
        years[year] = years.get(year, 0) + 1
    badges = {f"team-year-{year}" for year, services in years.items() if services >= 2}
    badges |= {"team-two"} if len(counted) >= 2 else set()
    badges |= {"team-four"} if len([one for one in counted if one.provenance != "backfilled"]) >= 4 else set()
    return Expected(years, badges)


def _started(one: Drawn) -> datetime:
    return datetime(2025, 12, 31, 15, tzinfo=UTC) + timedelta(days=one.day)


def attendance(world: int, one: Drawn) -> AttendanceRecorded:
    return served(
        derived_id("team-volunteer", world, one.record),
        record_id=derived_id("team-record", world, one.record),
        revision=one.revision,
        team_id=None if one.team is None else derived_id("team", world, one.team),
        status=one.status,
        provenance=one.provenance,
        started_at=_started(one),
    )


async def check(database: Database, world: int, history: Sequence[Drawn]) -> None:
    for team in (0, 1):
        team_id, wanted = derived_id("team", world, team), expected(history, team)
        found = await rows(database, "select figures, badges from teams where team_id = $1", team_id)
        figures = orjson.loads(found[0]["figures"]) if found else {}
        assert {int(year): sum(counts) for year, counts in figures.items() if year} == wanted.years
        assert sum(figures.get("", ())) == sum(wanted.years.values())
        days = await rows(database, "select credit + honour as services from team_days where team_id = $1", team_id)
        assert sum(one["services"] for one in days) == sum(wanted.years.values())
        assert set(found[0]["badges"] if found else ()) == wanted.badges
        open_ = await rows(
            database, "select badge from team_badge_awards where team_id = $1 and revoked_at is null", team_id
        )
        assert {one["badge"] for one in open_} == wanted.badges


@settings(
    max_examples=examples(),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=drawn, data=st.data())
async def test_any_order_any_duplication_and_any_batches_come_to_the_same(
    points_db: Database, history: list[Drawn], data: st.DataObject
) -> None:
    world, stream = next(_worlds), TeamStream(points_db, Current(few))
    again = data.draw(st.lists(st.sampled_from(history), max_size=10))
    order = data.draw(st.permutations(history + again))
    while order:
        size = data.draw(st.integers(1, len(order)))
        batch, order = order[:size], order[size:]
        await stream.handle([message(attendance(world, one)) for one in batch])
    await check(points_db, world, history)


async def test_two_consumers_at_once_lose_nothing(points_db: Database) -> None:
    """A stopped and resumed consumer beside its successor: again and again both have the same records in hand."""
    revisions, records = range(1, 9), range(12)
    history = {
        revision: [Drawn(record, revision, revision % 2, 0, "confirmed", "scanned") for record in records]
        for revision in revisions
    }
    world, streams = next(_worlds), [TeamStream(points_db, Current(few)) for _ in range(2)]

    async def consume(stream: TeamStream, batch: Sequence[Drawn]) -> None:
        for _ in range(200):
            try:
                await stream.handle([message(attendance(world, one)) for one in batch])
                return
            except TransientError:
                await asyncio.sleep(0)
        pytest.fail("a batch could not be applied in 200 attempts")

    for revision in revisions[::2]:
        await asyncio.gather(consume(streams[0], history[revision]), consume(streams[1], history[revision + 1]))
        await check(points_db, world, [one for seen in range(1, revision + 2) for one in history[seen]])
