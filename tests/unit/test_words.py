"""The laws of the words hold here, beside a list of what remains that only gets shorter, and each notices a breach."""

import json
import re
from pathlib import Path

import pytest

from tests.support import words
from tests.support.words import LAWS, File, Law

ROOT = Path(__file__).resolve().parents[2]
REMAINING: dict[str, dict[str, int]] = json.loads(
    (ROOT / "tests/support/words_remaining.json").read_text(encoding="utf-8")
)
"""How many breaches each area has, by law: stored values of the API. Never raise a number."""

OWN = frozenset({"words.py", "test_words.py"})
"""The laws themselves name what they forbid."""

PLANTED: list[tuple[Law, str, str]] = [
    (words.prose_uses_verbs_of_the_field, "a.py", "x = 1  # nobody reads it\n"),
    (words.prose_uses_verbs_of_the_field, "a.py", '"""Sent.\n\nThe relay puts aside what is too large.\n"""\n'),
    (words.prose_uses_verbs_of_the_field, "a.py", 'raise ValueError(f"{x} was told")\n'),
    (words.prose_uses_verbs_of_the_field, "a.sql", "-- rows that no worker looks at\nselect 1;\n"),
    (words.prose_uses_verbs_of_the_field, "a.md", "Whoever signs in sees it.\n"),
    (words.docstrings_begin_with_a_sentence, "a.py", '"""What a page is made of."""\n'),
    (words.docstrings_begin_with_a_sentence, "a.py", 'def f():\n    """The sum"""\n'),
    (words.names_are_plain, "a.py", "class Told:\n    pass\n"),
    (words.names_are_plain, "a.py", "def f(told_by):\n    pass\n"),
    (words.names_are_plain, "a.py", "same_plans = True\n"),
    (words.log_events_are_noun_and_verb, "a.py", 'log.info("relay starts over")\n'),
    (words.log_events_are_noun_and_verb, "a.py", "_log.error(f'relay.{x}')\n"),
    (words.bodies_end_in_in_and_out, "a.py", "class ShelfView(Output):\n    pass\n"),
    (words.bodies_end_in_in_and_out, "a.py", "class AIn(Input):\n    pass\nclass Detail(AIn):\n    pass\n"),
    (words.handles_have_one_name, "a.py", "def f(database: Database):\n    pass\n"),
    (words.handles_have_one_name, "a.py", "def f(transaction: Tx):\n    pass\n"),
]

ALLOWED: list[tuple[Law, str, str]] = [
    (words.prose_uses_verbs_of_the_field, "a.py", '"""The relay publishes rows in order of their ids."""\n'),
    (words.docstrings_begin_with_a_sentence, "a.py", '"""Publish the outbox.\n\nArgs follow\n"""\n'),
    (words.names_are_plain, "a.py", "def publish(event): pass\n"),
    (words.log_events_are_noun_and_verb, "a.py", 'log.info("outbox.sent", rows=1)\n'),
    (words.bodies_end_in_in_and_out, "a.py", "class ShelfOut(Output):\n    pass\n"),
    (words.handles_have_one_name, "a.py", "def f(db: Db, tx: Tx):\n    pass\n"),
]


@pytest.fixture(scope="module")
def tree() -> list[File]:
    found = words.files(ROOT)
    assert len(found) > 300
    return found


@pytest.fixture(scope="module")
def others() -> list[File]:
    """What is not shipped."""
    found = [
        file for file in words.files(ROOT, words.OTHERS) if file.area in words.OTHERS and file.path.name not in OWN
    ]
    assert len(found) > 200
    return found


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_law_holds_but_for_what_remains(law: Law, tree: list[File]) -> None:
    remaining = REMAINING.get(law.__name__, {})
    broken = words.found(tree, law)
    shipped = {area: most for area, most in remaining.items() if area not in words.OTHERS}
    assert {area: len(lines) for area, lines in broken.items()} == shipped, f"{law.__doc__} Found: {broken}"


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_what_is_not_shipped_breaks_the_law_no_more_often_than_before(law: Law, others: list[File]) -> None:
    remaining = REMAINING.get(law.__name__, {})
    for area, lines in words.found(others, law).items():
        assert len(lines) <= remaining.get(area, 0), f"{law.__doc__} Found in {area}: {lines}"


def test_a_class_name_stands_for_one_thing(tree: list[File]) -> None:
    assert len(words.repeated_classes(tree)) <= REMAINING["repeated_classes"]["all"], words.repeated_classes(tree)


def _planted(root: Path, path: str, text: str) -> File:
    (root / path).write_text(text, encoding="utf-8")
    return File(root, Path(path))


@pytest.mark.parametrize(("law", "path", "text"), PLANTED)
def test_a_planted_breach_is_found(law: Law, path: str, text: str, tmp_path: Path) -> None:
    assert len(list(law(_planted(tmp_path, path, text)))) == 1


@pytest.mark.parametrize(("law", "path", "text"), ALLOWED)
def test_plain_words_pass(law: Law, path: str, text: str, tmp_path: Path) -> None:
    assert list(law(_planted(tmp_path, path, text))) == []


def test_a_repeated_class_is_found(tmp_path: Path) -> None:
    places = [_planted(tmp_path, path, "class Status: pass\nclass _Own: pass\n") for path in ("a.py", "b.py")]
    assert words.repeated_classes(places) == {"Status": ["a.py", "b.py"]}


def test_every_law_has_a_planted_breach() -> None:
    assert {law for law, _, _ in PLANTED} == set(LAWS)


def test_every_name_of_the_glossary_is_in_the_code(tree: list[File]) -> None:
    code = " ".join(file.text for file in tree if file.path.suffix != ".md")
    words_of_code = set(re.findall(r"\w+", code))
    rows = [
        line.split("|") for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines() if "|" in line
    ]
    names = {name for row in rows for name in re.findall(r"`([^`]+)`", row[3])}
    assert len(names) > 80
    assert {name for name in names if not set(re.findall(r"\w+", name)) <= words_of_code} == set()
