"""Documents in versions: the hash that a version was installed under stays, and mistakes are named by line."""

from collections.abc import Sequence

import pytest

from services.points.badges import documents as badges
from services.points.integrity import documents as integrity
from services.points.rules import documents as rules
from services.points.teams import documents as teams
from services.points.versions.documents import VersionedDocument
from shared.errors import PermanentError

INSTALLED = {
    "rule": (rules.shipped(), ["1142a637"]),
    "criteria": (badges.shipped(), ["9fca46c8", "fb3667e9"]),
    "team criteria": (teams.shipped(), ["1dfe17c6"]),
    "thresholds": (integrity.shipped(), ["11161b92"]),
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
        badges.parse(text.replace("badge: annual-bronze", "badge: Annual"))
    with pytest.raises(PermanentError, match="criteria: line 2: "):
        teams.parse("name: x\nname: y\n")
    with pytest.raises(PermanentError, match=r"line 1, effective_from: .*written as 2026-03-05"):
        teams.parse("{version: 1, name: x, effective_from: 20260305, badges: []}")
