"""The bench of a large ledger: the settings of its server follow the memory, and the disk is checked before."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from dev.bench.scale import server
from dev.bench.scale.__main__ import parse
from dev.bench.scale.fill import RECORDS_EACH, TRANSFERS_EACH
from shared.errors import PermanentError

GIGABYTE = 2**30


def test_shared_buffers_are_a_quarter_of_the_memory() -> None:
    settings = dict(server.sized_settings(24 * GIGABYTE))
    assert settings["shared_buffers"] == "6144MB"
    assert settings["effective_cache_size"] == "12288MB"


def test_a_ledger_that_the_disk_has_no_room_for_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = server.room_needed(11_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    assert "11,000,000 transfers" in server.check_room(tmp_path, 11_000_000)
    with pytest.raises(PermanentError, match="choose fewer"):
        server.check_room(tmp_path, 11_000_001)


def test_fifty_million_transfers_are_eighty_gigabytes_and_the_log() -> None:
    assert server.room_needed(50_000_000) == 86 * 10**9


def test_transfers_stand_for_volunteers() -> None:
    chosen = parse(["--transfers", "11000000"])
    assert chosen.ledger_volunteers * TRANSFERS_EACH == 11_000_000
    assert TRANSFERS_EACH == RECORDS_EACH + 1
    assert parse([]).rounds == 5
