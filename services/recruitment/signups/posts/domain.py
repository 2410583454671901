"""Posts of a shift, each with places of its own: which ones there can be, and who takes one. Pure.

The places of posts lie within the shift's. A sign-up names a post or none; the waitlist is the shift's, and a place
from it names no post, so that the leader assigns one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal

__all__ = ["MOST_POSTS", "ShiftPost", "arrange", "join"]

MOST_POSTS = 20
"""Posts of one shift."""


@dataclass(frozen=True, slots=True)
class ShiftPost:
    """A post; ``taken`` are active sign-ups that name it."""

    post_id: UUID
    name: str
    capacity: int
    taken: int = 0


def arrange(
    present: Sequence[ShiftPost], wanted: Sequence[ShiftPost], capacity: int
) -> Sequence[ShiftPost] | DomainRefusal:
    """The posts of a shift with ``capacity`` places from now on, or why they cannot be.

    Posts that are not wanted any more end, unless they are taken.
    """
    names = [post.name for post in wanted]
    if len(set(names)) < len(names):
        return DomainRefusal("posts-invalid", "Two posts of a shift have different names.", 422)
    if (total := sum(post.capacity for post in wanted)) > capacity:
        return DomainRefusal(
            "posts-above-capacity",
            f"The posts have {total} places, the shift {capacity}.",
            422,
            extra={"places": total, "capacity": capacity},
        )
    kept = {post.post_id: post for post in wanted}
    for post in present:
        places = kept[post.post_id].capacity if post.post_id in kept else 0
        if places < post.taken:
            return DomainRefusal(
                "post-taken",
                f"{post.taken} volunteers are assigned to {post.name}; it cannot have fewer places.",
                extra={"post": post.name, "taken": post.taken},
            )
    return wanted


def join(post: ShiftPost) -> ShiftPost | DomainRefusal:
    """The post, if a volunteer can still be assigned to it."""
    if post.taken >= post.capacity:
        return DomainRefusal(
            "post-full",
            f"All {post.capacity} places of {post.name} are taken; choose another post, or none.",
            extra={"post": post.name, "capacity": post.capacity},
        )
    return post
