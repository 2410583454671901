"""Files of the registry in tests: proposed by one account and approved by another."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

__all__ = ["Post", "approve_import"]

Post = Callable[[str, Any], Awaitable[Any]]
"""Posts a body to a path of recruitment and returns the answer, which must be a success."""


async def approve_import(
    first: Post,
    second: Post,
    batches: Sequence[Sequence[dict[str, Any]]],
    *,
    registry: str = "龙江志愿",
    file_reference: str = "2026-01.xlsx",
) -> str:
    """Propose a file with these batches of rows as the first account, approve it as the second; the proposal's id."""
    contents = [await first("/imports/digests", {"rows": list(rows)}) for rows in batches]
    body = {"registry": registry, "file_reference": file_reference, "batches": contents, "reason": "旧系统迁入"}
    proposal_id: str = (await first("/imports", body))["proposal_id"]
    await second(f"/imports/{proposal_id}/decision", {"decision": "approve", "reason": "与纸质名册一致"})
    return proposal_id
