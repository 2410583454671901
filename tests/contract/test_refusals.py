"""Refusals: each type that is raised has a Chinese sentence for the pages, and each sentence a raiser."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from services.web.pages import order_sentences, record_sentences, refusal_sentences
from services.web.pages.refusal_sentences import SENTENCES

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("services", "shared")
SLUG = re.compile(r"[a-z]+(-[a-z0-9]+)+")
ANSWERS = {"problem", "send_problem"}
"""Functions that answer with a problem: its type is among their arguments."""
BASE = "Refusal"


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path not in [
                Path(str(each.__file__)) for each in (refusal_sentences, order_sentences, record_sentences)
            ]:
                yield path, ast.parse(path.read_text("utf-8"))


TREES = list(_trees())


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _classes() -> set[str]:
    """The names of all refusals, by what they derive from, and of functions that are annotated to return one."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for _path, tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {BASE, "DomainRefusal"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def _slugs(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and SLUG.fullmatch(inner.value):
            yield inner.value


def raised() -> dict[str, str]:
    """Each type that a refusal is made of, with one place where."""
    classes = _classes()
    found: dict[str, str] = {}
    for path, tree in TREES:
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = _name(call.func)
            at = call.args[:1] if name in classes else call.args[:3] if name in ANSWERS else []
            for argument in at:
                for slug in _slugs(argument):
                    found.setdefault(slug, f"{path.relative_to(ROOT)}:{call.lineno}")
    return found


def test_every_type_that_is_raised_has_a_sentence() -> None:
    missing = {slug: place for slug, place in raised().items() if slug not in SENTENCES}
    assert not missing, "add Chinese to services/web/pages/refusal_sentences.py"


def test_every_sentence_has_a_raiser() -> None:
    literals = {slug for _path, tree in TREES for slug in _slugs(tree)}
    assert sorted(SENTENCES.keys() - literals) == []


def test_the_raisers_are_found() -> None:
    found = raised()
    assert {"shift-full", "rule-unknown", "invalid-json", "cross-site-request"} <= found.keys()
