"""Use cases of devices: register, revoke, and ingest a signed batch of attendance."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.recruitment.activities.guards import actor_id, is_staff_of
from services.recruitment.approvals import handlers as approvals
from services.recruitment.approvals.domain import AssertionCaps
from services.recruitment.approvals.events import Note, publish
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import DEFAULT_POLICY, Place, Provenance
from services.recruitment.corrections.handlers import keep_evidence
from services.recruitment.devices import domain, store
from services.recruitment.devices.domain import AcceptedUpload, Context, Outcome, Person, Upload
from services.recruitment.devices.signing import canonical, signature_holds
from services.recruitment.devices.store import Device, SigningDevice
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller, Role
from shared.errors import Forbidden, Invalid, NotFound
from shared.ids import derived_id, new_id
from shared.postgres import Database, Tx

__all__ = ["UploadBatch", "UploadResult", "ingest", "listing", "register", "revoke", "seal_plain", "secret_of"]

SEALED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class UploadBatch:
    """A device's upload; ``skew`` is how far its clock is ahead of the server's. ``body`` is what was signed."""

    device_id: UUID
    provenance: Provenance
    skew: timedelta
    uploads: Sequence[Upload]
    evidence: str | None
    body: Mapping[str, Any]
    sequence: int | None = None
    """The device's own number of the batch, one more than that of its last."""


@dataclass(frozen=True, slots=True)
class UploadResult:
    """The outcome of each row, in order."""

    outcomes: Sequence[Outcome]


async def register(tx: Tx, cipher: Cipher, caller: Caller, name: str, site_id: UUID) -> tuple[Device, str]:
    """Register a device at a site; its secret is shown this once.

    Raises:
        Forbidden: the site is not in the caller's subtree.
        Invalid: there is no such site.
    """
    caller.require_site(site_id)
    if not await store.site_exists(tx, site_id):
        raise Invalid("reference-unknown", f"site_id {site_id} does not exist.", member="site_id")
    device = Device(new_id(), name, site_id, caller.subject, await tx.now(), None)
    secret = secrets.token_urlsafe(32)
    await store.insert_device(tx, device, cipher.seal_text(device.device_id, secret))
    return device, secret


async def secret_of(tx: Tx, cipher: Cipher, device_id: UUID) -> str:
    """The secret of a device, to repeat the answer to its registration.

    Raises:
        NotFound: no such device.
    """
    device = await store.find_device(tx, device_id)
    if device is None:
        raise NotFound("device-unknown", f"There is no device {device_id}.")
    return _secret(cipher, device)


async def seal_plain(db: Database, cipher: Cipher) -> int:
    """Seal the secrets that lie in plain text from before; returns how many. Repeating it is harmless."""
    sealed = 0
    while True:
        async with db.transaction() as tx:
            found = await store.plain_secrets(tx, SEALED_AT_ONCE)
            await store.seal_secrets(tx, [(each, *cipher.seal_text(each, secret)) for each, secret in found])
        sealed += len(found)
        if len(found) < SEALED_AT_ONCE:
            return sealed


async def revoke(tx: Tx, caller: Caller, device_id: UUID) -> Device:
    """Stop trusting a device.

    Raises:
        NotFound: no such device at the caller's sites.
    """
    found = await store.find_device(tx, device_id)
    if found is None or not caller.may_site(found.site_id):
        raise NotFound("device-unknown", f"There is no device {device_id}.")
    device = await store.revoke_device(tx, device_id, await tx.now())
    assert device is not None
    return device


async def listing(tx: Tx, caller: Caller, *, before: UUID | None, limit: int) -> list[tuple[Device, datetime | None]]:
    """A page of the devices at the caller's sites, newest first, each with its last upload."""
    site_ids = None if caller.site_ids is None else sorted(caller.site_ids)
    found = await store.list_devices(tx, site_ids=site_ids, before=before, limit=limit)
    uploads = await store.last_uploads(tx, [device.device_id for device in found])
    return [(device, uploads.get(device.device_id)) for device in found]


async def ingest(tx: Tx, cipher: Cipher, caller: Caller, batch: UploadBatch, caps: AssertionCaps) -> UploadResult:
    """Ingest a batch: each row accepted, recognised as a duplicate, or refused with a reason.

    The server decides what an accepted row counts for: at once within the caps of the caller's account, or after
    another site approves it.

    Raises:
        NotFound: the device is not registered.
        Forbidden: it was revoked, the signature is wrong, or the caller may not upload for it or in this way.
        Invalid: backfilled hours without evidence.
    """
    await store.lock_device(tx, batch.device_id)
    device = await store.find_device(tx, batch.device_id)
    if device is None:
        raise NotFound("device-unknown", f"There is no device {batch.device_id}.")
    _permit(caller, device, _secret(cipher, device), batch)
    now = await tx.now()
    skewed = {upload.index: (upload.started_at - batch.skew, upload.ended_at - batch.skew) for upload in batch.uploads}
    context = await _context(tx, caller, device, batch, skewed)
    if (sequence := _sequence(device, batch, now)) is not None:
        await store.save_sequence(tx, device.device_id, *sequence)
    decided = domain.decide(batch.uploads, skewed, context, DEFAULT_POLICY, now)
    outcomes = await _within_caps(tx, context.recorded_by, decided, caps)
    accepted = [outcome for outcome in outcomes if isinstance(outcome, AcceptedUpload)]
    if accepted:
        await _keep(tx, cipher, batch, accepted, context, now)
    return UploadResult(outcomes)


def _secret(cipher: Cipher, device: SigningDevice) -> str:
    return cipher.open_text(device.device_id, device.secret_key, device.sealed_secret)


