"""What a process does about the objects of its start."""

import asyncio
import gc

import pytest

from shared.http import process


async def test_what_the_start_has_made_is_looked_at_before_anybody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda: done.append("look"))
    monkeypatch.setattr(gc, "freeze", lambda: done.append("leave alone"))
    monkeypatch.setattr(process, "START_SECONDS", 0.01)
    process.freeze_startup_objects(asyncio.get_running_loop())
    assert done == ["look", "leave alone"]
    async with asyncio.timeout(60):
        while len(done) < 3:
            await asyncio.sleep(0.01)
    assert done[2:] == ["leave alone"], "no second look: it would stop everything while people wait"
