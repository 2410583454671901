"""Use cases of badges: bring in the shipped criteria, and read those in force."""

from services.points.badges import documents, store
from services.points.badges.documents import CriteriaDocument
from services.points.badges.domain import Criteria
from shared.errors import PermanentError
from shared.postgres import Database, Tx

__all__ = ["criteria_in_force", "install", "listed"]


async def install(database: Database) -> Criteria:
    """Make sure that the shipped versions are in the table; returns the criteria in force.

    Raises:
        PermanentError: a version in the table says something else than the one shipped under its number.
    """
    async with database.transaction() as tx:
        for document in documents.shipped():
            await store.install(tx, document)
        stored = {document.version: document for document in await store.every(tx)}
        for document in documents.shipped():
            if stored[document.version] != document:
                raise PermanentError(
                    f"criteria version {document.version} was changed after it came into force; "
                    "write a new version instead"
                )
        return await criteria_in_force(tx)


async def criteria_in_force(tx: Tx) -> Criteria:
    """The newest version.

    Raises:
        PermanentError: none is installed.
    """
    found = await store.every(tx)
    if not found:
        raise PermanentError("no badge criteria are installed")
    return found[-1].criteria()


async def listed(tx: Tx) -> list[CriteriaDocument]:
    """Every version, for reading."""
    return await store.every(tx)
