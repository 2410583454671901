"""Use cases of volunteer organisations and their trainings."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.guards import actor_id
from services.recruitment.editing.domain import Editable, ObjectKind
from services.recruitment.editing.handlers import keep_change
from services.recruitment.organisation.domain import Level, clean_title
from services.recruitment.organisation.handlers import require_open_site
from services.recruitment.recruiting.domain import check_period
from services.recruitment.trainings import store
from services.recruitment.trainings.store import Organisation, Training, TrainingAttendance
from shared.auth.tokens import Caller
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["NewTraining", "add_organisation", "add_training", "record", "training"]


@dataclass(frozen=True, slots=True)
class NewTraining:
    """A training to be planned; ``mode`` is online or onsite."""

    title: str
    mode: str
    site_id: UUID
    starts_at: datetime
    ends_at: datetime


async def add_organisation(tx: Tx, caller: Caller, name: str, level: Level, site_id: UUID) -> Organisation:
    """Add a volunteer organisation to a site.

    Raises:
        NotFound, Forbidden, Conflict: the site is none, not the caller's, or closed; or the name is taken.
        Invalid: the name is empty or too long.
    """
    await require_open_site(tx, caller, site_id)
    try:
        name = clean_title(name, "name")
    except ValueError as error:
        raise Invalid("organisation-invalid", str(error)) from None
    new = Organisation(new_id(), name, level, site_id, await tx.now())
    if not await store.add_organisation(tx, new):
        raise Conflict("organisation-exists", f"There is already an open organisation named {name}.")
    return new


async def add_training(tx: Tx, caller: Caller, new: NewTraining) -> Training:
    """Plan a training, or enter one that was held.

    Raises:
        NotFound, Forbidden, Conflict: the site is none, not the caller's, or closed.
        Invalid: the title is empty, or the times cannot be.
    """
    await require_open_site(tx, caller, new.site_id)
    try:
        title = clean_title(new.title, "title", 200)
        check_period(new.starts_at, new.ends_at)
    except ValueError as error:
        raise Invalid("training-invalid", str(error)) from None
    made = Training(new_id(), title, new.mode, new.site_id, new.starts_at, new.ends_at, await tx.now())
    await store.add_training(tx, made)
    return made


async def training(tx: Tx, training_id: UUID) -> tuple[Training, list[TrainingAttendance]]:
    """A training with its attendance.

    Raises:
        NotFound: there is no such training.
    """
    return await _training(tx, training_id), await store.attendances_of(tx, training_id)


async def record(
    tx: Tx, caller: Caller, training_id: UUID, organisation_id: UUID, people: int
) -> tuple[Training, list[TrainingAttendance]]:
    """Record how many people of an organisation attended; written again, it is corrected and the history keeps both.

    Raises:
        NotFound: there is no such training or organisation.
        Forbidden: the training's site lies outside of the caller's bounds.
        Conflict: one of them is closed, or the training has not begun.
    """
    found = await _training(tx, training_id)
    caller.require_site(found.site_id)
    attending = await store.find_organisation(tx, organisation_id)
    if attending is None:
        raise NotFound("organisation-unknown", "There is no such organisation.")
    now = await tx.now()
    if found.closed_at is not None or attending.closed_at is not None:
        raise Conflict("training-closed", "This training or organisation is closed; its attendance stays as it is.")
    if found.starts_at > now:
        raise Conflict("training-not-begun", "This training has not begun; attendance is recorded from its start on.")
    present = {each.organisation_id: each.people for each in await store.attendances_of(tx, training_id)}
    before, after = _said(attending, present.get(organisation_id)), _said(attending, people)
    if before != after:
        current = Editable(ObjectKind.TRAINING, training_id, "", found.site_id, found.version - 1, None, before)
        await keep_change(tx, caller, current, "edited", after)
    await store.put_attendance(tx, training_id, organisation_id, people, actor_id(caller), now)
    return await training(tx, training_id)


def _said(organisation: Organisation, people: int | None) -> dict[str, object]:
    return {"attendance": None if people is None else f"{organisation.name} {people}"}


async def _training(tx: Tx, training_id: UUID) -> Training:
    found = await store.find_training(tx, training_id)
    if found is None:
        raise NotFound("training-unknown", "There is no such training.")
    return found
