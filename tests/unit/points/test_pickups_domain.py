"""How many wrong pickup codes are heard."""

from datetime import UTC, datetime, timedelta

from services.points.rewards.lockout.domain import GUESSES_ALLOWED, LOCKED_FOR, Guesses, spend, waits

START = datetime(2026, 3, 4, 9, tzinfo=UTC)


def test_twenty_are_heard_and_then_none_until_the_window_is_over() -> None:
    guesses = Guesses(START, 0)
    for number in range(1, GUESSES_ALLOWED + 1):
        spent = spend(guesses, START + timedelta(seconds=number))
        assert spent == Guesses(START, number)
        guesses = spent
    assert spend(guesses, START + LOCKED_FOR - timedelta(microseconds=1)) is None
    assert spend(guesses, START + LOCKED_FOR) == Guesses(START + LOCKED_FOR, 1)


def test_the_wait_is_whole_seconds_and_never_nothing() -> None:
    full = Guesses(START, GUESSES_ALLOWED)
    assert waits(full, START) == 901
    assert waits(full, START + LOCKED_FOR - timedelta(milliseconds=1)) == 1
