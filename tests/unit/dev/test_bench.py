"""The bench's pure parts: its input is what the contract says, its shares are what was promised, its sums are right."""

from collections import Counter
from datetime import date
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from dev.bench import telling
from dev.bench.disk import flushes
from dev.bench.history import BEGIN, END, PARTITIONS, POISON, History, history
from dev.bench.latency import percentile
from dev.bench.report import row
from dev.bench.rounds import Round
from dev.bench.scale.__main__ import people
from dev.bench.scale.fill import CLASSES, RECORDS_EACH, schedules, volunteer_id
from shared.cloudevents import decode
from shared.errors import PermanentError


@pytest.fixture(scope="module")
def made() -> History:
    return history(20_000, 2_000)


def test_the_input_is_what_the_contract_writes(made: History) -> None:
    kinds: Counter[str] = Counter()
    for sent in made.messages:
        try:
            event = decode(sent.headers(), sent.value)
        except PermanentError:
            kinds["unreadable"] += 1
            continue
        assert event.data.model_dump_json().encode() == sent.value.replace(b"\\u0000", b"\\u0000")
        assert str(event.data.volunteer_id).encode() == sent.key
        assert sent.partition == event.data.volunteer_id.int % PARTITIONS
        kinds["nul"] += "\0" in event.data.theme
    assert kinds == {"unreadable": made.poison["broken"] + made.poison["schema"], "nul": made.poison["refused"]}


def test_the_input_has_the_shares_that_the_bench_promises(made: History) -> None:
    shares = made.shares()
    assert shares["repeated"] == pytest.approx(0.05, abs=0.005)
    assert shares["higher_revisions"] == pytest.approx(0.02, abs=0.004)
    assert shares["poison"] == 0.001
    assert dict(made.poison) == dict.fromkeys(POISON, 5)
    assert shares["earning"] >= 0.9
    starts = [record.started_at for record in made.published]
    assert (max(starts) - min(starts)).days >= 729
    assert max(starts) <= END
    assert min(starts) >= BEGIN.replace(month=2, day=24)


def test_what_is_expected_follows_from_the_messages(made: History) -> None:
    """Counted once more from the bytes, knowing nothing of how they were made."""
    revisions: dict[tuple[str, int], bytes] = {}
    records: set[str] = set()
    repeated = conflicts = minutes = readable = 0
    for sent in made.messages:
        try:
            data = orjson.loads(sent.value)
        except ValueError:
            continue
        readable += 1
        minutes += data["minutes"]
        if data["status"] == "finished" or "\0" in data["theme"]:
            continue
        key = data["record_id"], data["revision"]
        known = revisions.setdefault(key, sent.value)
        if known != sent.value:
            conflicts += 1
        elif key in revisions and data["record_id"] in records and known is not sent.value:
            repeated += 1
        records.add(data["record_id"])
    expected = made.expected
    assert (expected.records, expected.conflict) == (len(records), conflicts)
    assert expected.superseded == len(revisions) - len(records)
    assert (expected.readable, expected.minutes) == (readable, minutes)
    assert expected.permanent == made.poison["broken"] + made.poison["schema"] + made.poison["refused"]
    assert len(made.messages) == sum(
        (expected.records, expected.superseded, expected.conflict, expected.permanent, expected.repeated)
    )


def test_the_same_seed_gives_the_same_bytes(made: History) -> None:
    assert history(500, 50, seed=7).messages == history(500, 50, seed=7).messages
    assert history(500, 50, seed=7).messages != history(500, 50, seed=8).messages


def test_activity_by_rank_is_steep_and_nobody_serves_around_the_clock(made: History) -> None:
    served = Counter(record.volunteer_id for record in made.published)
    ranked = [count for _, count in served.most_common()]
    assert ranked[0] > 10 * ranked[100]
    busiest, _ = served.most_common(1)[0]
    days = Counter(record.day for record in made.published if record.volunteer_id == busiest)
    assert max(days.values()) < 40


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.99)


def test_lines_of_a_log_are_found_among_others(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert telling.heard(log, "done") == []
    log.write_text(
        '\x1b[?25h{"event":"consuming","at":1}\n{"event":"x","about":"done"}\nnot "done"\n{"event":"done","n":3}\n'
    )
    assert telling.heard(log, "consuming") == [{"event": "consuming", "at": 1}]
    assert telling.heard(log, "done") == [{"event": "done", "n": 3}]


def test_a_row_is_the_median_of_its_rounds_and_one_bad_round_spoils_it() -> None:
    rounds = [Round("ours", 1000, seconds, 1.0) for seconds in (1.0, 2.0, 4.0)]
    found = row(rounds)
    assert (found["events_per_s"], found["events_per_s_min"], found["events_per_s_max"]) == (500, 250, 1000)
    assert found["ok"]
    rounds[1].fail("12 records instead of 13")
    assert not row(rounds)["ok"]
    assert row(rounds)["why"] == ["12 records instead of 13"]


def test_every_class_of_the_large_ledger_is_what_the_rule_says() -> None:
    every = schedules()
    assert len(every) == CLASSES
    assert len({schedule.row[1] for schedule in every}) == CLASSES
    for schedule in every:
        days = [day[3] for day in schedule.days]
        assert len(set(days)) == RECORDS_EACH
        points = sum(15 if day.month == 3 else 10 for day in days)
        assert schedule.row[2:4] == (points + 20, 20)
        first = min(days)
        assert schedule.row[4] == date(first.year + 2, first.month, min(first.day, 28 if first.month == 2 else 31))
        assert [day[3] for day in schedule.days if day[-1]] == [first]


def test_who_serves_on_the_large_ledger_is_half_known() -> None:
    serving = people(1000, 5000)
    known: set[UUID] = {volunteer_id(number) for number in range(5000)}
    assert len(set(serving)) == 1000
    assert sum(person in known for person in serving) == 500
    assert set(serving).isdisjoint(people(1000, 5000, 1))


def test_the_disk_is_asked_alone_and_nothing_is_left_behind(tmp_path: Path) -> None:
    found = flushes(tmp_path, 0.05)
    assert found.flushes > 0
    assert 0 < found.flush_p50_ms <= found.flush_p99_ms <= found.flush_max_ms
    assert list(tmp_path.iterdir()) == []
