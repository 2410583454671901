"""Records entered through each door that hours come in by."""

from datetime import timedelta
from typing import Any

from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import HOUR, Volunteer, Work
from tests.support import uploads

__all__ = ["WHY", "a_row", "record_of", "slug", "upload"]

WHY = {"reason": "核实", "evidence": "口头"}


def slug(answer: Any) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition("/")[2].rpartition(":")[2]


def a_row(number: int, person: Volunteer, shift_id: str, start: timedelta = HOUR, end: timedelta = 3 * HOUR) -> Answer:
    return uploads.a_row(number, person, shift_id, start, end)


async def upload(work: Work, body: Answer, token: str | None = None) -> Answer:
    result = await uploads.upload(work, body, token)
    assert not result["refused"], result
    return result


async def record_of(work: Work, record_id: str) -> Answer:
    found: Answer = (await work.get(f"/attendance/records/{record_id}")).json()
    return found
