"""What the audit says of teams: it names a breach, and lets the teams' consumer lag behind the ingest."""

from uuid import UUID

import pytest

from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from tests.integration.points.serving import NOW, message, record
from tests.support.audit_world import PLANTS, World, named, world
from tests.support.audits import by_code

__all__ = ["world"]

TEAM = UUID(int=0x7EA)


def of_team(number: int) -> list[AttendanceRecorded]:
    return [record(new_id(), team_id=TEAM) for _ in range(number)]


@pytest.fixture
async def served(world: World) -> list[AttendanceRecorded]:
    """A team with fifty services and the badges for them; all of it clean."""
    records = of_team(50)
    await world.serve(*records)
    report = await world.audit()
    assert report.ok, report.as_json()
    return records


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        ("team_figure", "services is {'': (51, 0), '2026': (50, 0)}, should be {'': (50, 0), '2026': (50, 0)}"),
        ("team_badge", "badges is ['team-500'], should be ['team-50', 'team-annual-caring-2026']"),
        ("team_award_gone", "awarded badges is ['team-annual-caring-2026'], should be"),
        ("team_day", "credit services is 49, should be 50"),
        ("team_gone", "has services and no row"),
    ],
)
async def test_a5_names_a_team_that_somebody_touched(
    world: World, served: list[AttendanceRecorded], plant: str, says: str
) -> None:
    await world.plant(PLANTS[plant], TEAM)
    assert says in named(await world.breached("A5"), f"team {TEAM}")


async def test_a5_names_a_record_that_is_counted_otherwise_than_the_ledger_has_it(
    world: World, served: list[AttendanceRecorded]
) -> None:
    record_id = served[3].record_id
    await world.plant(PLANTS["team_service"], record_id)
    check = await world.breached("A5")
    assert "counted_as is None, should be credit" in named(check, f"record {record_id} revision 1")
    assert "credit services is 50, should be 49" in named(check, f"team {TEAM} on 2026-01-10")


async def test_a5_holds_a_superseded_revision_that_is_still_counted_against_its_own_content(
    world: World, served: list[AttendanceRecorded]
) -> None:
    later = served[3].model_copy(update={"revision": 2, "status": "void"})
    await world.publish(later)
    await world.ledger.feed(later)
    report = await world.audit(settled=False)
    assert report.ok, report.as_json()
    assert "1 revisions are on their way to the teams" in by_code(report)["A3"].notes
    assert "for its team: sent and not counted" in named(await world.breached("A3"), later.record_id)
    await world.teams.handle([message(later)])
    report = await world.audit()
    assert report.ok, report.as_json()


async def test_a3_names_what_the_teams_consumer_passed_over(world: World, served: list[AttendanceRecorded]) -> None:
    volunteer_id = new_id()
    lost, later = (record(volunteer_id, team_id=TEAM, started_at=NOW) for _ in range(2))
    for data in (lost, later):
        await world.publish(data)
        await world.ledger.feed(data)
    await world.teams.handle([message(later)])
    check = await world.breached("A3", settled=False)
    assert "later events of the same volunteer" in named(check, lost.record_id)
    await world.teams.dead_letter(message(lost), ValueError("poison"))
    report = await world.audit(settled=False)
    assert report.ok, report.as_json()
