"""Routes of devices and of their signed batches."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.guards import STAFF
from services.recruitment.approvals.api import caps_of
from services.recruitment.attendance.domain import Provenance
from services.recruitment.devices import handlers
from services.recruitment.devices.domain import AcceptedUpload, Duplicate, RefusedRow, Upload
from services.recruitment.devices.handlers import UploadBatch, UploadResult
from services.recruitment.devices.store import Device
from services.recruitment.vault.api import CipherDep
from services.recruitment.volunteers.domain import stored_number
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.http.models import GIVEN_ONCE
from shared.postgres import Tx
from shared.typed import VolunteerNumberText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["devices"])

Staff = Annotated[Caller, allow(*STAFF)]
Uploader = Annotated[Caller, allow(Role.LEADER, *STAFF)]
MOST_ROWS = 500
DAY_SECONDS = 86_400


class DeviceIn(Input):
    """A kiosk or a leader's phone, and the site that it belongs to."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    site_id: UUID


class DeviceOut(Output):
    """A device, without its secret."""

    device_id: UUID
    name: str
    site_id: UUID
    registered_at: datetime
    revoked_at: datetime | None


class ListedDeviceOut(DeviceOut):
    """A device with the moment of its last upload, null before the first."""

    last_upload_at: datetime | None


class NewDeviceOut(DeviceOut):
    """A new device with the secret that it signs with, which no other answer shows."""

    secret: Annotated[str | None, GIVEN_ONCE]


class UploadIn(Input):
    """One attendance as the device saw it, in the device's own time."""

    upload_id: Annotated[str, Field(min_length=1, max_length=64)]
    volunteer_number: VolunteerNumberText
    shift_id: UUID
    started_at: datetime
    ended_at: datetime


class UploadBatchIn(Input):
    """A signed batch. ``measured_skew_seconds``: how far the device's clock is ahead of the server's.

    ``provenance`` is what the device asks for; the server decides. ``sequence`` numbers the device's batches from 1:
    when none is missing, an upload may come up to 30 days after its shift and keep its provenance.
    """

    device_id: UUID
    provenance: Literal["kiosk", "leader", "backfilled"]
    measured_skew_seconds: Annotated[int | float, Field(ge=-DAY_SECONDS, le=DAY_SECONDS)]
    records: Annotated[list[UploadIn], Field(min_length=1, max_length=MOST_ROWS)]
    evidence: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    sequence: Annotated[int, Field(ge=1, le=2**53)] | None = None
    signature: Annotated[str, Field(min_length=64, max_length=64)]


class RefusedOut(Output):
    """A row that was not taken, and why."""

    index: int
    upload_id: str
    detail: str


class RecordedOut(Output):
    """The record that a row became, now or when it was first uploaded.

    ``waits_for``: why another site must approve it before it counts; empty for rows that were uploaded before.
    """

    upload_id: str
    record_id: UUID
    waits_for: list[str]


class UploadBatchOut(Output):
    """The outcome of a batch."""

    accepted: int
    duplicates: int
    refused: list[RefusedOut]
    records: list[RecordedOut]


@router.post("/devices", status_code=201, response_model=NewDeviceOut)
async def register(request: Request, db: Db, cipher: CipherDep, caller: Staff, body: DeviceIn) -> Response:
    """Register a device at a site."""

    async def restore(tx: Tx, stored: bytes) -> NewDeviceOut:
        known = NewDeviceOut.model_validate_json(stored)
        return known.model_copy(update={"secret": await handlers.secret_of(tx, cipher, known.device_id)})

    async def work(tx: Tx) -> NewDeviceOut:
        device, secret = await handlers.register(tx, cipher, caller, body.name, body.site_id)
        return NewDeviceOut(**_members(device), secret=secret)

    return await once(request, db, caller, work, restore=restore)


@router.get("/devices")
async def list_devices(db: Db, caller: Staff, cursor: str | None = None, limit: Limit = 50) -> Page[ListedDeviceOut]:
    """The devices at the caller's sites, newest first."""
    before = None if cursor is None else decode(cursor, (UUID,))[0]
    async with db.transaction() as tx:
        found = await handlers.listing(tx, caller, before=before, limit=limit + 1)
    return page_of(
        found,
        limit,
        lambda each: ListedDeviceOut(**_members(each[0]), last_upload_at=each[1]),
        lambda each: (each[0].device_id,),
    )


@router.post("/devices/{device_id}/revoke", response_model=DeviceOut)
async def revoke(request: Request, db: Db, caller: Staff, device_id: UUID) -> Response:
    """Stop trusting a device that was lost."""

    async def work(tx: Tx) -> DeviceOut:
        return _device(await handlers.revoke(tx, caller, device_id))

    return await once(request, db, caller, work, status=200)


@router.post("/attendance/batches", status_code=201, response_model=UploadBatchOut)
async def upload(request: Request, db: Db, cipher: CipherDep, caller: Uploader, body: UploadBatchIn) -> Response:
    """Upload what a device recorded while it was off line, row by row accepted, known or refused."""
    # What was signed is what was sent, before any parsing of times.
    sent: Mapping[str, Any] = json.loads(await request.body())
    batch = UploadBatch(
        device_id=body.device_id,
        provenance=Provenance(body.provenance),
        skew=timedelta(seconds=body.measured_skew_seconds),
        uploads=[_upload(index, row) for index, row in enumerate(body.records)],
        evidence=body.evidence,
        body=sent,
        sequence=body.sequence,
    )

    async def work(tx: Tx) -> UploadBatchOut:
        return _result(await handlers.ingest(tx, cipher, caller, batch, caps_of(request)))

    return await once(request, db, caller, work)


def _upload(index: int, row: UploadIn) -> Upload:
    return Upload(index, row.upload_id, stored_number(row.volunteer_number), row.shift_id, row.started_at, row.ended_at)


def _result(result: UploadResult) -> UploadBatchOut:
    outcomes = result.outcomes
    return UploadBatchOut(
        accepted=sum(1 for each in outcomes if isinstance(each, AcceptedUpload)),
        duplicates=sum(1 for each in outcomes if isinstance(each, Duplicate)),
        refused=[
            RefusedOut(index=each.upload.index, upload_id=each.upload.upload_id, detail=each.detail)
            for each in outcomes
            if isinstance(each, RefusedRow)
        ],
        records=[
            RecordedOut(
                upload_id=each.upload.upload_id,
                record_id=each.revision.record.record_id if isinstance(each, AcceptedUpload) else each.record_id,
                waits_for=[str(reason) for reason in each.reasons] if isinstance(each, AcceptedUpload) else [],
            )
            for each in outcomes
            if isinstance(each, AcceptedUpload | Duplicate)
        ],
    )


def _members(device: Device) -> dict[str, Any]:
    return {name: getattr(device, name) for name in DeviceOut.model_fields}


def _device(device: Device) -> DeviceOut:
    return DeviceOut(**_members(device))
