"""The image of docker-compose.yml holds what a deployment runs: neither developers' tools nor tests."""

import re
from fnmatch import fnmatch

from tests.support.databases import ROOT

_DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
_IGNORE = (ROOT / ".dockerignore").read_text("utf-8").split()


def _sources(dockerfile: str) -> list[str]:
    """What the image copies out of the checkout."""
    copies = re.findall(r"^(?:COPY|ADD) (?!--from)(.+)$", dockerfile, re.MULTILINE)
    return [source for words in copies for source in words.split()[:-1]]


def _in_context(path: str, patterns: list[str]) -> bool:
    """Whether the build sees the path: the last pattern that fits it or a folder above it decides."""
    folders = [path.rsplit("/", level)[0] for level in range(path.count("/") + 1)]
    seen = True
    for pattern in patterns:
        if any(fnmatch(folder, pattern.removeprefix("!").removeprefix("**/")) for folder in folders):
            seen = pattern.startswith("!")
    return seen


def test_the_image_copies_neither_tools_nor_tests() -> None:
    assert sorted(_sources(_DOCKERFILE)) == [".env.example", "ops", "requirements/base.lock", "services", "shared"]


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    for source in _sources(_DOCKERFILE):
        path = ROOT / source
        assert path.exists(), source
        files = [path] if path.is_file() else list(path.rglob("*.py"))
        assert all(_in_context(file.relative_to(ROOT).as_posix(), _IGNORE) for file in files), source
    for top in ("dev", "tests", "var", "docs", ".git", ".venv"):
        assert not _in_context(f"{top}/x.py", _IGNORE), top
    assert not _in_context("requirements/dev.lock", _IGNORE)
    assert not _in_context(".env", _IGNORE)


def test_copies_of_more_are_noticed() -> None:
    assert _sources("COPY . /app\nCOPY --from=build /opt /opt\nADD dev dev\n") == [".", "dev"]
    assert _in_context("dev/stack/kafka.py", [*_IGNORE, "!dev"])
