"""Use cases of posts: arrange those of a shift, list them, and assign a sign-up to one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.recruitment.activities.guards import require_run, unwrap
from services.recruitment.editing.domain import Editable, ObjectKind
from services.recruitment.editing.handlers import keep_change
from services.recruitment.signups import placing
from services.recruitment.signups import store as signups
from services.recruitment.signups.domain import Signup, SignupStatus
from services.recruitment.signups.posts import domain, store
from services.recruitment.signups.posts.domain import ShiftPost
from shared.auth.tokens import Caller
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["WantedPost", "arrange", "assign", "listing", "move", "roster"]


@dataclass(frozen=True, slots=True)
class WantedPost:
    """A post as it shall be; without an id it is new."""

    name: str
    capacity: int
    post_id: UUID | None = None


async def arrange(tx: Tx, caller: Caller, shift_id: UUID, wanted: Sequence[WantedPost]) -> list[ShiftPost]:
    """Replace the posts of a shift that is not over; the shift's history keeps both.

    Raises:
        NotFound, Forbidden: there is no such shift or post, or it is not the caller's to run.
        Refusal: ``posts-invalid``, ``posts-above-capacity``, ``post-taken``, ``shift-over``.
    """
    found = placing.visible_shift(caller, shift_id, await signups.find_placing(tx, shift_id))
    require_run(caller, found.site_id, found.team_id)
    await signups.lock_all(tx, (), shift_id)
    found, now = await placing.shift_of(tx, shift_id), await tx.now()
    if now >= found.shift.ends_at or found.shift.cancelled_at is not None:
        raise Conflict("shift-over", "This shift is over; it stays as it is.")
    present = await store.list_posts(tx, shift_id)
    known = {post.post_id for post in present}
    for post in wanted:
        if post.post_id is not None and post.post_id not in known:
            raise _unknown(post.post_id)
    planned = [ShiftPost(post.post_id or new_id(), post.name, post.capacity) for post in wanted]
    posts = unwrap(domain.arrange(present, planned, found.shift.capacity))
    await store.end_posts(tx, shift_id, [post.post_id for post in posts], now)
    await store.save_posts(tx, shift_id, posts)
    before, after = _said(present), _said(posts)
    if before != after:
        current = Editable(ObjectKind.SHIFT, shift_id, "", found.site_id, 0, None, {"posts": before})
        await keep_change(tx, caller, current, "edited", {"posts": after})
    return await store.list_posts(tx, shift_id)


async def listing(tx: Tx, caller: Caller, shift_id: UUID) -> tuple[list[ShiftPost], UUID | None]:
    """The posts of a shift, and the one that the caller is assigned to.

    Raises:
        NotFound: no such shift, or it is part of a draft that the caller does not run.
    """
    placing.visible_shift(caller, shift_id, await signups.find_placing(tx, shift_id))
    posts = await store.list_posts(tx, shift_id)
    own = None
    if posts and caller.volunteer_id is not None:
        own = (await store.assigned(tx, shift_id)).get(caller.volunteer_id)
    return posts, own


async def roster(tx: Tx, shift_id: UUID) -> Mapping[UUID, str]:
    """Volunteer → name of the post; the caller has decided who may see it."""
    names = {post.post_id: post.name for post in await store.list_posts(tx, shift_id)}
    return {who: names[post_id] for who, post_id in (await store.assigned(tx, shift_id)).items() if post_id in names}


async def assign(tx: Tx, signup: Signup, post_id: UUID) -> None:
    """Assign a sign-up to a post of its shift, which is locked.

    Raises:
        NotFound: the shift has no such post.
        Refusal: ``post-full``.
    """
    post = next((one for one in await store.list_posts(tx, signup.shift_id) if one.post_id == post_id), None)
    if post is None:
        raise _unknown(post_id)
    unwrap(domain.join(post))
    await store.assign(tx, signup.signup_id, post_id)


async def move(tx: Tx, caller: Caller, signup_id: UUID, post_id: UUID | None) -> None:
    """Assign an active sign-up to another post or to none: one's own before the start, or by those who run the shift.

    Raises:
        NotFound: no such sign-up or post, or the sign-up is another person's.
        Refusal: ``post-full``, ``signup-cancelled``, ``shift-begun``, ``shift-over``.
    """
    found = placing.visible_signup(caller, signup_id, await signups.find_signup(tx, signup_id))
    await signups.lock(tx, found.signup.volunteer_id, found.signup.shift_id)
    found = placing.visible_signup(caller, signup_id, await signups.find_signup(tx, signup_id))
    now = await tx.now()
    if found.signup.status is not SignupStatus.ACTIVE:
        raise Conflict("signup-cancelled", "This sign-up was cancelled already.")
    if now >= found.shift.ends_at:
        raise Conflict("shift-over", "This shift is over; it stays as it is.")
    if caller.acts_as(found.signup.volunteer_id) and now >= found.shift.starts_at:
        raise Conflict("post-fixed", "The shift has begun: its leader assigns posts now.")
    await store.assign(tx, signup_id, None)
    if post_id is not None:
        await assign(tx, found.signup, post_id)


def _said(posts: Sequence[ShiftPost]) -> str | None:
    return ", ".join(f"{post.name} {post.capacity}" for post in posts) or None


def _unknown(post_id: UUID) -> NotFound:
    return NotFound("post-unknown", f"The shift has no post {post_id}.")
