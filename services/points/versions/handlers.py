"""Use cases of versions: bring in what is shipped, and find the newest."""

from collections.abc import Sequence

from services.points.versions.documents import D
from services.points.versions.store import Versions
from shared.errors import PermanentError
from shared.postgres import Tx

__all__ = ["install", "newest"]


async def install(tx: Tx, versions: Versions[D], shipped: Sequence[D]) -> list[D]:
    """Make sure that the shipped versions are in the table; returns every version that is, lowest first.

    Raises:
        PermanentError: a version in the table says something else than the one shipped under its number.
    """
    for document in shipped:
        await versions.insert(tx, document)
    stored = await versions.with_hashes(tx)
    known = {document.version: (document, content_hash) for document, content_hash in stored}
    for document in shipped:
        if known[document.version] != (document, document.content_hash()):
            raise PermanentError(
                f"{versions.what} version {document.version} was changed after it came into force; "
                "write a new version instead"
            )
    return [document for document, _ in stored]


async def newest(tx: Tx, versions: Versions[D]) -> D:
    """The version with the highest number.

    Raises:
        PermanentError: none is installed.
    """
    found = await versions.every(tx)
    if not found:
        raise PermanentError(f"no {versions.what} version is installed")
    return found[-1]
