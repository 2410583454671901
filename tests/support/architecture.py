"""The laws of the layout, as functions from a source tree to the places that break them."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from tests.support.races import clocks_are_not_judged, pages_are_waited_for, waits_outlast_a_busy_machine

__all__ = ["LAWS", "Source", "Tree", "breaches"]

LONGEST_FUNCTION, LONGEST_MODULE = 70, 400
_HTTP = {"fastapi", "starlette", "uvicorn", "aiohttp", "httpx"}
_KAFKA = {"aiokafka", "faust", "mode"}
_SQL = re.compile(
    r"^\s*(with\s+\w+\s+as\s*\(|select\s.+\sfrom\s|select\s+\w+\s*\(|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|"
    r"(create|alter|drop)\s+(table|index|role|schema|function|database|view)\s|truncate\s+\w|grant\s+\w+\s+on\s)",
    re.IGNORECASE | re.DOTALL,
)
_ROOTS = {"connect", "open", "create_pool", "create_app"}
_CLOCKS = {"now", "utcnow", "today", "time", "monotonic"}


@dataclass(frozen=True)
class Source:
    """One Python file of the tree; `path` is relative to its root."""

    root: Path
    path: Path

    @cached_property
    def text(self) -> str:
        return (self.root / self.path).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, walked once for all laws."""
        return list(ast.walk(self.tree))

    @property
    def service(self) -> str | None:
        """`points` for a file under services/points."""
        return self.path.parts[1] if self.path.parts[0] == "services" and len(self.path.parts) > 2 else None

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full dotted name of everything imported, wherever in the file."""
        found: list[tuple[int, str]] = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = ".".join(self.path.parent.parts[: len(self.path.parts) - node.level]) if node.level else ""
                module = ".".join(part for part in (base, node.module) if part)
                found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
        return found

    @cached_property
    def calls(self) -> list[tuple[int, str]]:
        """Line and dotted name of every call, as written."""
        return [(node.lineno, _dotted(node.func)) for node in self.nodes if isinstance(node, ast.Call)]


def _dotted(node: ast.expr) -> str:
    """`a.b.c` of names; what is not a name is `?`."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


class Tree:
    """A checkout, or a planted imitation of one."""

    def __init__(self, root: Path) -> None:
        self.sources = [
            Source(root, path.relative_to(root))
            for top in ("shared", "services", "ops", "dev", "tests")
            for path in sorted((root / top).rglob("*.py"))
        ]


Breach = tuple[Source, int, str]


def domain_is_pure(source: Source) -> Iterator[Breach]:
    """`domain.py` imports the standard library and other `domain.py` of its service only."""
    if source.service is None or source.path.name != "domain.py":
        return
    for line, name in source.imports:
        parts = name.split(".")
        own = parts[:2] == ["services", source.service] and "domain" in parts[2:]
        if parts[0] not in sys.stdlib_module_names and not own:
            yield source, line, f"imports {name}"


def domain_and_handlers_have_no_clock(source: Source) -> Iterator[Breach]:
    """Business time comes from the transaction, never from the machine."""
    if source.service is None or source.path.name not in ("domain.py", "handlers.py"):
        return
    for line, name in source.calls:
        owner, _, what = name.rpartition(".")
        if what in _CLOCKS and owner.rpartition(".")[2] in ("datetime", "date", "time"):
            yield source, line, f"calls {name}()"


def handlers_know_neither_http_nor_kafka(source: Source) -> Iterator[Breach]:
    """Use cases are called by both, so they know neither."""
    if source.service is None or source.path.name != "handlers.py":
        return
    for line, name in source.imports:
        top = name.split(".")[0]
        if top in _HTTP | _KAFKA or name.startswith(("shared.http", "shared.kafka")):
            yield source, line, f"imports {name}"


def services_do_not_import_each_other(source: Source) -> Iterator[Breach]:
    """Services share topics and contracts, nothing else."""
    if source.service is None:
        return
    for line, name in source.imports:
        parts = name.split(".")
        if parts[0] == "services" and parts[1:2] != [source.service]:
            yield source, line, f"imports {name}"
        if parts[0] in ("ops", "dev", "tests"):
            yield source, line, f"imports {name}"


