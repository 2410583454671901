"""Documents in versions: the hash that a version was installed under stays, and mistakes are named by line."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from services.points.badges import documents as badges
from services.points.integrity import documents as integrity
from services.points.rules import documents as rules
from services.points.teams import documents as teams
from services.points.versions.documents import VersionedDocument
from shared.errors import PermanentError
from tests.support.documents import RULE_EXAMPLES, criteria_from, rule_from, team_criteria_from

INSTALLED = {
    "rule": (rules.shipped(), ["1142a637"]),
    "criteria": (badges.shipped(), ["9fca46c8", "fb3667e9"]),
    "team criteria": (teams.shipped(), ["1dfe17c6"]),
    "thresholds": (integrity.shipped(), ["11161b92", "bdb3e0e9", "89623aa5"]),
}


@pytest.mark.parametrize(("found", "hashes"), INSTALLED.values(), ids=INSTALLED)
def test_what_is_installed_somewhere_keeps_its_hash_and_reads_back(
    found: Sequence[VersionedDocument], hashes: list[str]
) -> None:
    assert [document.content_hash().hex()[:8] for document in found] == hashes
    assert [document.version for document in found] == list(range(1, len(hashes) + 1))
    for document in found:
        assert type(document).model_validate_json(document.canonical()) == document


def test_mistakes_in_criteria_are_named_by_line() -> None:
    text = badges.VERSIONS.joinpath("0002.yaml").read_text("utf-8")
    wrong = next(number for number, line in enumerate(text.splitlines(), 1) if "badge: annual-bronze" in line)
    with pytest.raises(PermanentError, match=rf"criteria: line {wrong}, badges\.\d+\.badge: "):
        criteria_from(text.replace("badge: annual-bronze", "badge: Annual"))
    nul = text.replace("badge: annual-bronze", 'badge: "annual\\0bronze"')
    with pytest.raises(PermanentError, match=rf"criteria: line {wrong}: .*U\+0000"):
        criteria_from(nul)
    with pytest.raises(PermanentError, match="criteria: line 2: "):
        team_criteria_from("name: x\nname: y\n")
    with pytest.raises(PermanentError, match=r"line 1, effective_from: .*written as 2026-03-05"):
        team_criteria_from("{version: 1, name: x, effective_from: 20260305, badges: []}")


RULE = rules.VERSIONS.joinpath("0001.yaml").read_text("utf-8")


@pytest.mark.parametrize("provenance", ["backfilled", "imported"])
def test_no_rule_is_written_that_gives_points_for_hours_that_nobody_witnessed(provenance: str) -> None:
    wrong = next(number for number, line in enumerate(RULE.splitlines(), 1) if "provenances:" in line)
    found = rules.check(RULE.replace("leader]", f"leader, {provenance}]"))
    assert isinstance(found, list)
    assert [(one.line, one.path) for one in found] == [(wrong, "earning.provenances.3")]
    assert "only 'scanned', 'kiosk' and 'leader' earn" in found[0].message
    found = rules.check(RULE.replace("months: [3]", f"provenances: [{provenance}]"))
    assert isinstance(found, list)
    assert [one.path for one in found] == ["earning.rates.0.provenances.0"]


def test_a_rule_that_was_kept_before_stays_readable() -> None:
    kept = rule_from(RULE).model_dump(mode="json")
    kept["earning"]["provenances"].append("backfilled")
    assert "backfilled" in rules.RuleDocument.model_validate_json(orjson.dumps(kept)).rule().provenances


@pytest.mark.parametrize("example", sorted(RULE_EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_example_gives_points_for_entered_hours(example: Path) -> None:
    assert rule_from(example.read_text("utf-8")).rule().provenances <= {"scanned", "kiosk", "leader"}


@pytest.mark.parametrize("line", ['name: "a\\0b"', '"na\\0me": x', 'name: "\\x00"', 'name: "\\u0000"'])
def test_what_cannot_be_kept_is_refused_with_its_line(line: str) -> None:
    lines = RULE.splitlines()
    place = next(number for number, one in enumerate(lines) if one.startswith("name:"))
    lines[place] = line
    found = rules.check("\n".join(lines))
    assert isinstance(found, list)
    assert [one.line for one in found] == [place + 1]
    assert "U+0000" in found[0].message
