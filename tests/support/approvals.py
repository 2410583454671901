"""Records that wait for an approval."""

from tests.integration.recruitment.work import HOUR, NOW, Volunteer, Work
from tests.support.hour_doors import a_row, upload

__all__ = ["entered", "kiosk"]


async def entered(work: Work, count: int = 1) -> tuple[list[str], list[Volunteer]]:
    """Hours that 惠民社区 entered afterwards, waiting; and the volunteers."""
    shift_id, device, people = await work.shift(capacity=50), await work.device(), await work.people(count)
    await work.clock.set(NOW + 5 * HOUR)
    rows = [a_row(n, person, shift_id) for n, person in enumerate(people)]
    body = work.batch(device, *rows, provenance="backfilled", evidence="纸质签到表第3页")
    return [each["record_id"] for each in (await upload(work, body))["records"]], people


async def kiosk(work: Work) -> tuple[str, Volunteer]:
    """A kiosk row that counts."""
    shift_id, device, (person,) = await work.shift(), await work.device(), await work.people(1)
    await work.clock.set(NOW + 5 * HOUR)
    (made,) = (await upload(work, work.batch(device, a_row(1, person, shift_id))))["records"]
    return made["record_id"], person