def shared_knows_no_service(source: Source) -> Iterator[Breach]:
    """`shared` holds no business and imports nobody."""
    if source.path.parts[0] != "shared":
        return
    for line, name in source.imports:
        if name.split(".")[0] in ("services", "ops", "dev", "tests"):
            yield source, line, f"imports {name}"


def ops_needs_no_dev(source: Source) -> Iterator[Breach]:
    """`ops` runs in production, where neither `dev` nor `tests` are."""
    if source.path.parts[0] != "ops":
        return
    for line, name in source.imports:
        if name.split(".")[0] in ("dev", "tests"):
            yield source, line, f"imports {name}"


def sql_lies_in_sql_files(source: Source) -> Iterator[Breach]:
    """SQL is named and explained in `.sql` files (tests may look into tables)."""
    if source.path.parts[0] == "tests":
        return
    prose = {id(node.value) for node in source.nodes if isinstance(node, ast.Expr)}
    for node in source.nodes:
        if id(node) in prose or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if _SQL.match(node.value):
            yield source, node.lineno, f"holds SQL: {node.value.strip()[:40]!r}"


def queries_are_the_stores(source: Source) -> Iterator[Breach]:
    """In a service, only `store.py` reads queries.sql."""
    if source.service is None or source.path.name == "store.py":
        return
    for line, name in source.calls:
        if name.rpartition(".")[2] in ("load_queries", "parse_queries"):
            yield source, line, f"calls {name}()"


def composition_is_in_main(source: Source) -> Iterator[Breach]:
    """Pools are opened in `__main__.py` only, or in the `app.py` of a faust application that it starts."""
    if source.service is None or source.path.name in ("__main__.py", "app.py"):
        return
    for line, name in source.calls:
        owner, _, what = name.rpartition(".")
        if (what in _ROOTS and owner in ("Database", "asyncpg")) or name == "create_pool":
            yield source, line, f"calls {name}()"


def functions_are_short(source: Source) -> Iterator[Breach]:
    """A function fits a screen."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield source, node.lineno, f"{node.name} has {length} lines, more than {LONGEST_FUNCTION}"


def modules_are_short(source: Source) -> Iterator[Breach]:
    """A module is one noun."""
    length = len(source.text.splitlines())
    if length > LONGEST_MODULE:
        yield source, length, f"has {length} lines, more than {LONGEST_MODULE}"


def tests_import_no_test(source: Source) -> Iterator[Breach]:
    """What two test modules need lies in `tests/support` or in a module beside them that holds no test."""
    if source.path.parts[0] != "tests":
        return
    for line, name in source.imports:
        if name.startswith("tests.") and any(part.startswith("test_") for part in name.split(".")[1:]):
            yield source, line, f"imports {name}"


LAWS: tuple[Callable[[Source], Iterator[Breach]], ...] = (
    domain_is_pure,
    domain_and_handlers_have_no_clock,
    handlers_know_neither_http_nor_kafka,
    services_do_not_import_each_other,
    shared_knows_no_service,
    ops_needs_no_dev,
    sql_lies_in_sql_files,
    queries_are_the_stores,
    composition_is_in_main,
    functions_are_short,
    modules_are_short,
    tests_import_no_test,
    pages_are_waited_for,
    waits_outlast_a_busy_machine,
    clocks_are_not_judged,
)


@cache
def _breaches(root: Path) -> dict[str, list[str]]:
    """Breaches by the name of their law. Each file is parsed once, and its tree lives no longer than its turn."""
    found: dict[str, list[str]] = {law.__name__: [] for law in LAWS}
    for source in Tree(root).sources:
        own = Source(source.root, source.path)
        for law in LAWS:
            found[law.__name__] += [f"{at.path}:{line} {what}" for at, line, what in law(own)]
    return found


def breaches(root: Path, law: Callable[[Source], Iterator[Breach]]) -> list[str]:
    """Every place in the tree that breaks a law, as `path:line what`."""
    return _breaches(root)[law.__name__]
