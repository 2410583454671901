"""The server that a large ledger is measured on: PostgreSQL by the size of the memory, and the disk that it needs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from shared.errors import PermanentError

__all__ = ["check_room", "room_needed", "sized_settings"]

_MEGABYTE: Final = 2**20
_BYTES_PER_TRANSFER: Final = 1_600
"""1,240 of them are the tables with their indexes; the rest is what staging and sorting take meanwhile."""
_LOG_BYTES: Final = 6 * 10**9
"""Segments of the log that the rounds keep."""


def sized_settings(memory: int) -> list[tuple[str, str]]:
    """PostgreSQL's settings on a machine with so many bytes of memory, of which a quarter are shared buffers.

    Checkpoints follow the clock, not the volume of the log.
    """
    return [
        ("shared_buffers", f"{memory // 4 // _MEGABYTE}MB"),
        ("effective_cache_size", f"{memory // 2 // _MEGABYTE}MB"),
        ("max_wal_size", "16GB"),
        ("min_wal_size", "4GB"),
        ("checkpoint_timeout", "15min"),
    ]


def room_needed(transfers: int) -> int:
    """Bytes of disk that a ledger of so many transfers takes while it is filled."""
    return transfers * _BYTES_PER_TRANSFER + _LOG_BYTES


def check_room(directory: Path, transfers: int) -> str:
    """Compare the ledger with the disk; returns both in words.

    Raises:
        PermanentError: there is less room than that.
    """
    needed, free = room_needed(transfers), shutil.disk_usage(directory).free
    said = f"{transfers:,} transfers take about {needed / 1e9:.0f} GB of disk; {free / 1e9:.0f} GB are free"
    if needed > free:
        raise PermanentError(f"{said}: choose fewer --transfers")
    return said
