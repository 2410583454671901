"""What the documents name exists: files, and the functions of the traced check-out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WRITTEN = (
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md"))),
)
_QUOTED = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"[\w./-]+\.(?:py|sql|html|js|css|md|yaml|yml|toml|txt|jsonl?)|[\w.-]+(?:/[\w.-]+)*/")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_LEFT = {".git", ".venv", ".hypothesis", "var", "node_modules"}
_MADE = ("var/", "/")
"""Beginnings of paths that a run makes, or that are no paths of the repository."""


def _present() -> list[str]:
    """Files and folders of the project, without what tools and runs leave behind."""
    tops = [top for top in ROOT.iterdir() if top.name not in _LEFT and not top.name.endswith("_cache")]
    paths = [path for top in tops for path in (top, *top.rglob("*")) if "__pycache__" not in path.parts]
    return [f"/{path.relative_to(ROOT)}" + ("/" if path.is_dir() else "") for path in paths]


def _defined(path: Path) -> set[str]:
    """Names of functions and classes, methods also with their class; macros of templates, functions of scripts."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return set(re.findall(r"(?:\bfunction|\bmacro) (\w+)\(", text))
    return set(_definitions(ast.parse(text), ""))


def _definitions(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name
            yield prefix + child.name
            yield from _definitions(child, f"{child.name}.")


def _trace() -> list[tuple[str, list[str], list[str]]]:
    """Rows of the traced check-out: number, files, functions."""
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE)
    return [(number, _QUOTED.findall(files), _QUOTED.findall(functions)) for number, files, functions in rows]


def test_the_trace_is_numbered_and_names_functions_that_exist() -> None:
    rows = _trace()
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    assert len(rows) > 20
    for number, files, functions in rows:
        known = {name: _defined(ROOT / name) for name in files}
        missing = [name for name in functions if not any(name in names for names in known.values())]
        assert not missing, f"step {number}: {missing} not in {files}"
        idle = [name for name, names in known.items() if names.isdisjoint(functions)]
        assert not idle, f"step {number}: no function of {idle} is named"


@pytest.mark.parametrize("document", WRITTEN)
def test_a_document_names_files_that_exist(document: str) -> None:
    known = _present()
    text = (ROOT / document).read_text("utf-8")
    named = {name for quoted in _QUOTED.findall(text) for name in quoted.split() if _FILE.fullmatch(name.rstrip(","))}
    missing = sorted(
        name for name in named if not name.startswith(_MADE) and not any(one.endswith(f"/{name}") for one in known)
    )
    assert not missing
    broken = [link for link in _LINK.findall(text) if not (ROOT / document).parent.joinpath(link).exists()]
    assert not broken
