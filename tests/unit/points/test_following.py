"""What agents' client delivers must follow without a gap on what was committed."""

from services.points.tables import Following


def test_a_record_follows_the_one_before_or_comes_again() -> None:
    following = Following()
    following.begin("p", 14)
    assert [following.take("p", offset) for offset in (14, 15, 14, 15, 16)] == [True] * 5


def test_what_is_missing_between_is_found_out_and_stays_due() -> None:
    following = Following()
    following.begin("p", 14)
    assert [following.take("p", offset) for offset in (14, 19, 20, 15, 16)] == [True, False, False, True, True]
    following.begin("q", 7)
    assert not following.take("q", 8), "even the first"


def test_going_back_to_what_is_committed_does_not_undo_what_was_taken_since() -> None:
    following = Following()
    following.begin("p", 14)
    assert all(following.take("p", offset) for offset in (14, 15, 16))
    following.begin("p", 14)
    assert following.take("p", 17), "it was on its way already"
    assert not following.take("p", 19)
    following.begin("p", 30)
    assert following.take("p", 30), "somebody else went on in between"
