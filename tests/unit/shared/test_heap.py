"""The heap of processes that apply batches lies in huge pages, where there are such, and is collected rarely."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import heap

SIZE = 0x200000
ADVISED, MOVED = 14, 25
SMAPS = """\
00400000-00a00000 r-xp 00000000 08:01 131 /usr/bin/python3
Private_Dirty:      6144 kB
01300000-02100000 rw-p 00000000 00:00 0 [heap]
Rss:               14336 kB
Private_Dirty:     14336 kB
VmFlags: rd wr mr mw me ac
7f0000000000-7f0000600000 rw-p 00000000 00:00 0
Rss:                6144 kB
Shared_Dirty:       6144 kB
Private_Dirty:         0 kB
7f1000100000-7f1000900000 rw-p 00000000 00:00 0
Private_Dirty:      5000 kB
7f2000000000-7f2000800000 rw-p 00000000 00:00 0
Private_Dirty:        24 kB
7f3000000000-7f3000100000 rw-p 00000000 00:00 0
Private_Dirty:      1024 kB
7f4000000000-7f4000800000 rw-p 00000000 08:01 132 /var/cache/some
Private_Dirty:      8192 kB
7ffc00000000-7ffc00400000 rw-p 00000000 00:00 0 [stack]
Private_Dirty:      4096 kB
"""
HEAP = (0x1400000, 0x2000000)
ARENAS = (0x7F1000200000, 0x7F1000800000)


class Kernel:
    """A kernel that says so much of its huge pages, and keeps the advice that it is given."""

    def __init__(self, place: Path, enabled: str) -> None:
        self.place, self.smaps = place, place / "smaps"
        self.given: list[tuple[int, int, int]] = []
        self.refused: tuple[int, ...] = ()
        (place / "enabled").write_text(enabled)
        (place / "hpage_pmd_size").write_text(f"{SIZE}\n")
        self.smaps.write_text(SMAPS)

    def advise(self, start: int, length: int, advice: int) -> int:
        self.given.append((start, length, advice))
        return -1 if advice in self.refused else 0

    def keep(self) -> int:
        return heap.use_huge_pages(0, settings=self.place, smaps=self.smaps, advise=self.advise)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path, "always [madvise] never\n")


@pytest.fixture
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_what_lies_in_memory_of_this_process_alone_is_taken_in_whole_pages() -> None:
    assert heap.private_ranges(SMAPS.splitlines(), SIZE) == [HEAP, ARENAS]


def test_the_heap_is_to_lie_in_huge_pages_and_is_moved_into_them(kernel: Kernel) -> None:
    expected = [(start, end - start, advice) for start, end in (HEAP, ARENAS) for advice in (ADVISED, MOVED)]
    assert kernel.keep() == sum(end - start for start, end in (HEAP, ARENAS))
    assert kernel.given == expected


def test_a_kernel_that_moves_nothing_at_once_does_so_by_and_by(kernel: Kernel) -> None:
    kernel.refused = (MOVED,)
    assert kernel.keep() == sum(end - start for start, end in (HEAP, ARENAS))


def test_a_kernel_that_takes_no_advice_is_left_alone(kernel: Kernel) -> None:
    kernel.refused = (ADVISED, MOVED)
    assert kernel.keep() == 0
    assert {advice for _, _, advice in kernel.given} == {ADVISED}


def test_huge_pages_that_are_switched_off_stay_off(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, "always madvise [never]\n")
    assert (kernel.keep(), kernel.given) == (0, [])


def test_a_machine_without_huge_pages_needs_none(kernel: Kernel) -> None:
    (kernel.place / "hpage_pmd_size").unlink()
    assert (kernel.keep(), kernel.given) == (0, [])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_keeps_what_it_reserved() -> None:
    """The reserve stays, which a process of its own shows."""
    code = (
        "from shared import heap\n"
        "def size(): return int(open('/proc/self/status').read().split('VmSize:')[1].split()[0]) * 1024\n"
        "before = size()\n"
        "heap._reserve(heap.RESERVED_BYTES)\n"
        "print(size() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) > heap.RESERVED_BYTES // 2


def test_garbage_is_collected_after_millions_of_objects(thresholds: None) -> None:
    heap.collect_rarely()
    assert gc.get_threshold()[0] == 3_000_000