def _sequence(device: SigningDevice, batch: UploadBatch, now: datetime) -> tuple[int, datetime | None] | None:
    """The device's last number from now on, and when an upload was last found missing; None when neither changes."""
    last = device.last_sequence
    if batch.sequence is None or batch.sequence <= last:
        return None
    return batch.sequence, device.sequence_gap_at if batch.sequence == last + 1 else now


async def _within_caps(tx: Tx, account_id: UUID, outcomes: Sequence[Outcome], caps: AssertionCaps) -> list[Outcome]:
    """The outcomes, rows above the account's caps waiting for another site."""
    accepted = [each for each in outcomes if isinstance(each, AcceptedUpload)]
    assertions = [assertion for each in accepted if (assertion := each.assertion) is not None]
    _, above = await approvals.split_by_caps(tx, account_id, assertions, caps)
    too_many = {each.record_id for each in above}
    return [
        each.above_cap() if isinstance(each, AcceptedUpload) and each.revision.record.record_id in too_many else each
        for each in outcomes
    ]


def _permit(caller: Caller, device: SigningDevice, secret: str, batch: UploadBatch) -> None:
    if device.revoked_at is not None:
        raise Forbidden("device-revoked", "This device is no longer trusted; register it again.")
    if not signature_holds(secret, batch.body):
        raise Forbidden("signature-invalid", "The signature does not fit this body and this device's secret.")
    if is_staff_of(caller, device.site_id):
        if batch.provenance is Provenance.BACKFILLED and not batch.evidence:
            raise Invalid("evidence-missing", "Hours entered afterwards need evidence.", member="evidence")
        return
    if not caller.has(Role.LEADER):
        raise Forbidden("site-out-of-bounds", "This device is not at one of your sites.")
    if batch.provenance is not Provenance.LEADER:
        raise Forbidden("provenance-not-allowed", "Leaders upload their own roll-calls only (provenance leader).")


async def _context(
    tx: Tx,
    caller: Caller,
    device: SigningDevice,
    batch: UploadBatch,
    skewed: Mapping[int, tuple[datetime, datetime]],
) -> Context:
    people = await store.find_people(tx, list({upload.volunteer_number for upload in batch.uploads}))
    shift_ids = list({upload.shift_id for upload in batch.uploads})
    places, free, signed = await _lock(tx, people, shift_ids)
    volunteer_ids = [person.volunteer_id for person in people.values()]
    earliest, latest = min(start for start, _ in skewed.values()), max(end for _, end in skewed.values())
    staff = is_staff_of(caller, device.site_id)
    return Context(
        device_id=device.device_id,
        device_site_id=device.site_id,
        device_since=device.registered_at,
        device_sites=device.sites,
        provenance=batch.provenance,
        recorded_by=actor_id(caller),
        recorder_volunteer_id=caller.volunteer_id,
        owner_volunteer_id=device.owner_volunteer_id,
        teams=None if staff else caller.team_ids,
        people=people,
        places=places,
        in_order=batch.sequence == device.last_sequence + 1,
        gap_at=device.sequence_gap_at,
        record_ids={upload.index: derived_id("upload", device.device_id, upload.upload_id) for upload in batch.uploads},
        busy=await records.busy_between(tx, volunteer_ids, earliest, latest, DEFAULT_POLICY.grace),
        disputed=await store.disputed_between(tx, volunteer_ids, earliest, latest),
        signed=signed,
        free=free,
        known=await store.known_uploads(tx, device.device_id, [upload.upload_id for upload in batch.uploads]),
    )


async def _lock(
    tx: Tx, people: Mapping[str, Person], shift_ids: Sequence[UUID]
) -> tuple[dict[UUID, Place], dict[UUID, int], set[tuple[UUID, UUID]]]:
    """Lock volunteers, then the shifts in which a walk-in may take a place; then read what the locks protect."""
    volunteer_ids = [person.volunteer_id for person in people.values()]
    await records.lock_volunteers(tx, volunteer_ids)
    signed = await store.active_signups(tx, volunteer_ids, shift_ids)
    await store.lock_shifts(tx, shift_ids)
    places = await records.find_places(tx, shift_ids)
    free = {shift_id: place.shift.capacity - place.shift.taken for shift_id, place in places.items()}
    return places, free, signed


async def _keep(
    tx: Tx, cipher: Cipher, batch: UploadBatch, accepted: Sequence[AcceptedUpload], context: Context, now: datetime
) -> None:
    await attendance.commit_all(tx, [each.revision for each in accepted], now)
    await store.insert_uploads(tx, batch.device_id, accepted, now)
    walk_ins = [
        (new_id(), each.upload.shift_id, each.revision.record.volunteer_id) for each in accepted if each.takes_place
    ]
    if walk_ins:
        await store.insert_walk_ins(tx, walk_ins, now)
    assertions = [assertion for each in accepted if (assertion := each.assertion) is not None]
    await approvals.keep_assertions(tx, context.recorded_by, assertions, now)
    await approvals.wait(tx, {each.revision.record.record_id: each.reasons for each in accepted}, now)
    evidence = [(each.revision, text) for each in accepted if (text := _evidence(batch, each)) is not None]
    if evidence:
        await keep_evidence(tx, cipher, evidence)
    await publish(tx, [Note(each.revision.record, "recorded", each.reasons) for each in accepted], now)


def _evidence(batch: UploadBatch, row: AcceptedUpload) -> str | None:
    """The evidence for the row: the caller's, or, for hours that came too late, the signed row itself."""
    if batch.evidence or row.revision.record.provenance is not Provenance.BACKFILLED:
        return batch.evidence
    signed = {
        **{name: value for name, value in batch.body.items() if name != "records"},
        "record": batch.body["records"][row.upload.index],
    }
    return canonical(signed).decode() + f"\nsignature: {batch.body['signature']}"
