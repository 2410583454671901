"""Rows of devices and of what they have uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.recruitment.approvals.domain import RecruitingDrive
from services.recruitment.devices.domain import AcceptedUpload, Person, UploadedBefore
from shared.postgres import Tx, load_queries

__all__ = [
    "Device",
    "SigningDevice",
    "active_signups",
    "disputed_between",
    "find_device",
    "find_people",
    "insert_device",
    "insert_uploads",
    "insert_walk_ins",
    "known_uploads",
    "list_devices",
    "lock_device",
    "lock_shifts",
    "plain_secrets",
    "revoke_device",
    "save_sequence",
    "seal_secrets",
    "site_exists",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it is shown: without its secret."""

    device_id: UUID
    name: str
    site_id: UUID
    registered_by: UUID
    registered_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SigningDevice:
    """A device whose signature is to be checked; ``sites`` is its site and everything under it."""

    device_id: UUID
    name: str
    site_id: UUID
    secret_key: bytes
    sealed_secret: bytes
    revoked_at: datetime | None
    registered_at: datetime
    last_sequence: int
    """The number of its last upload; 0 before the first."""
    sequence_gap_at: datetime | None
    """When an upload was last found missing."""
    owner_volunteer_id: UUID | None
    """The volunteer that the registrant is too."""
    sites: frozenset[UUID]


async def site_exists(tx: Tx, site_id: UUID) -> bool:
    """Whether the site exists."""
    return bool(await tx.fetchval(_SQL["site_exists"], site_id))


async def insert_device(tx: Tx, device: Device, secret: tuple[bytes, bytes]) -> None:
    """Write a new device with its (wrapped key, sealed secret)."""
    await tx.execute(
        _SQL["insert_device"],
        device.device_id,
        device.name,
        device.site_id,
        *secret,
        device.registered_by,
        device.registered_at,
    )


async def plain_secrets(tx: Tx, limit: int) -> list[tuple[UUID, str]]:
    """(device, secret) of devices whose secret is not sealed yet; locked against other processes that seal."""
    await tx.execute(_SQL["lock_sealing"])
    return [(row["device_id"], row["secret"]) for row in await tx.fetch(_SQL["plain_secrets"], limit)]


async def seal_secrets(tx: Tx, rows: Sequence[tuple[UUID, bytes, bytes]]) -> None:
    """Replace plain secrets by (device, wrapped key, sealed secret) rows."""
    await tx.execute(_SQL["seal_secrets"], [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


async def list_devices(tx: Tx, *, site_ids: Sequence[UUID] | None, before: UUID | None, limit: int) -> list[Device]:
    """A page of devices, newest first."""
    rows = await tx.fetch(_SQL["list_devices"], None if site_ids is None else list(site_ids), before, limit)
    return [Device(**dict(row)) for row in rows]


async def last_uploads(tx: Tx, device_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When each of these devices last uploaded something; those that never did are left out."""
    return {row["device_id"]: row["last_upload_at"] for row in await tx.fetch(_SQL["last_uploads"], list(device_ids))}


async def revoke_device(tx: Tx, device_id: UUID, at: datetime) -> Device | None:
    """Stop trusting a device; the first time counts."""
    row = await tx.fetchrow(_SQL["revoke_device"], device_id, at)
    return None if row is None else Device(**dict(row))


async def lock_device(tx: Tx, device_id: UUID) -> None:
    """Let this device's batches go one after the other."""
    await tx.fetchval(_SQL["lock_device"], device_id)


async def find_device(tx: Tx, device_id: UUID) -> SigningDevice | None:
    """The device, or none."""
    row = await tx.fetchrow(_SQL["find_device"], device_id)
    return None if row is None else SigningDevice(**{**dict(row), "sites": frozenset(row["sites"])})


async def find_people(tx: Tx, numbers: Sequence[str]) -> dict[str, Person]:
    """Whom these volunteer numbers stand for."""
    rows = await tx.fetch(_SQL["find_people"], list(numbers))
    return {row["volunteer_number"]: _person(row) for row in rows}


def _person(row: Any) -> Person:
    drive = (
        None
        if row["drive_site"] is None
        else RecruitingDrive(row["drive_site"], row["drive_starts"], row["drive_ends"])
    )
    return Person(row["volunteer_id"], row["drive_id"], row["registered_at"], drive)


async def save_sequence(tx: Tx, device_id: UUID, sequence: int, gap_at: datetime | None) -> None:
    """Write the number of the device's last upload."""
    await tx.execute(_SQL["save_sequence"], device_id, sequence, gap_at)


async def known_uploads(tx: Tx, device_id: UUID, upload_ids: Sequence[str]) -> dict[str, UploadedBefore]:
    """Load the device's earlier uploads under these ids."""
    rows = await tx.fetch(_SQL["known_uploads"], device_id, list(upload_ids))
    return {row["upload_id"]: UploadedBefore(bytes(row["content_hash"]), row["record_id"]) for row in rows}


async def disputed_between(
    tx: Tx, volunteer_ids: Sequence[UUID], start: datetime, end: datetime
) -> dict[UUID, list[tuple[datetime, datetime]]]:
    """Times between two instants that each volunteer denied, or that another site rejected."""
    found: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for row in await tx.fetch(_SQL["disputed_between"], list(volunteer_ids), start, end):
        found.setdefault(row["volunteer_id"], []).append((row["started_at"], row["ended_at"]))
    return found


async def insert_uploads(tx: Tx, device_id: UUID, accepted: Sequence[AcceptedUpload], at: datetime) -> None:
    """Remember what was accepted."""
    await tx.execute(
        _SQL["insert_uploads"],
        device_id,
        [each.upload.upload_id for each in accepted],
        [each.content_hash for each in accepted],
        [each.revision.record.record_id for each in accepted],
        at,
    )


async def active_signups(tx: Tx, volunteer_ids: Sequence[UUID], shift_ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """(volunteer, shift) pairs that have a place."""
    rows = await tx.fetch(_SQL["active_signups"], list(volunteer_ids), list(shift_ids))
    return {(row["volunteer_id"], row["shift_id"]) for row in rows}


async def lock_shifts(tx: Tx, shift_ids: Sequence[UUID]) -> None:
    """Lock shifts in the order of their ids; read in a later statement."""
    await tx.fetch(_SQL["lock_shifts"], list(shift_ids))


async def insert_walk_ins(tx: Tx, places: Sequence[tuple[UUID, UUID, UUID]], at: datetime) -> None:
    """Take (signup_id, shift_id, volunteer_id) places; the shifts are locked."""
    await tx.execute(
        _SQL["insert_walk_ins"],
        [signup_id for signup_id, _, _ in places],
        [shift_id for _, shift_id, _ in places],
        [volunteer_id for _, _, volunteer_id in places],
        at,
    )
