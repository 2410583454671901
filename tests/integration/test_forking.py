"""Forked services are processes like those of the real command: environment, output, signals and exit codes."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from dev.stack.forking import spawn
from dev.stack.processes import alive

ENVIRONMENT = {"PATH": os.environ["PATH"], "WEIGUANG_SAID": "hello"}


def program(text: str) -> list[str]:
    """A command that runs the text once, as a module's argument."""
    return [sys.executable, "-m", "timeit", "-n", "1", "-r", "1", text]


async def test_a_fork_has_the_environment_and_the_output_that_it_is_given(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "fork.log"
    said = "import os, sys; print(sorted(os.environ), os.environ['WEIGUANG_SAID'], os.getcwd())"
    process = await spawn(program(said), env=ENVIRONMENT, log=log, cwd=tmp_path)
    assert await process.wait() == 0
    assert f"['PATH', 'WEIGUANG_SAID'] hello {tmp_path}" in log.read_text("utf-8")


@pytest.mark.parametrize(
    ("command", "code"),
    [(program("import os; os._exit(70)"), 70), ([sys.executable, "-m", "services.points", "no-such-role"], 2)],
)
async def test_a_forks_exit_code_is_that_of_the_program(command: list[str], code: int, tmp_path: Path) -> None:
    process = await spawn(command, env=ENVIRONMENT, log=tmp_path / "log")
    assert await process.wait() == code
    assert process.returncode == code


async def test_forks_are_killed_one_by_one_and_lead_groups_of_their_own(tmp_path: Path) -> None:
    one, other = await asyncio.gather(
        *(spawn(program("import time; time.sleep(600)"), env=ENVIRONMENT, log=tmp_path / "log") for _ in range(2))
    )
    one.kill()
    assert await one.wait() == -9
    assert not alive(one.pid)
    assert alive(other.pid)
    assert other.returncode is None
    assert os.getsid(other.pid) == other.pid
    other.terminate()
    assert await other.wait() == -15


async def test_services_of_the_stack_start_as_forks(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = await spawn([sys.executable, "-m", "services.points", "--help"], env=ENVIRONMENT, log=log)
    assert await process.wait() == 0
    assert "rehearse" in log.read_text("utf-8")


def test_all_loops_of_a_session_share_one_fork_server(tmp_path: Path) -> None:
    said = program("import os; print(os.getppid())")
    log = tmp_path / "log"

    async def run() -> int:
        process = await spawn(said, env=ENVIRONMENT, log=log)
        return await process.wait()

    assert [asyncio.run(run()) for _ in range(3)] == [0, 0, 0]
    parents = [line for line in log.read_text("utf-8").splitlines() if line.isdigit()]
    assert len(parents) >= 3
    assert len(set(parents)) == 1


def test_a_fork_of_a_loop_that_is_closed_troubles_no_other_loop(tmp_path: Path) -> None:
    async def leave() -> int:
        return (await spawn(program("import time; time.sleep(600)"), env=ENVIRONMENT, log=tmp_path / "log")).pid

    async def run() -> int:
        return await (await spawn(program("import os; os._exit(3)"), env=ENVIRONMENT, log=tmp_path / "log")).wait()

    left = asyncio.run(leave())
    assert asyncio.run(run()) == 3
    os.kill(left, 9)
    assert asyncio.run(run()) == 3
