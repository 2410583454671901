"""Laws of tests that wait: what was pressed is waited for before it is read, and every wait lasts as long as all."""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.support.waiting import WAIT_LIMIT

if TYPE_CHECKING:
    from tests.support.architecture import Breach, Source

__all__ = ["clocks_are_not_judged", "pages_are_waited_for", "waits_outlast_a_busy_machine"]

_ACTS = {"click", "dblclick", "press", "check", "uncheck", "select_option", "tap", "set_input_files"}
_READS = {
    *("all", "all_inner_texts", "content", "count", "evaluate", "evaluate_all", "get_attribute", "inner_text"),
    *("input_value", "is_checked", "is_enabled", "is_hidden", "is_visible", "text_content", "title"),
}
_WAITS = {"expect", "eventually", "goto", "go_back", "measured", "reload", "reloaded", "shows", "sideways", "state"}
_SHORT = 5.0
"""Seconds below which a test means to see that nothing comes."""


def _called(node: ast.AST) -> set[str]:
    """Names of what is called anywhere in a node, without those that they are called on."""
    calls = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "?") for one in calls}


def _reads_address(node: ast.AST) -> bool:
    pages = {"page", "phone", "screen", "desk", "first", "second", "own", "other", "centre", "station", "stranger"}
    return any(
        isinstance(one, ast.Attribute)
        and one.attr == "url"
        and isinstance(one.value, ast.Name)
        and one.value.id in pages
        for one in ast.walk(node)
    )


def _steps(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Statements in the order in which they run, those of blocks one by one; a context once before and once after."""
    for one in body:
        if isinstance(one, ast.AsyncFunctionDef | ast.FunctionDef):
            continue
        heads = [item.context_expr for item in one.items] if isinstance(one, ast.AsyncWith | ast.With) else []
        blocks = [getattr(one, name) for name in ("body", "orelse", "finalbody") if getattr(one, name, None)]
        if not blocks:
            yield one
        yield from heads
        for block in blocks:
            yield from _steps(block)
        yield from heads


def pages_are_waited_for(source: "Source") -> "Iterator[Breach]":
    """Between what a test does on a page and what it reads of it, something is waited for that the next one has."""
    if source.path.parts[:2] != ("tests", "e2e"):
        return
    for function in source.nodes:
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        acted = ""
        for step in _steps(function.body):
            called = _called(step)
            if called & _WAITS or any(name.startswith(("wait_for", "expect_")) for name in called):
                acted = ""
            elif acted and (called & _READS or _reads_address(step)):
                yield source, getattr(step, "lineno", function.lineno), f"reads a page directly after {acted}"
                acted = ""
            if acts := called & _ACTS:
                acted = sorted(acts)[0]


def waits_outlast_a_busy_machine(source: "Source") -> "Iterator[Breach]":
    """A wait for what is to come lasts `WAIT_LIMIT` or longer: what comes ends it at once, on a busy machine later."""
    if source.path.parts[0] != "tests":
        return
    for node in source.nodes:
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        limit = node.args[1] if name == "wait_for" and len(node.args) > 1 else given.get("within", given.get("timeout"))
        seconds = limit.value if isinstance(limit, ast.Constant) and isinstance(limit.value, int | float) else None
        if name in ("eventually", "wait_for") and seconds is not None and _SHORT < seconds < WAIT_LIMIT:
            yield source, node.lineno, f"waits for {seconds} s"
        elif name == "AsyncClient" and "transport" not in given and limit is None:
            yield source, node.lineno, "waits 5 s for an answer"
        elif name == "AsyncClient" and seconds is not None and seconds < WAIT_LIMIT:
            yield source, node.lineno, f"waits {seconds} s for an answer"


_STOPWATCHES = {
    *("perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "thread_time", "thread_time_ns"),
    *("timeit", "cpu_times", "getrusage"),
}


def clocks_are_not_judged(source: "Source") -> "Iterator[Breach]":
    """No test but a drill holds a stopwatch: what it finds is the machine's load, also as a ratio of two times."""
    if source.path.parts[0] != "tests" or source.path.parts[1] in ("drill", "support"):
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr in _STOPWATCHES:
            yield source, node.lineno, f"measures by {node.attr}"
        elif isinstance(node, ast.ImportFrom) and _STOPWATCHES & {one.name for one in node.names}:
            yield source, node.lineno, f"imports a stopwatch of {node.module}"
