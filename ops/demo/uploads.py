"""Uploads of kiosks and leaders' phones: signed batches of what happened while they were off line."""

from dataclasses import dataclass
from typing import Any

from ops.demo.client import DemoError, iso
from ops.demo.district import RECRUITMENT, District, id_of
from ops.demo.plan import Activity, Visit
from ops.demo.signature import sign

__all__ = ["Upload", "upload"]

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


async def upload(district: District, way: str, rows: list[Upload], *intent: object) -> dict[str, Any]:
    """Send rows through the centre's device of that kind; returns record ids by upload id and the number of duplicates.

    Raises:
        DemoError: a row was refused.
    """
    device_id, secret = district.devices[way]
    records: dict[str, str] = {}
    duplicates = 0
    for start in range(0, len(rows), ROWS):
        body: dict[str, Any] = {
            "device_id": device_id,
            "provenance": way,
            "measured_skew_seconds": 0,
            "records": [
                {
                    "upload_id": row.upload_id,
                    "volunteer_number": district.numbers[row.visit.person],
                    "shift_id": district.shifts[id_of(row.activity)],
                    "started_at": iso(row.visit.starts_at),
                    "ended_at": iso(row.visit.ends_at),
                }
                for row in rows[start : start + ROWS]
            ],
        }
        body["signature"] = sign(secret, body)
        path = f"{RECRUITMENT}/attendance/batches"
        answer = await district.client.post(path, body, district.operator, "upload", way, start, *intent)
        if answer["refused"]:
            raise DemoError(f"an upload was refused: {answer['refused'][:3]}")
        duplicates += answer["duplicates"]
        records |= {row["upload_id"]: row["record_id"] for row in answer["records"]}
    return {"records": records, "duplicates": duplicates}
