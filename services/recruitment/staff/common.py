"""The cores of common passwords: words that are guessed first, with whatever digits stand around them."""

from functools import cache
from pathlib import Path

__all__ = ["common_passwords"]

_FILE = Path(__file__).with_name("common_passwords.txt")


@cache
def common_passwords() -> frozenset[str]:
    """Lower-case cores, read once."""
    return frozenset(_FILE.read_text("utf-8").split())
