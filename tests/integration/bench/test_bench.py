"""The benches themselves, small: on servers of their own, they audit what they did and don't count what is wrong."""

import json
from pathlib import Path

import pytest

from dev.bench import __main__ as bench_main
from dev.bench.__main__ import bench, parse
from dev.bench.history import History, history
from dev.bench.partitions import __main__ as partitions
from dev.bench.scale import __main__ as scale_main
from dev.bench.scale import fill as filling
from shared.errors import PermanentError

pytestmark = [pytest.mark.broker, pytest.mark.slow]


@pytest.mark.deep
async def test_a_small_bench_measures_audits_and_writes_its_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One round without peers, a `kill -9` at half, the agents beside it, and latency at a low rate."""
    monkeypatch.setenv("WEIGUANG_INGEST_BATCH", "250")  # so that there is a half to be killed at
    chosen = ["--records", "5000", "--rounds", "1", "--peers", "none", "--rate", "200", "--seconds", "3"]
    document = await bench(parse([*chosen, "--workers", "1,2", "--output", str(tmp_path)]))
    assert document == json.loads((tmp_path / "ingest.json").read_text("utf-8"))
    assert document["problems"] == []
    assert document["audit_ok"] is True
    assert document["ours"]["events_per_s"] > 0
    assert document["more_workers"]["2"]["ok"]
    assert document["limit"]["events_per_s"] > 0
    assert document["peers"] == {}
    assert document["ratio_to_limit"] == pytest.approx(
        document["ours"]["events_per_s"] / document["limit"]["events_per_s"], abs=0.01
    )
    assert document["ours"]["cpu_s_per_million_postgres"] > 0
    assert document["ours"]["peak_mb_python"] > 10
    assert 0 < document["p50_ms"] <= document["p99_ms"]
    assert document["latency"]["p50_stamp_ms"] <= document["p50_ms"] + 0.01
    assert document["poison"] == {"broken": 2, "schema": 1, "conflict": 1, "refused": 1}
    assert document["with_kill"]["same_points"]
    assert document["with_kill"]["killed_at_records"] >= 2500
    assert document["with_agents"]["agents"]["teams"]["drained_after_s"] is not None
    for name in ("ours", "limit"):
        assert "function calls" in (tmp_path / f"{name}.profile.txt").read_text("utf-8")


async def test_a_run_that_lost_a_record_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One published revision never reaches the topic: A3 names it, and the counts differ."""

    def lossy(records: int, volunteers: int, seed: int) -> History:
        made = history(records, volunteers, seed)
        lost = made.published[0]
        made.messages = [sent for sent in made.messages if str(lost.record_id).encode() != sent.record_id]
        return made

    monkeypatch.setattr(bench_main, "history", lossy)
    chosen = ["--records", "1500", "--rounds", "1", "--peers", "none", "--seconds", "0", "--only-rounds"]
    document = await bench(parse([*chosen, "--output", str(tmp_path)]))
    assert document["audit_ok"] is False
    told = " ".join(document["problems"])
    assert "A3 1" in told
    assert "records instead of" in told


@pytest.mark.deep
async def test_a_small_scale_run_fills_a_ledger_that_the_audit_believes(tmp_path: Path) -> None:
    chosen = ["--ledger-volunteers", "1500", "--records", "3000", "--rounds", "1", "--output", str(tmp_path)]
    document = await scale_main.scale(scale_main.parse(chosen))
    assert document == json.loads((tmp_path / "scale.json").read_text("utf-8"))
    assert document["audit_ok"] is True
    assert document["ledger"]["records"] == 15_000
    assert document["ledger"]["transfers"] == 16_500
    assert document["ratio_to_empty"] > 0


async def test_a_rule_that_the_fill_is_not_made_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Better no ledger than one that no service would have written."""
    monkeypatch.setattr(filling, "MINUTES", 10)
    with pytest.raises(PermanentError, match="that earn something"):
        filling.schedules()


@pytest.mark.deep
async def test_both_forms_of_the_transfers_are_measured_on_the_same_rows() -> None:
    found = await partitions.measure(partitions.parse(["--transfers", "2000", "--rounds", "1"]))
    for form in partitions.FORMS:
        assert found[form]["log_bytes_per_row"] > 100
        assert set(found[form]) == set(found["whole"])
