"""Rows of an upload, and the call that sends them."""

from datetime import timedelta
from typing import Any

from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import HOUR, Volunteer, Work, at

__all__ = ["a_row", "upload"]


def a_row(
    number: int, person: Volunteer, shift_id: str, start: timedelta = HOUR, end: timedelta = 2 * HOUR, **more: Any
) -> Answer:
    return {
        "upload_id": f"u{number}",
        "volunteer_number": person.number,
        "shift_id": shift_id,
        "started_at": at(start),
        "ended_at": at(end),
        **more,
    }


async def upload(work: Work, body: Answer, token: str | None = None) -> Answer:
    answer = await work.post("/attendance/batches", body, token or work.station)
    assert answer.status_code == 201, answer.text
    result: Answer = answer.json()
    return result
