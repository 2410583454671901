"""The index of ``docs/decisions``, written from the records' own first lines by ``python -m dev.docs.records``."""

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DIRECTORY", "Decision", "decisions", "index"]

DIRECTORY = Path(__file__).resolve().parents[2] / "docs" / "decisions"
_HEAD = re.compile(
    r"# (?P<number>\d{4}) (?P<title>\S.*)\n\n"
    r"Status: (?P<status>proposed|accepted|superseded by \d{4}) · Date: (?P<date>\d{4}-\d{2}-\d{2})\n"
)
_INTRO = """# Decisions

<!-- Written by `python -m dev.docs.records` from the records. A test fails when this page is stale. -->

Each record says why something is as it is: context, decision, consequences, alternatives; at most 40 lines. A new one
begins as a copy of [template.md](template.md) under the next free number. A record that no longer holds is not
rewritten: its status names the one that replaces it. Numbers that were measured lie in
[measurements.md](../measurements.md).

| Number | Decision | Status | Date |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """One record: what its first lines say."""

    path: Path
    number: str
    title: str
    status: str
    date: str


def decisions(directory: Path = DIRECTORY) -> list[Decision]:
    """All records by number.

    Raises:
        ValueError: a record's first lines are not those of the template, or name another number than its file.
    """
    found = []
    for path in sorted(directory.glob("[0-9]*.md")):
        head = _HEAD.match(path.read_text("utf-8"))
        if head is None:
            raise ValueError(f"{path.name}: the first lines are not '# NNNN Title', '', 'Status: … · Date: YYYY-MM-DD'")
        if not path.name.startswith(head["number"] + "-"):
            raise ValueError(f"{path.name}: the title has the number {head['number']}")
        found.append(Decision(path, head["number"], head["title"], head["status"], head["date"]))
    return found


def index(directory: Path = DIRECTORY) -> str:
    """The index page, in Markdown.

    Raises:
        ValueError: as `decisions`.
    """
    rows = (
        f"| {one.number} | [{one.title}]({one.path.name}) | {one.status} | {one.date} |\n"
        for one in decisions(directory)
    )
    return _INTRO + "".join(rows)


if __name__ == "__main__":
    (DIRECTORY / "README.md").write_text(index(), "utf-8")
