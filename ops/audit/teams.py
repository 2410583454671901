"""A3, A5 of the teams: their consumer has a table of its own and may lag behind the ingest; that table judges it.

What each record counts is held against the same revision in the ledger's records; the figures, days and badges against
all that is counted, in full; and what is counted against what recruitment published.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson

from ops.audit.badges import TITLE
from ops.audit.completeness import PUT_ASIDE, Revision, lost, revision_of
from ops.audit.model import Check
from ops.audit.sql import SQL, rows
from services.points.badges.domain import Criteria
from services.points.teams.documents import TeamCriteriaDocument
from services.points.teams.domain import Figures, add
from services.points.teams.domain import judged as judged_figures
from shared.postgres import Tx


async def arrived(tx: Tx, check: Check, *, settled: bool) -> None:
    """A3 for the second reader of attendance: what it has not seen, and what would change its counts."""
    dead_lettered: set[Revision] = set()
    async for row in rows(tx, "dead_attendance_of_teams"):
        revision = revision_of(row["value"])
        if revision is not None and row["status"] in PUT_ASIDE:
            dead_lettered.add(revision)
    lag = 0
    async for row in rows(tx, "services_missing"):
        if (row["record_id"], row["revision"]) in dead_lettered:
            continue
        reason = lost(row)
        if reason is None and settled:
            reason = "sent and not counted" if row["sent_at"] is not None else "not sent yet"
        if reason is None:
            lag += 1
        else:
            check.add_violation(f"record {row['record_id']} revision {row['revision']}", f"for its team: {reason}")
    if lag:
        check.notes.append(f"{lag} revisions are on their way to the teams")


async def prove(tx: Tx) -> Check:
    """A5 for teams: what each record counts, the figures, and the badges that they earn, all recomputed."""
    check = Check("A5", TITLE)
    async for row in rows(tx, "services_against_records"):
        subject = f"record {row['record_id']} revision {row['revision']} of team {row['team_id']}"
        counted = [(name, row[name], row[f"{name}_due"]) for name in ("team_id", "day", "counted_as")]
        check.differ(subject, counted)
    figures: dict[Any, Figures] = defaultdict(dict)
    async for row in rows(tx, "services_by_day"):
        counts = (row["credit_due"], row["honour_due"])
        if any(counts):
            add(figures[row["team_id"]], row["day"], counts)
        subject = f"team {row['team_id']} on {row['day']}"
        pairs = [(f"{name} services", row[name], row[f"{name}_due"]) for name in ("credit", "honour")]
        check.differ(subject, pairs)
    await _badges(tx, check, figures)
    return check


async def _badges(tx: Tx, check: Check, figures: dict[Any, Figures]) -> None:
    versions = await tx.fetch(SQL["team_criteria_versions"])
    criteria = {
        row["version"]: TeamCriteriaDocument.model_validate_json(row["document"]).criteria() for row in versions
    }
    older = 0
    async for row in rows(tx, "badges_by_team"):
        check.examined += 1
        due = figures.pop(row["team_id"], {})
        judged = _judged_under(criteria, row["criteria_version"] or 0)
        older += judged is not None and judged.version != max(criteria)
        badges = list(judged.earned(*judged_figures(judged, due))) if judged is not None and due else []
        kept = {window: tuple(counts) for window, counts in orjson.loads(row["figures"] or "{}").items()}
        pairs: list[tuple[str, Any, Any]] = [("services", kept, due)]
        pairs += [("badges", sorted(row["badges"]), badges), ("awarded badges", list(row["awarded"]), badges)]
        check.differ(f"team {row['team_id']}", pairs)
    for team_id in figures:
        check.add_violation(f"team {team_id}", "has services and no row")
    if older:
        check.notes.append(f"{older} teams were last judged under earlier criteria")


def _judged_under(criteria: dict[int, Criteria], version: int) -> Criteria | None:
    return criteria.get(version) or (criteria[max(criteria)] if criteria else None)
