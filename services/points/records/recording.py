"""A batch's records into their table: all that PostgreSQL takes, however many it refuses of the others."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from uuid import UUID

from services.points.records import store
from services.points.records.domain import RecordRevision, RevisionResolution, resolve
from shared.postgres import Tx

__all__ = ["write_records"]

_PORTION = 1000
"""So many records are written at once: when PostgreSQL refuses one of them, the others are written again without it."""
_REFUSED_AT_MOST = 20
"""A batch with more of them is halved."""


async def write_records(
    tx: Tx,
    batch: Sequence[RecordRevision],
    stored: Mapping[UUID, RecordRevision],
    superseded: Mapping[tuple[UUID, int], bytes],
    *,
    savepoints: bool = True,
) -> tuple[RevisionResolution, dict[int, store.RecordRefused]]:
    """Decide which revisions stand and write them, without those that PostgreSQL refuses; returns these by place.

    Raises:
        RecordRefused: it refuses too many; without ``savepoints``, one. The transaction must go back to where it was.
    """
    written: set[UUID] = set()
    # Known before it is tried: a row that PostgreSQL refuses costs its whole portion once more.
    refused = {place: store.unstorable(one) for place, one in enumerate(batch) if not one.storable}
    while True:
        resolution = resolve(batch, stored, superseded, refused)
        errors = await _insert_records(tx, resolution.applied, written, savepoints=savepoints)
        if not errors:
            break
        # Without it a lower revision of the same record may stand.
        for place, revision in enumerate(batch):
            if (error := errors.get((revision.record_id, revision.revision))) is not None:
                refused[place] = error
    await store.raise_records(tx, [new for new, old in resolution.applied.values() if old is not None])
    await store.keep_superseded(tx, resolution.superseded)
    return resolution, refused


async def _insert_records(
    tx: Tx,
    applied: Mapping[UUID, tuple[RecordRevision, RecordRevision | None]],
    written: set[UUID],
    *,
    savepoints: bool,
) -> dict[tuple[UUID, int], store.RecordRefused]:
    """Insert new records that are not ``written`` yet, in portions, each again without what was refused."""
    new = [revision for revision, before in applied.values() if before is None and revision.record_id not in written]
    new.sort(key=_record_id)
    refused: dict[tuple[UUID, int], store.RecordRefused] = {}
    for start in range(0, len(new), _PORTION):
        portion = new[start : start + _PORTION]
        while portion:
            try:
                async with tx.savepoint() if savepoints else nullcontext():
                    await store.insert_records(tx, portion)
                break
            except store.RecordRefused as error:
                if not savepoints or len(refused) >= _REFUSED_AT_MOST:
                    raise
                refused[error.key] = error
                portion = [one for one in portion if (one.record_id, one.revision) != error.key]
        written.update(one.record_id for one in portion)
    return refused


def _record_id(revision: RecordRevision) -> bytes:
    return revision.record_id.bytes
