"""`weiguang run` is interrupted while it loads a small district: it ends in time and in order, and leaves nobody."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from dev.stack.layout import PROCESSES, ROOT
from dev.stack.postgres import forget
from dev.stack.processes import alive
from dev.stack.supervisor import read_state
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = [
    pytest.mark.broker,
    pytest.mark.slow,
    pytest.mark.deep,
]  # the supervisor alone ends in order in test_stack


async def test_it_ends_in_order_and_leaves_no_process(tmp_path: Path) -> None:
    var = tmp_path / "var"
    command = [sys.executable, "-m", "dev.cli", "run", "--var", str(var)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "WEIGUANG_PORT": "0", "WEIGUANG_STACK_PATIENCE": "120"}
    process = await asyncio.create_subprocess_exec(
        *command, env=env, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        # Somebody has asked for a code: the services work, and are in the middle of it.
        await eventually(lambda: (var / "messages.jsonl").exists() and read_state(var) is not None)
        family = [member.pid for member in psutil.Process(process.pid).children(recursive=True)]
        assert len(family) > len(PROCESSES) + 2
        process.send_signal(signal.SIGINT)
        said, _ = await asyncio.wait_for(process.communicate(), WAIT_LIMIT)
        await eventually(lambda: not [pid for pid in family if alive(pid)], what="every process to end")
        assert b"was killed" not in said, said.decode()
        assert process.returncode == 130
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        forget(var / "postgres")
