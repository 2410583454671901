"""What of the public names is called outside tests: found by following imports through the source."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["uncalled"]

AREAS = ("services", "shared", "ops", "dev")
HELD = ("services", "shared", "ops")
_REGISTERED = re.compile(
    r"(^|\.)(\w*router|app|report|group|\w*_app|events|letters)\.|callback|validator|serializer|fixture"
)
"""Decorators that hand a function to a framework, which calls it."""


@dataclass(frozen=True)
class _Module:
    """A module with the names that its imports bind, each to the full name of what it stands for."""

    name: str
    path: Path
    tree: ast.Module
    imports: Mapping[str, str]


def _modules(root: Path) -> dict[str, _Module]:
    found: dict[str, _Module] = {}
    for path in (path for area in AREAS for path in sorted((root / area).rglob("*.py"))):
        relative = path.relative_to(root)
        name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text("utf-8"))
        found[name] = _Module(name, relative, tree, dict(_bound(tree)))
    return found


def _bound(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield alias.asname or top, alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _origin(full: str, modules: Mapping[str, _Module]) -> str:
    """Where a name is defined, behind any number of imports that pass it on."""
    seen: set[str] = set()
    while full not in seen:
        seen.add(full)
        owner, _, name = full.rpartition(".")
        if owner in modules:
            full = modules[owner].imports.get(name, full)
    return full


def _public(module: _Module) -> Iterator[tuple[str, ast.stmt]]:
    """Functions, classes and constants of a module, public ones that no framework is handed."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            handed = any(_REGISTERED.search(ast.unparse(one)) for one in node.decorator_list)
            names = [] if handed else [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        else:
            continue
        yield from ((name, node) for name in names if not name.startswith("_"))


def _used(module: _Module, modules: Mapping[str, _Module]) -> Iterator[str]:
    """Full names of what a module names, its own definitions within themselves apart."""
    own = {name: (node.lineno, node.end_lineno or node.lineno) for name, node in _public(module)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in module.imports:
                yield _origin(module.imports[node.id], modules)
            elif node.id in own and not own[node.id][0] <= node.lineno <= own[node.id][1]:
                yield f"{module.name}.{node.id}"
        elif isinstance(node, ast.Attribute):
            yield from _attributes(_written(node), module, modules)


def _written(node: ast.expr) -> str:
    """The expression as written; of other than names only what stands behind the last of them."""
    if isinstance(node, ast.Attribute):
        return f"{_written(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    return ast.unparse(node) if isinstance(node, ast.Call) and len(node.args) == 1 else ""


def _attributes(written: str, module: _Module, modules: Mapping[str, _Module]) -> Iterator[str]:
    if late := re.match(r"""(?:importlib\.)?import_module\(['"]([\w.]+)['"]\)\.(\w+)""", written):
        yield _origin(f"{late[1]}.{late[2]}", modules)
        return
    first, *rest = written.split(".")
    full = _origin(module.imports.get(first, ""), modules)
    for part in rest if full else ():
        full = _origin(f"{full}.{part}", modules)
        yield full


def uncalled(root: Path) -> list[str]:
    """Public names of services, shared and ops that nothing but tests names, as `module.name`.

    Entry points (``main``) and what a decorator hands to a framework are called from outside.
    """
    modules = _modules(root)
    used = {name for module in modules.values() for name in _used(module, modules)}
    return [
        full
        for module in modules.values()
        if module.path.parts[0] in HELD
        for name, _ in _public(module)
        if name != "main" and (full := f"{module.name}.{name}") not in used
    ]
