"""What pyproject.toml and the locks promise: exact versions, each with its reason and hashes, and no address."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dev.stack import environment

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ["requirements/base.lock", "requirements/embedded.lock", "requirements/dev.lock"]
BENCH_LOCK = "requirements/bench.lock"
_TOML: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT: dict[str, Any] = _TOML["project"]
BENCH: list[str] = _TOML["dependency-groups"]["bench"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)")


def _pins(lines: list[str]) -> dict[str, str]:
    found = [match for line in lines if (match := _PIN.match(line))]
    return {match[1].lower().replace("_", "-"): match[2] for match in found}


def test_every_dependency_is_pinned_and_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for requirement in (*PROJECT["dependencies"], *EXTRAS["embedded"], *EXTRAS["dev"], *BENCH):
        assert _PIN.match(requirement), requirement
        assert re.search(rf'"{re.escape(requirement)}",\s+# \w', text), f"{requirement} lacks the comment that says why"


@pytest.mark.parametrize("name", [*LOCKS, BENCH_LOCK])
def test_a_lock_names_no_address_and_checks_every_file(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert _PIN.match(block), block
        assert "--hash=sha256:" in block, block


def test_the_locks_agree_with_the_project_and_with_each_other() -> None:
    locked = {name: _pins((ROOT / name).read_text("utf-8").splitlines()) for name in LOCKS}
    wanted = {
        "requirements/base.lock": PROJECT["dependencies"],
        "requirements/embedded.lock": [*PROJECT["dependencies"], *EXTRAS["embedded"]],
        "requirements/dev.lock": [*PROJECT["dependencies"], *EXTRAS["embedded"], *EXTRAS["dev"]],
    }
    for name, requirements in wanted.items():
        assert _pins(requirements).items() <= locked[name].items()
    smaller, middle, larger = (locked[name] for name in LOCKS)
    assert smaller.items() <= middle.items() <= larger.items()


def test_the_peers_are_locked_apart_and_share_our_clients() -> None:
    """The bench compares frameworks, not versions of what lies beneath them; its own environment is nobody else's."""
    bench, ours = (_pins((ROOT / name).read_text("utf-8").splitlines()) for name in (BENCH_LOCK, LOCKS[0]))
    assert _pins(BENCH).items() <= bench.items()
    for name in ("aiokafka", "faust-streaming", "msgspec", "uvloop"):
        assert bench[name] == ours[name]


def test_an_old_python_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "OLDEST", (99, 0))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or later"):
        environment.create(tmp_path / "venv")
