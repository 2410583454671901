"""How much a test draws and does: in breadth for `make test`, in depth (DEPTH=deep) for `make test-all`."""

import os
import zlib
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

__all__ = ["BREADTH_EXAMPLES", "DEEP", "DEEP_EXAMPLES", "examples", "part_of", "register_profiles", "turn_of"]

T = TypeVar("T")
DEEP = os.environ.get("DEPTH") == "deep"
BREADTH_EXAMPLES, DEEP_EXAMPLES = 10, 200


def examples(deep: int = DEEP_EXAMPLES, breadth: int = BREADTH_EXAMPLES) -> int:
    """The number of examples of a property: `deep` of them in depth, `breadth` otherwise."""
    return deep if DEEP else min(breadth, deep)


def part_of(values: Sequence[T], turn: int, of: int = 3) -> Sequence[T]:
    """All values in depth; otherwise one of `of`, beginning elsewhere each turn, so that many turns come to all."""
    return values if DEEP else values[turn % of :: of]


def register_profiles() -> None:
    """Load the profile of properties that name no number of their own.

    Breadth draws the same examples each time, so that it fails by no chance; what is new is looked for in depth.
    """
    for name, number in (("breadth", BREADTH_EXAMPLES), ("deep", DEEP_EXAMPLES)):
        settings.register_profile(name, max_examples=number, deadline=None, derandomize=name == "breadth")
    settings.load_profile("deep" if DEEP else "breadth")


def turn_of(path: str, turns: int) -> int:
    """In which of `turns` parts of the depth a test file runs, the same on every machine."""
    return zlib.crc32(path.encode()) % turns
