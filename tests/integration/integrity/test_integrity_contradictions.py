"""Integrity as it runs, told of what cannot be: a time far ahead, two contents of one revision."""

from datetime import UTC, datetime, timedelta

import pytest

from services.points.integrity.app import SWEEP_EVERY
from shared.ids import new_id
from tests.integration.integrity.running import MORNING, NOW, Integrity, entered, integrity, two_sites
from tests.integration.points.serving import OTHER_SITE, record

__all__ = ["integrity"]

pytestmark = pytest.mark.broker


async def test_a_record_of_a_time_far_ahead_makes_nothing_forgotten(integrity: Integrity) -> None:
    """The sweep comes after so many records of a partition; all of these are of one volunteer."""
    person = new_id()
    one, other = two_sites(person)
    ahead = record(person, 30, started_at=MORNING - timedelta(days=9), device_ref=None)
    others = [
        record(person, 1, started_at=MORNING - timedelta(days=20 + n // 400, minutes=2 * (n % 400)), device_ref=None)
        for n in range(SWEEP_EVERY)
    ]
    await integrity.start()
    await integrity.send(one, emitted_at=NOW)
    await integrity.send(ahead, emitted_at=datetime(2999, 1, 1, tzinfo=UTC))
    await integrity.send(*others, emitted_at=NOW)
    await integrity.send(other, emitted_at=NOW)
    await integrity.found(2, two_sites=1)


async def test_a_second_content_of_a_revision_opens_no_case(integrity: Integrity) -> None:
    person, recorder = new_id(), new_id()
    here = record(person, 60, started_at=MORNING, device_ref=None)
    there = record(person, 60, started_at=MORNING + timedelta(hours=1), site_id=OTHER_SITE, device_ref=None)
    longer = here.model_copy(update={"minutes": 90, "ended_at": MORNING + timedelta(minutes=90)})
    posted = entered(recorder, 20, device_ref=None)
    elsewhere = [one.model_copy(update={"site_id": OTHER_SITE}) for one in posted]
    await integrity.start()
    await integrity.send(here, there, *posted, emitted_at=NOW)
    acknowledged = await integrity.acknowledged(more_than=21)
    await integrity.send(longer, *elsewhere[:10], emitted_at=NOW)
    await integrity.acknowledged(more_than=acknowledged)
    await integrity.end(hard=True)
    await integrity.start()
    await integrity.send(longer, *elsewhere[10:], emitted_at=NOW)
    await integrity.caught_up(1)
    kinds = [kind for kind, _ in (await integrity.cases()).values()]
    assert kinds == ["two-sites"] * integrity.settings.topic_partitions, "those of the marks"
