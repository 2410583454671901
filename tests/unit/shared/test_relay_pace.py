"""The pace of the relay's rounds."""

from hypothesis import given
from hypothesis import strategies as st

from shared.outbox.relay import PACE_SECONDS, pause_until_next_round

_SECONDS = st.floats(min_value=0, max_value=1e6)


def test_a_round_after_a_rest_follows_at_once() -> None:
    assert pause_until_next_round(10.0, 10.0 + PACE_SECONDS) == 0
    assert pause_until_next_round(10.0, 11.0) == 0


@given(began=_SECONDS, lasted=st.floats(min_value=0, max_value=PACE_SECONDS))
def test_a_short_round_and_its_pause_last_as_long_as_the_pace(began: float, lasted: float) -> None:
    pause = pause_until_next_round(began, began + lasted)
    assert 0 <= pause <= PACE_SECONDS + 1e-6
    assert abs(lasted + pause - PACE_SECONDS) < 1e-6
