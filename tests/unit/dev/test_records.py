"""Records of decisions have one form, are in the index, and links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

from dev.docs.records import DIRECTORY, Decision, decisions, index

DOCS = DIRECTORY.parent
PAGES = sorted(DOCS.rglob("*.md"))
SECTIONS = ("Context", "Decision", "Consequences", "Alternatives")
LINK = re.compile(r"\]\((?P<path>[^)#:]*)(?:#(?P<anchor>[^)]*))?\)")


@pytest.mark.parametrize("record", decisions(), ids=lambda record: record.number)
def test_record_has_its_sections_in_order_and_at_most_forty_lines(record: Decision) -> None:
    text = record.path.read_text("utf-8")
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == SECTIONS
    assert text.count("\n") <= 40


def test_numbers_are_unique() -> None:
    numbers = [record.number for record in decisions()]
    assert len(set(numbers)) == len(numbers) > 0


def test_committed_index_is_that_of_the_records() -> None:
    assert (DIRECTORY / "README.md").read_text("utf-8") == index(), "run python -m dev.docs.records"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("0001-x.md", "# Title\n\nStatus: accepted · Date: 2026-11-29\n"),
        ("0001-x.md", "# 0001 Title\n\nStatus: accepted, 2026-11-29\n"),
        ("0002-x.md", "# 0001 Title\n\nStatus: accepted · Date: 2026-11-29\n"),
    ],
)
def test_record_of_another_form_is_refused(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ValueError, match=name):
        decisions(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_between_pages_lead_to_files_and_headings(page: Path) -> None:
    for link in LINK.finditer(page.read_text("utf-8")):
        target = (page.parent / link["path"]) if link["path"] else page
        assert target.exists(), link[0]
        if link["anchor"]:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert link["anchor"] in {_anchor(heading) for heading in headings}, link[0]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
