"""Versions between rows and documents. Each kind has a table of its own, whose queries its own store names."""

from typing import Generic

from services.points.versions.documents import D
from shared.postgres import Queries, Tx

__all__ = ["Versions"]


class Versions(Generic[D]):
    """All versions of one kind of document in its table, by the queries ``install_version`` and ``all_versions``.

    ``what``: what people call such a version.
    """

    def __init__(self, kind: type[D], what: str, queries: Queries) -> None:
        self.kind = kind
        self.what = what
        self._queries = queries

    async def insert(self, tx: Tx, document: D) -> None:
        """Insert a version unless it is there."""
        await tx.execute(
            self._queries["install_version"],
            document.version,
            document.name,
            document.effective_from,
            document.canonical().decode(),
            document.content_hash(),
        )

    async def every(self, tx: Tx) -> list[D]:
        """Every version, lowest first."""
        return [document for document, _ in await self.with_hashes(tx)]

    async def with_hashes(self, tx: Tx) -> list[tuple[D, bytes]]:
        """Every version with the hash that it was installed under, lowest first."""
        rows = await tx.fetch(self._queries["all_versions"])
        return [(self.kind.model_validate_json(row["document"]), bytes(row["content_hash"])) for row in rows]
