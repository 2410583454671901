"""The heap of a process that applies large batches: searched for garbage rarely, and kept in huge pages."""

import ctypes
import gc
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import structlog

__all__ = ["RESERVED_BYTES", "Advise", "collect_rarely", "private_ranges", "use_huge_pages"]

RESERVED_BYTES: Final = 16_777_216
"""More of it saves no more: the objects of a few thousand records come and go in it."""
_SETTINGS = Path("/sys/kernel/mm/transparent_hugepage")
_SMAPS = Path("/proc/self/smaps")
_HUGEPAGE, _COLLAPSE = 14, 25
"""Advice of madvise(2): keep the range in huge pages from now on, and move what is in it at once (Linux 6.1)."""
_BLOCK, _EVERY = 448, 1024
"""The bytes of an object that Python's allocator takes from an arena, and of how many one stays: an arena of 1 MiB
holds some 2,000, and one that is in use is not returned to the system."""
_kept: list[bytes] = []
"""Objects that stay, so that the arenas that they lie in do."""
_log = structlog.get_logger(__name__)

Advise = Callable[[int, int, int], int]
"""madvise(2): address, length, advice; 0 if it is followed."""


def collect_rarely(objects: int = 3_000_000) -> None:
    """Collect garbage after so many new objects only, those that are let go not counted.

    A batch makes up to a million small objects and no cycles. After every 700 of them, as Python does, or whenever a
    batch crosses the threshold, its objects would be searched for nothing.
    """
    gc.set_threshold(objects, 20, 100)


def use_huge_pages(
    reserved: int = RESERVED_BYTES, *, settings: Path = _SETTINGS, smaps: Path = _SMAPS, advise: Advise | None = None
) -> int:
    """Keep the heap in huge pages, ``reserved`` bytes of it for batches; returns how many bytes are to lie in them.

    The objects of a batch are spread over megabytes and visited again and again: in small pages a part of that time
    goes into finding where they are. Nothing is done where the kernel has no such pages or they are switched off.
    """
    try:
        if "[never]" in (settings / "enabled").read_text():
            return 0
        size = int((settings / "hpage_pmd_size").read_text())
    except (OSError, ValueError):
        return 0
    _reserve(reserved)
    advise = advise or _madvise()
    found = 0
    for start, end in private_ranges(smaps.read_text().splitlines(), size):
        if advise(start, end - start, _HUGEPAGE) == 0:
            advise(start, end - start, _COLLAPSE)  # an older kernel moves them by and by
            found += end - start
    _log.info("heap.kept_in_huge_pages", bytes=found)
    return found


def private_ranges(smaps: Iterable[str], size: int) -> list[tuple[int, int]]:
    """The parts of the heap, in whole huge pages: without a file, and mostly in memory that is this process's alone.

    Stacks of threads are hardly in memory, and what a forked process shares with its parent stays shared.
    """
    found: list[tuple[int, int]] = []
    start = end = 0
    for line in smaps:
        name, *values = line.split()
        if "-" in name:
            start = end = 0
            if values[0] == "rw-p" and values[4:] in ([], ["[heap]"]):
                first, last = (int(address, 16) for address in name.split("-"))
                start, end = (first + size - 1) // size * size, last // size * size
        elif name == "Private_Dirty:" and end > start and int(values[0]) * 1024 * 2 >= end - start:
            found.append((start, end))
    return found


def _reserve(size: int) -> None:
    """Have Python's allocator take so many bytes from the system, and keep them."""
    made = [bytes(_BLOCK) for _ in range(size // (_BLOCK + sys.getsizeof(b"")))]
    _kept.extend(made[::_EVERY])


def _madvise() -> Advise:
    call = ctypes.CDLL(None, use_errno=True).madvise
    call.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return lambda start, length, advice: int(call(start, length, advice))
