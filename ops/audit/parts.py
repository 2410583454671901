"""Ranges of volunteers walked by processes of their own, over the snapshot of the audit: ``python -m ops.audit.parts``.

Each process reads its task as one line of JSON and writes its findings as JSON. The address of the database holds a
password, which is why it is no argument.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from typing import Any
from uuid import UUID

from ops.audit.badges import TITLE
from ops.audit.model import Check, Offender, could_not_be_checked
from ops.audit.session import UNREADABLE, opened
from ops.audit.sql import VolunteerRange
from ops.audit.volunteers import Walked, walk
from shared.errors import TransientError

__all__ = ["walk_apart"]

_GC_THRESHOLD = 100_000
"""Rows come and go without cycles: looking for them at each 700th object takes a fifth of the walk's time."""
_SAID = 500
"""Characters of a failed process's last words that are reported."""


async def walk_apart(dsn: str, snapshot: str, chosen: VolunteerRange) -> Walked:
    """Walk the range in a process of its own, which ends with the caller.

    Raises:
        TransientError: it ended without findings.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    task = {"dsn": dsn, "snapshot": snapshot, "first": str(chosen.first), "last": str(chosen.last)}
    try:
        out, words = await process.communicate(json.dumps(task).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = words.decode(errors="replace").strip()[-_SAID:]
        raise TransientError(f"a process of the audit ended with {process.returncode}: {said}")
    found = json.loads(out)
    return Walked(_check(found["awards"]), _check(found["badges"]), found["older"])


def _check(plain: dict[str, Any]) -> Check:
    offenders = [Offender(one["subject"], one["detail"]) for one in plain["offenders"]]
    return Check(
        plain["code"],
        plain["title"],
        plain["examined"],
        plain["breaches"],
        offenders,
        plain["notes"],
        plain["seconds"],
    )


async def _run(task: dict[str, str]) -> dict[str, Any]:
    async with opened(task["dsn"], task["snapshot"]) as tx:
        try:
            found = await walk(tx, VolunteerRange(UUID(task["first"]), UUID(task["last"])))
        except UNREADABLE as error:
            found = Walked(could_not_be_checked("A4", error), Check("A5", TITLE), 0)
    return {"awards": found.awards.as_json(), "badges": found.badges.as_json(), "older": found.older}


def main() -> None:
    """Read the task, walk, write the findings."""
    gc.set_threshold(_GC_THRESHOLD)
    json.dump(asyncio.run(_run(json.loads(sys.stdin.readline()))), sys.stdout)


if __name__ == "__main__":
    main()
