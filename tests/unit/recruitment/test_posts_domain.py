"""Posts inside a shift: their places, and who takes one."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.signups.posts.domain import ShiftPost, arrange, join

IDS = [UUID(int=n) for n in range(1, 5)]
posts = st.lists(
    st.builds(
        ShiftPost, st.sampled_from(IDS), st.sampled_from("甲乙丙丁"), st.integers(1, 5), st.integers(0, 5)
    ).filter(lambda post: post.taken <= post.capacity),
    max_size=4,
    unique_by=lambda post: post.post_id,
)


@given(posts, posts, st.integers(1, 12))
def test_arranged_posts_fit_the_shift_and_keep_their_people(
    present: list[ShiftPost], wanted: list[ShiftPost], capacity: int
) -> None:
    outcome = arrange(present, wanted, capacity)
    places = {post.post_id: post.capacity for post in wanted}
    fits = sum(places.values()) <= capacity
    named = len({post.name for post in wanted}) == len(wanted)
    kept = all(places.get(post.post_id, 0) >= post.taken for post in present)
    assert isinstance(outcome, DomainRefusal) is not (fits and named and kept)


@given(st.integers(1, 5), st.integers(0, 5))
def test_a_post_takes_as_many_as_it_has_places(capacity: int, taken: int) -> None:
    post = ShiftPost(IDS[0], "引导", capacity, taken)
    assert isinstance(join(post), DomainRefusal) is (taken >= capacity)
