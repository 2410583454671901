"""Rows of posts and of who is assigned to them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.recruitment.signups.posts.domain import ShiftPost
from shared.postgres import Tx, load_queries

__all__ = ["assign", "assigned", "end_posts", "list_posts", "save_posts"]

_SQL = load_queries(__file__)


async def list_posts(tx: Tx, shift_id: UUID) -> list[ShiftPost]:
    """The open posts of a shift in their order."""
    return [ShiftPost(**dict(row)) for row in await tx.fetch(_SQL["list_posts"], shift_id)]


async def save_posts(tx: Tx, shift_id: UUID, posts: Sequence[ShiftPost]) -> None:
    """Write posts, new ones and those with another name or other places."""
    ids, names = [post.post_id for post in posts], [post.name for post in posts]
    capacities = [post.capacity for post in posts]
    await tx.execute(_SQL["save_posts"], shift_id, ids, names, capacities, list(range(len(posts))))


async def end_posts(tx: Tx, shift_id: UUID, kept: Sequence[UUID], now: datetime) -> None:
    """End the posts of a shift that are not kept."""
    await tx.execute(_SQL["end_posts"], shift_id, list(kept), now)


async def assign(tx: Tx, signup_id: UUID, post_id: UUID | None) -> None:
    """Assign a sign-up to a post, or to none."""
    await tx.execute(_SQL["release"], signup_id)
    if post_id is not None:
        await tx.execute(_SQL["assign"], signup_id, post_id)


async def assigned(tx: Tx, shift_id: UUID) -> dict[UUID, UUID]:
    """Volunteer → post, of the active sign-ups of a shift that name one."""
    return {row["volunteer_id"]: row["post_id"] for row in await tx.fetch(_SQL["assigned"], shift_id)}
