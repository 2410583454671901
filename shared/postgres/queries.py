"""Named SQL: each ``queries.sql`` holds ``-- name: …`` blocks, each with a line on why."""

import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Queries", "load_queries", "parse_queries"]

Queries = Mapping[str, str]

_NAME = re.compile(r"^-- name: *([a-z][a-z0-9_]*) *$", re.MULTILINE)


def load_queries(module_file: str) -> Queries:
    """The named queries of the ``queries.sql`` that lies beside the module (pass ``__file__``).

    Raises:
        ValueError: a query is named twice, is empty, or lacks its comment.
    """
    return parse_queries(Path(module_file).with_name("queries.sql").read_text("utf-8"))


def parse_queries(text: str) -> Queries:
    """Split a SQL file into its named queries.

    Raises:
        ValueError: a query is named twice, is empty, or lacks its comment.
    """
    found: dict[str, str] = {}
    parts = _NAME.split(text)
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        lines = body.strip().splitlines()
        sql = "\n".join(line for line in lines if not line.startswith("--")).strip().removesuffix(";")
        if name in found:
            raise ValueError(f"query {name} is named twice")
        if not sql:
            raise ValueError(f"query {name} is empty")
        if not lines[0].startswith("-- "):
            raise ValueError(f"query {name} lacks the line that says why it exists")
        found[name] = sql
    return found
