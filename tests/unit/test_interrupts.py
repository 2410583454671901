"""Ctrl-C while fixtures are made ends a session of tests in order."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INTERRUPTED = """
import pytest

@pytest.fixture
def ended():
    yield
    print("the first fixture has ended")

@pytest.fixture
def interrupted(ended, tmp_path):
    raise KeyboardInterrupt

def test_nothing(interrupted):
    pass
"""


def test_ctrl_c_during_a_setup_ends_the_fixtures_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "test_interrupted.py").write_text(INTERRUPTED, encoding="utf-8")
    options = ["-q", "-s", "-p", "tests.support.interrupts", "-p", "no:cacheprovider", "-c", "/dev/null"]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "the first fixture has ended" in done.stdout
    assert "KeyError" not in done.stdout + done.stderr
