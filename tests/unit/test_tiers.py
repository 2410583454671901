"""The tiers hold every test: breadth leaves out what is deep, and the parts of the depth make up the whole."""

import re
from pathlib import Path

import pytest

from tests.support.costs import ENDING, Costs, Spent, costliest, merged, parse_stat, spent_by_tree
from tests.support.depth import BREADTH_EXAMPLES, DEEP, DEEP_EXAMPLES, examples
from tests.support.durations import parts_table
from tests.support.selection import ON_KAFKA, in_part, in_tier, read_part, work_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("markers", "deep", "runs"),
    [
        (set(), False, True),
        (set(), True, False),
        ({"deep"}, False, False),
        ({"deep"}, True, True),
        ({"grows", "broker"}, False, True),
        ({"grows"}, True, True),
    ],
)
def test_a_tier_holds_what_belongs_to_it(markers: set[str], deep: bool, runs: bool) -> None:
    assert in_tier(frozenset(markers), deep) is runs


def test_each_file_runs_in_one_part_of_the_depth() -> None:
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")]
    parts = [[path for path in files if in_part(path, (number, 3))] for number in (1, 2, 3)]
    assert sorted(path for part in parts for path in part) == sorted(files)
    assert all(parts)
    assert [path for path in files if in_part(path, None)] == files


@pytest.mark.parametrize("text", ["0/3", "4/3", "2", "a/b", ""])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"part|int"):
        read_part(text)
    assert read_part("2/3") == (2, 3)


def test_the_files_for_apache_kafka_exist() -> None:
    assert [path for path in ON_KAFKA if not (ROOT / path).exists()] == []


def test_page_tests_are_one_piece_of_work_and_other_files_each_their_own() -> None:
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "tests/e2e").glob("test_pages*.py")}
    assert {work_of(f"{path}::test_a[1]") for path in pages} == {"tests/e2e/test_pages.py"}
    assert work_of("tests/unit/test_tiers.py::test_a") == "tests/unit/test_tiers.py"
    others = {path for path in (ROOT / "tests/e2e").glob("test_*.py") if str(path.relative_to(ROOT)) not in pages}
    users = {str(path) for path in others if re.search(r"\bdistrict: District, browser\b", path.read_text("utf-8"))}
    assert users == set(), "a test of pages belongs in a file that is named so"


def test_examples_follow_the_depth() -> None:
    assert examples() == (DEEP_EXAMPLES if DEEP else BREADTH_EXAMPLES)
    assert examples(10) == 10
    assert examples(100, 5) == (100 if DEEP else 5)


def test_the_table_of_parts_counts_each_test_once() -> None:
    phases = [("tests/unit/points/test_a.py::test_a", phase, 0.5) for phase in ("setup", "call", "teardown")]
    table = parts_table([*phases, ("tests/e2e/test_b.py::test_b[1]", "call", 3.0)])
    assert [line.split() for line in table] == [
        ["part", "tests", "seconds"],
        ["e2e", "1", "3.0"],
        ["unit/points", "1", "1.5"],
        ["all", "2", "4.5"],
    ]
    assert parts_table(phases) == []


def test_a_line_of_the_kernel_is_read_whatever_the_name_of_the_process() -> None:
    fields = " ".join(["S", "7", *["0"] * 9, "100", "50", "200", "0", *["0"] * 20])
    spent = parse_stat(f"12 (a) (b c) {fields}")
    assert (spent.name, spent.parent) == ("a) (b c", 7)
    assert spent.own == pytest.approx(spent.ended * 0.75)


def test_a_session_costs_what_it_its_children_and_theirs_spend() -> None:
    processes = {
        1: Spent("init", 0, 100.0, 100.0),
        10: Spent("python", 1, 3.0, 0.5),
        11: Spent("postgres", 10, 1.0, 2.0),
        12: Spent("postgres", 11, 0.25, 0.0),
        13: Spent("other", 1, 9.0, 9.0),
    }
    assert spent_by_tree(10, processes) == {"session": 3.0, "ended": 0.5, "postgres": 3.25}


def test_costs_go_to_the_file_that_runs() -> None:
    costs = Costs()
    for path in ("a.py", "a.py", "b.py", ENDING):
        costs.turn_to(path)
    assert list(costs.by_file) == ["(start of sessions)", "a.py", "b.py"]
    assert all(seconds >= 0 for spent in costs.by_file.values() for seconds in spent.values())
    together = merged([{"a.py": {"session": 1.0}}, {"a.py": {"session": 2.0}, "b.py": {"postgres": 0.5}}])
    assert together == {"a.py": {"session": 3.0}, "b.py": {"postgres": 0.5}}
    assert [line.split()[:2] for line in costliest(together, 1)[1:]] == [["a.py", "3.0"], ["all", "3.5"]]
    assert costliest(together, 0) == []
