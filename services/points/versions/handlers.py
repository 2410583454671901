"""Use cases of versions: bring in what is shipped, and find what is in force."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from pydantic import ValidationError

from services.points.versions.documents import D
from services.points.versions.store import Versions
from shared.clock import district_day
from shared.errors import PermanentError, TransientError
from shared.postgres import Tx

__all__ = ["Current", "in_force", "install"]


class Versioned(Protocol):
    """An object with a version number."""

    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Versioned)


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


async def in_force(tx: Tx, versions: Versions[D]) -> D:
    """The version with the highest number among those that have begun, by the district's calendar.

    Raises:
        PermanentError: none has.
    """
    today = district_day(await tx.now())
    begun = [document for document in await versions.every(tx) if document.effective_from <= today]
    if not begun:
        raise PermanentError(f"no {versions.what} version is in force")
    return begun[-1]


class Current(Generic[V]):
    """The version in force, kept by a process.

    It is read when it is needed first, and again when a volunteer was judged by a later version. So a process never
    judges by an earlier version than was done before.
    """

    def __init__(self, read: Callable[[Tx], Awaitable[V]]) -> None:
        self._read = read
        self._known: V | None = None

    async def of(self, tx: Tx, at_least: int = 0) -> V:
        """Return the version in force.

        Args:
            at_least: the highest version that a volunteer at hand is judged by.

        Raises:
            TransientError: that is a version which this process cannot read, or does not find: one of a newer release
                can.
        """
        if self._known is None or self._known.version < at_least:
            try:
                self._known = await self._read(tx)
            except ValidationError as error:
                raise TransientError(f"a version is in force that this release cannot read: {error}") from error
        if self._known.version < at_least:
            raise TransientError(f"version {at_least} was judged by, and version {self._known.version} is in force")
        return self._known
