"""Links to traces stand where transfers, records and messages are shown, for those who may follow them. Pure."""

from typing import Any

import pytest

from services.web.gateway.sessions import Session
from services.web.pages import render

MESSAGE: dict[str, Any] = {
    "message_id": "m", "read_at": None, "title": "积分入账", "body": "", "kind": "points", "correlation_id": "c/1",
    "created_at": "2026-03-05T02:00:00Z",
}  # fmt: skip
_WORDS = (
    "title time when provenance duration sum reason uncounted outside deniable closed_by planned site device recorder "
    "recorder_site imported revision event trace shift"
)
RECORD: dict[str, Any] = dict.fromkeys(_WORDS.split(), "") | {"record_id": "r"}


def inbox(*roles: str) -> str:
    found = {"messages": [MESSAGE], "unread": 1}
    return render.fragment("volunteer/parts/inbox.html", Session("t", {"roles": roles}), inbox=found)


def record(watches: bool, **more: str) -> str:
    source = '{% from "volunteer/records.html" import record_lines %}{{ record_lines(record, {}, watches) }}'
    return render._environment.from_string(source).render(record=RECORD | more, watches=watches)


@pytest.mark.parametrize("role", ["operator", "engineer", "auditor"])
def test_a_message_leads_those_who_watch_the_streams_to_its_trace(role: str) -> None:
    assert 'href="/console/traces/c/1"' in inbox(role)


@pytest.mark.parametrize("role", ["volunteer", "station", "leader"])
def test_others_are_offered_no_trace_of_a_message(role: str) -> None:
    assert "/console/" not in inbox(role)


def test_a_record_leads_to_its_trace_or_to_the_events_about_it() -> None:
    assert 'href="/console/traces/c-2"' in record(True, trace="c-2")
    assert 'href="/console/traces-of/r"' in record(True)
    assert "/console/" not in record(False, trace="c-2")
