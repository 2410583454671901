"""Integrity fed with what cannot be: a time far ahead, two contents of one revision."""

from datetime import UTC, datetime, timedelta

from shared.ids import new_id
from tests.integration.integrity.running import MORNING, Integrity, entered, integrity, two_sites
from tests.integration.points.serving import OTHER_SITE, record

__all__ = ["integrity"]


async def test_a_record_of_a_time_far_ahead_makes_nothing_forgotten(integrity: Integrity) -> None:
    person = new_id()
    one, other = two_sites(person)
    ahead = record(person, 30, started_at=MORNING - timedelta(days=9), device_ref=None)
    await integrity.send(one)
    await integrity.send(ahead, *entered(new_id(), 3), emitted_at=datetime(2999, 1, 1, tzinfo=UTC))
    await integrity.follower.forget()
    await integrity.send(other)
    await integrity.found(2, two_sites=1)


async def test_a_second_content_of_a_revision_opens_no_case(integrity: Integrity) -> None:
    person, recorder = new_id(), new_id()
    here = record(person, 60, started_at=MORNING, device_ref=None)
    there = record(person, 60, started_at=MORNING + timedelta(hours=1), site_id=OTHER_SITE, device_ref=None)
    longer = here.model_copy(update={"minutes": 90, "ended_at": MORNING + timedelta(minutes=90)})
    posted = entered(recorder, 20, device_ref=None)
    elsewhere = [one.model_copy(update={"site_id": OTHER_SITE}) for one in posted]
    await integrity.send(here, there, *posted)
    await integrity.send(longer, *elsewhere[:10])
    await integrity.send(longer, *elsewhere[10:])
    assert await integrity.cases() == {}
    letters = await integrity.database.pool.fetchval("select count(*) from dead_letters where kind = 'conflict'")
    assert letters == 21
