"""How many wrong pickup codes are heard."""

from datetime import UTC, datetime, timedelta

from services.points.pickups.domain import GUESS_WINDOW, GUESSES_ALLOWED, Guesses, spend, waits

START = datetime(2026, 3, 4, 9, tzinfo=UTC)


def test_twenty_are_heard_and_then_none_until_the_window_is_over() -> None:
    guesses = Guesses(START, 0)
    for number in range(1, GUESSES_ALLOWED + 1):
        spent = spend(guesses, START + timedelta(seconds=number))
        assert spent == Guesses(START, number)
        guesses = spent
    assert spend(guesses, START + GUESS_WINDOW - timedelta(microseconds=1)) is None
    assert spend(guesses, START + GUESS_WINDOW) == Guesses(START + GUESS_WINDOW, 1)


def test_the_wait_is_whole_seconds_and_never_nothing() -> None:
    full = Guesses(START, GUESSES_ALLOWED)
    assert waits(full, START) == 901
    assert waits(full, START + GUESS_WINDOW - timedelta(milliseconds=1)) == 1
