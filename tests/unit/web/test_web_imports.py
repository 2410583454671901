"""The pages of proposed files: who is offered what, and what of a file is shown. Pure."""

from typing import Any

import pytest

from services.recruitment.imports.domain import ProposalState
from services.web.gateway.sessions import Session
from services.web.pages.operator.imports import STATES, _line
from services.web.pages.render import fragment

OPERATOR = Session("token", {"sub": "second", "roles": ["operator"]})
PROPOSAL: dict[str, Any] = {
    "proposal_id": "0192",
    "registry": "全国志愿服务信息系统",
    "file_reference": "<b>2026-02.csv</b>",
    "digest": "d" * 64,
    "rows": 3,
    "minutes": 720,
    "reason": "并入本区",
    "proposed_by": "first",
    "proposer": "operator",
    "proposer_site": None,
    "proposed_at": "2026-03-05T01:00:00Z",
    "lapses_at": "2026-03-12T01:00:00Z",
    "state": "proposed",
    "decided_by": None,
    "decider": None,
    "decided_at": None,
    "decision_reason": None,
    "completed_at": None,
    "batches": [
        {"digest": "a" * 64, "rows": 2, "minutes": 600, "arrived": True, "raised": 2, "raised_minutes": 90, "kept": 1},
        {"digest": "b" * 64, "rows": 1, "minutes": 120, "arrived": False, "raised": 0, "raised_minutes": 0, "kept": 0},
    ],
}


@pytest.mark.parametrize(
    ("own", "state", "offered"),
    [
        (True, "proposed", {"withdrawal"}),
        (False, "proposed", {"decision"}),
        (False, "approved", set()),
        (True, "completed", set()),
    ],
)
def test_a_file_is_decided_on_by_the_second_person_only(own: bool, state: str, offered: set[str]) -> None:
    html = fragment("operator/import.html", OPERATOR, path="", file=_line({**PROPOSAL, "state": state}), own=own)
    assert {act for act in ("withdrawal", "decision") if f"imports/0192/{act}" in html} == offered
    assert "&lt;b&gt;2026-02.csv" in html
    assert all(digit * 64 in html for digit in "dab")


def test_every_state_of_a_proposal_has_words_and_a_tab() -> None:
    assert set(STATES) == {state.value for state in ProposalState}
    line = _line(PROPOSAL)
    assert (line["arrived"], line["state_said"]) == (1, "等候批准")


def test_a_batch_says_whose_hours_rose_and_whose_did_not() -> None:
    html = fragment("operator/import.html", OPERATOR, path="", file=_line(PROPOSAL), own=False)
    assert html.count("2 人的历史时长补上了，共 1 小时 30 分钟") == 1
    assert html.count("1 人在名单里比已记的少，没有改，请核实") == 1
    assert "时长比已记的多，按名单补上" in html, "the second person reads it before they decide"
