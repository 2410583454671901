"""Uploads of kiosks and roll-call phones: signed batches of what happened while they were off line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dev.demo.client import Client, DemoError, iso
from dev.demo.district import RECRUITMENT, Device, District, id_of
from dev.demo.plan import Activity, Visit
from dev.demo.signature import sign

__all__ = ["Upload", "Uploaded", "row_of", "send", "upload"]

ROWS = 400


@dataclass(frozen=True, slots=True)
class Upload:
    """One visit to be uploaded."""

    activity: Activity
    visit: Visit
    number: int

    @property
    def upload_id(self) -> str:
        """The device's own id of the row."""
        return f"{id_of(self.activity)}-{self.number}"


@dataclass(slots=True)
class Uploaded:
    """Record ids by upload id, those that another site decides on, and how many rows were known already."""

    records: dict[str, str] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    duplicates: int = 0


async def upload(district: District, site: int, way: str, rows: list[Upload], *intent: object) -> Uploaded:
    """Send rows through the site's device of that kind, as the site's own staff.

    Raises:
        DemoError: a row was refused.
    """
    device, done = district.devices[site, way], Uploaded()
    again = "again" in intent
    for start in range(0, len(rows), ROWS):
        if not again:
            device.sequence += 1
        answer = await send(
            district.client,
            district.account(site),
            device,
            way,
            [row_of(district, row) for row in rows[start : start + ROWS]],
            *("upload", site, way, start, *intent),
            sequence=device.sequence,
        )
        if answer["refused"]:
            raise DemoError(f"an upload was refused: {answer['refused'][:3]}")
        done.duplicates += answer["duplicates"]
        done.records |= {row["upload_id"]: row["record_id"] for row in answer["records"]}
        done.waiting |= {row["upload_id"] for row in answer["records"] if row["waits_for"]}
    return done


def row_of(district: District, upload: Upload) -> dict[str, Any]:
    """A visit as a row of a batch."""
    return {
        "upload_id": upload.upload_id,
        "volunteer_number": district.numbers[upload.visit.person],
        "shift_id": district.shifts[id_of(upload.activity)],
        "started_at": iso(upload.visit.starts_at),
        "ended_at": iso(upload.visit.ends_at),
    }


async def send(
    client: Client,
    token: str,
    device: Device,
    way: str,
    rows: Sequence[dict[str, Any]],
    *intent: object,
    sequence: int | None = None,
    evidence: str | None = None,
) -> dict[str, Any]:
    """Send one signed batch and return the answer, whatever became of its rows.

    Raises:
        DemoError: the batch as a whole was refused.
    """
    body: dict[str, Any] = {
        "device_id": device.device_id,
        "provenance": way,
        "measured_skew_seconds": 0,
        "records": list(rows),
    }
    if sequence is not None:
        body["sequence"] = sequence
    if evidence is not None:
        body["evidence"] = evidence
    body["signature"] = sign(device.secret, body)
    answer: dict[str, Any] = await client.post(f"{RECRUITMENT}/attendance/batches", body, token, *intent)
    return answer
