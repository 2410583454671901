"""Answers what became of an event of attendance, from the ledger and the figures of teams."""

from collections.abc import Collection, Sequence
from typing import Any, Literal
from uuid import UUID

from services.points.ingest.stream import GROUP as LEDGER
from services.points.teams.stream import GROUP as TEAMS
from shared.cloudevents import Event
from shared.contracts import AttendanceRecorded
from shared.operators.fates import Effect, EventAsked, EventFate
from shared.postgres import Tx, load_queries

__all__ = ["PointsFates"]

_SQL = load_queries(__file__)


class PointsFates:
    """The fates of attendance: of revisions in the ledger, and as counted for teams."""

    async def fates(self, tx: Tx, asked: EventAsked) -> Sequence[EventFate]:
        """Find the fate of an event in the ledger and for teams."""
        record_id, revision = _record(asked), asked.aggregate_version
        if record_id is None or revision is None:
            row = await tx.fetchrow(_SQL["revision_by_event"], asked.event_id)
        else:
            row = await tx.fetchrow(_SQL["revision_by_place"], record_id, revision)
        if row is None or row["revision"] is None:
            return ()
        if row["event_id"] != asked.event_id:
            return [EventFate(LEDGER, "duplicate", row["at"])]
        state: Literal["applied", "superseded"] = "applied" if row["revision"] == row["standing"] else "superseded"
        led_to = await _effects(tx, row["volunteer_id"], asked.event_id)
        found = [EventFate(LEDGER, state, row["at"], led_to)]
        counted = await tx.fetchval(_SQL["team_revision"], row["record_id"])
        if counted is not None and counted >= row["revision"]:
            found.append(EventFate(TEAMS, "applied" if counted == row["revision"] else "superseded"))
        return found

    async def applied(self, tx: Tx, group: str, events: Sequence[Event[Any]]) -> Collection[UUID]:
        """The events whose revisions are known already."""
        query = {LEDGER: "ledger_has", TEAMS: "teams_have"}.get(group)
        known = [event for event in events if isinstance(event.data, AttendanceRecorded)]
        if query is None or not known:
            return ()
        records, revisions = [one.data.record_id for one in known], [one.data.revision for one in known]
        rows = await tx.fetch(_SQL[query], list(range(len(known))), records, revisions)
        return {known[row["place"]].id for row in rows}


def _record(asked: EventAsked) -> UUID | None:
    try:
        return None if asked.aggregate_id is None else UUID(asked.aggregate_id)
    except ValueError:
        return None


async def _effects(tx: Tx, volunteer_id: UUID, event_id: UUID) -> tuple[Effect, ...]:
    rows = await tx.fetch(_SQL["postings"], volunteer_id, event_id)
    events = dict.fromkeys(str(row["posting_id"]) for row in rows)
    badges = await tx.fetch(_SQL["badges"], volunteer_id, event_id)
    return (
        *(Effect("event", posting) for posting in events),
        *(Effect("transfer", str(row["transfer_id"])) for row in rows),
        *(Effect("badge", str(row["award_id"])) for row in badges),
    )
