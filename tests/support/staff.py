"""Staff accounts for tests that are about something else: of long standing, made without an invitation."""

from datetime import UTC, datetime
from uuid import UUID

from services.recruitment.access.domain import StaffRole
from services.recruitment.access.passwords import Passwords
from services.recruitment.staff import handlers as staff
from services.recruitment.vault.cipher import Cipher
from shared.postgres import Database

__all__ = ["LONG_AGO", "add_staff"]

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def add_staff(
    database: Database,
    cipher: Cipher,
    username: str,
    password: str,
    role: str,
    site_id: str | UUID | None = None,
    *,
    created_at: datetime = LONG_AGO,
) -> UUID:
    """An active account; its id. ``database`` is recruitment's."""
    password_hash = await Passwords().hash(password)
    site = UUID(site_id) if isinstance(site_id, str) else site_id
    new = staff.NewStaff(
        username, password_hash, "李站长", StaffRole(role), site, origin="added", created_at=created_at
    )
    async with database.transaction() as tx:
        return await staff.add_account(tx, cipher, new)
