"""How a measured process tells the bench where it stands: one JSON object per line on standard output."""

import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["heard", "tell"]


def tell(event: str, **members: Any) -> None:
    """Write one line, at once."""
    sys.stdout.write(json.dumps({"event": event, **members}) + "\n")
    sys.stdout.flush()


def heard(log: Path, event: str) -> list[dict[str, Any]]:
    """Every line of that event in a log so far; other lines are none of ours."""
    found = []
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        if f'"{event}"' not in line:
            continue
        try:
            members = json.loads(line[line.index("{") :])  # faust shows the terminal's cursor before the first line
        except ValueError:
            continue
        if isinstance(members, dict) and members.get("event") == event:
            found.append(members)
    return found
