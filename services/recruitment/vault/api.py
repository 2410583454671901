"""Dependencies that other capabilities' routes share, and the routes that list reads of personal data."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.recruitment.security.api import AddressDep
from services.recruitment.vault import store
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Quota
from services.recruitment.vault.handlers import VaultReader
from services.recruitment.vault.store import Look
from shared.auth.access import allow, caller_of
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Instant, Limit, Output
from shared.http.cursors import Page, decode, page_of

__all__ = ["CipherDep", "ReaderDep", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["vault"])


async def _cipher(request: Request) -> Cipher:
    cipher: Cipher = request.app.state.cipher
    return cipher


async def _reader(request: Request, address: AddressDep) -> VaultReader:
    caller, settings = caller_of(request), request.app.state.settings
    quota = Quota(settings.looks_per_hour, settings.looks_per_day)
    return VaultReader(caller.subject, ",".join(sorted(caller.roles)), address, quota)


CipherDep = Annotated[Cipher, Depends(_cipher)]
"""The cipher that the composition root put into ``app.state.cipher``."""

ReaderDep = Annotated[VaultReader, Depends(_reader)]
"""The caller as a reader of personal data, with the quota of a member of staff."""


class LookOut(Output):
    """One read of your data: the role and site of the reader (no site: the centre), what, what for and when."""

    read_id: UUID
    reader_role: str
    site: str | None
    fields: list[str]
    purpose: str
    read_at: datetime


class ReadersLookOut(LookOut):
    """A look with its reader and, when it was at a volunteer's data, the volunteer."""

    reader: UUID
    username: str | None
    site_id: UUID | None
    volunteer_id: UUID | None
    volunteer_number: str | None


@router.get("/volunteers/me/looks")
async def looks_at_me(
    caller: Annotated[Caller, allow(Role.VOLUNTEER)], db: Db, cursor: str | None = None, limit: Limit = 50
) -> Page[LookOut]:
    """List the staff who read one's own data in the clear, newest first."""
    async with db.transaction() as tx:
        found = await store.looks_at_volunteer(tx, caller.require_volunteer(), _before(cursor), limit + 1)
    return page_of(found, limit, _look, lambda each: (each.read_at, each.read_id))


@router.get("/looks")
async def looks(
    caller: Annotated[Caller, allow(Role.OPERATOR, centre=True)],
    db: Db,
    reader: UUID | None = None,
    volunteer_id: UUID | None = None,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ReadersLookOut]:
    """List reads of personal data in the clear, newest first; ``to`` is exclusive."""
    async with db.transaction() as tx:
        found = await store.looks(tx, reader, volunteer_id, since, until, _before(cursor), limit + 1)
    return page_of(found, limit, _readers_look, lambda each: (each.read_at, each.read_id))


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, read_id = decode(cursor, [datetime, UUID])
    return at, read_id


def _look(look: Look) -> LookOut:
    return LookOut(**{name: getattr(look, name) for name in LookOut.model_fields})


def _readers_look(look: store.ReadersLook) -> ReadersLookOut:
    return ReadersLookOut(**{name: getattr(look, name) for name in ReadersLookOut.model_fields})
