"""Use cases of recruiting: open drives, publish appeals, and say whom a registration is owed to."""

import secrets
from dataclasses import dataclass, replace
from uuid import UUID

from services.recruitment.organisation.domain import clean_title
from services.recruitment.organisation.handlers import require_open_site
from services.recruitment.recruiting import store
from services.recruitment.recruiting.domain import (
    CODE_ALPHABET,
    CODE_LENGTH,
    Funnel,
    NewAppeal,
    NewDrive,
    check_period,
    code_from,
    normalise_code,
    why_closed,
)
from services.recruitment.recruiting.store import Appeal, Drive
from shared import outbox
from shared.auth.tokens import Caller, Role
from shared.contracts import DriveOpened
from shared.errors import Conflict, Invalid, NotFound, TransientError
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "SOURCE",
    "DriveView",
    "appeal_by_code",
    "drive_by_code",
    "drive_view",
    "list_drives",
    "open_appeal_by_code",
    "open_drive",
    "open_drive_by_code",
    "publish_appeal",
]

SOURCE = "weiguang/recruitment"
_DRAWS = 5


@dataclass(frozen=True, slots=True)
class DriveView:
    """A drive, how far its people have come, and whether it is open now."""

    drive: Drive
    funnel: Funnel
    open: bool


async def open_drive(tx: Tx, caller: Caller, new: NewDrive) -> Drive:
    """Announce a drive and draw its code.

    Raises:
        NotFound: the site does not exist.
        Forbidden: it lies outside of the caller's bounds.
        Invalid: the period or a text cannot be.
    """
    await require_open_site(tx, caller, new.site_id)
    try:
        check_period(new.starts_at, new.ends_at)
        new = replace(new, name=clean_title(new.name, "name"), place=clean_title(new.place, "place", 200))
    except ValueError as error:
        raise Invalid("drive-invalid", str(error)) from None
    now, drive_id = await tx.now(), new_id()
    for _ in range(_DRAWS):
        code = _draw()
        if await store.add_drive(tx, drive_id, code, new, caller.subject, now):
            break
    else:
        raise TransientError("no free drive code was found: please try again")
    opened = DriveOpened(
        drive_id=drive_id,
        code=code,
        name=new.name,
        place_kind=new.place_kind.value,
        site_id=new.site_id,
        starts_at=new.starts_at,
        ends_at=new.ends_at,
    )
    await outbox.append(tx, outbox.event(opened, source=SOURCE, aggregate_version=1, time=now))
    return Drive(drive_id, code, new.name, new.place_kind, new.place, new.site_id, new.starts_at, new.ends_at, now)


async def open_drive_by_code(tx: Tx, text: str) -> Drive:
    """The drive that a registration names, which must be open at business time.

    Raises:
        NotFound: there is no drive with the code.
        Conflict: it has not begun, or is over.
    """
    drive = await drive_by_code(tx, text)
    closed = why_closed(drive.starts_at, drive.ends_at, drive.closed_at, await tx.now())
    if closed is not None:
        raise Conflict(
            "drive-not-open", closed, starts_at=drive.starts_at.isoformat(), ends_at=drive.ends_at.isoformat()
        )
    return drive


async def drive_by_code(tx: Tx, text: str) -> Drive:
    """A drive by its code.

    Raises:
        NotFound: there is none.
    """
    code = _code(text)
    drive = None if code is None else await store.drive_by_code(tx, code)
    if drive is None:
        raise NotFound("drive-unknown", "there is no drive with this code: please compare it with the poster")
    return drive


async def drive_view(tx: Tx, drive: Drive) -> DriveView:
    """A drive with its funnel."""
    return (await _views(tx, [drive]))[0]


async def list_drives(tx: Tx, caller: Caller | None, after: UUID | None, limit: int) -> list[DriveView]:
    """A page of the drives: those that staff are responsible for, all of them for everybody else."""
    staff = caller is not None and caller.has(Role.STATION, Role.OPERATOR)
    sites = caller.site_ids if caller is not None and staff else None
    return await _views(tx, await store.list_drives(tx, after, sites, limit))


async def publish_appeal(tx: Tx, caller: Caller, new: NewAppeal) -> Appeal:
    """Publish an appeal and draw its code.

    Raises:
        Invalid: a text is empty or too long.
    """
    try:
        new = NewAppeal(clean_title(new.title, "title", 200), clean_title(new.channel, "channel"), new.body.strip())
        if not new.body:
            raise ValueError("body must not be empty")
    except ValueError as error:
        raise Invalid("appeal-invalid", str(error)) from None
    now, appeal_id = await tx.now(), new_id()
    for _ in range(_DRAWS):
        code = _draw()
        if await store.add_appeal(tx, appeal_id, code, new, caller.subject, now):
            return Appeal(appeal_id, code, new.title, new.channel, new.body, now, registered=0)
    raise TransientError("no free appeal code was found: please try again")


async def open_appeal_by_code(tx: Tx, text: str) -> Appeal:
    """The appeal that a registration names, which must not be closed.

    Raises:
        NotFound: there is no appeal with the code.
        Conflict: it is closed.
    """
    appeal = await appeal_by_code(tx, text)
    if appeal.closed_at is not None:
        raise Conflict("appeal-closed", "this appeal is closed: please register without its code")
    return appeal


async def appeal_by_code(tx: Tx, text: str) -> Appeal:
    """An appeal by its code.

    Raises:
        NotFound: there is none.
    """
    code = _code(text)
    appeal = None if code is None else await store.appeal_by_code(tx, code)
    if appeal is None:
        raise NotFound("appeal-unknown", "there is no appeal with this code: please compare it with the article")
    return appeal


async def _views(tx: Tx, drives: list[Drive]) -> list[DriveView]:
    now = await tx.now()
    counts = await store.funnels(tx, [drive.drive_id for drive in drives])
    return [
        DriveView(
            drive, counts[drive.drive_id], why_closed(drive.starts_at, drive.ends_at, drive.closed_at, now) is None
        )
        for drive in drives
    ]


def _draw() -> str:
    return code_from(secrets.randbelow(len(CODE_ALPHABET) ** CODE_LENGTH))


def _code(text: str) -> str | None:
    try:
        return normalise_code(text)
    except ValueError:
        return None
