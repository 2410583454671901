"""Routes of posts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, Field

from services.recruitment.signups.api import Anyone, Runner
from services.recruitment.signups.posts import handlers
from services.recruitment.signups.posts.domain import MOST_POSTS, ShiftPost
from services.recruitment.signups.posts.handlers import WantedPost
from shared.http.app import Db, Input, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["signups"])


def _stripped(text: str) -> str:
    if not text.strip():
        raise ValueError("a post has a name")
    return text.strip()


class PostIn(Input):
    """A post; ``post_id`` of one that is there keeps its people. A row without name and places is left out."""

    post_id: UUID | None = None
    name: Annotated[str, Field(min_length=1, max_length=50), AfterValidator(_stripped)] | None = None
    capacity: Annotated[int, Field(ge=1, le=10_000)] | None = None


class PostsIn(Input):
    """The posts of a shift as a whole, in the order in which they are shown."""

    posts: Annotated[list[PostIn], Field(max_length=MOST_POSTS)]


class PostOut(Output):
    """A post and its places."""

    post_id: UUID
    name: str
    capacity: int
    taken: int


class PostsOut(Output):
    """The posts of a shift; ``own`` is the one that the caller is assigned to."""

    items: list[PostOut]
    own: UUID | None


class PostChoiceIn(Input):
    """The post to be assigned to; null: none."""

    post_id: UUID | None


class PostChoiceOut(Output):
    """The post that a sign-up is assigned to."""

    post_id: UUID | None


@router.get("/shifts/{shift_id}/posts")
async def list_posts(db: Db, caller: Anyone, shift_id: UUID) -> PostsOut:
    """The posts of a shift."""
    async with db.transaction() as tx:
        return _posts(*await handlers.listing(tx, caller, shift_id))


@router.put("/shifts/{shift_id}/posts")
async def replace_posts(db: Db, caller: Runner, shift_id: UUID, body: PostsIn) -> PostsOut:
    """Replace the posts of a shift."""
    wanted = [
        WantedPost(each.name, each.capacity, each.post_id)
        for each in body.posts
        if each.name is not None and each.capacity is not None
    ]
    async with db.transaction() as tx:
        return _posts(await handlers.arrange(tx, caller, shift_id, wanted), None)


@router.put("/signups/{signup_id}/post")
async def choose_post(db: Db, caller: Anyone, signup_id: UUID, body: PostChoiceIn) -> PostChoiceOut:
    """Assign a sign-up to another post, or to none."""
    async with db.transaction() as tx:
        await handlers.move(tx, caller, signup_id, body.post_id)
    return PostChoiceOut(post_id=body.post_id)


def _posts(posts: list[ShiftPost], own: UUID | None) -> PostsOut:
    return PostsOut(
        items=[PostOut(**{name: getattr(post, name) for name in PostOut.model_fields}) for post in posts], own=own
    )
