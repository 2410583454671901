"""The bench of the console, tiny: it measures everything and writes its document."""

import json
from pathlib import Path

import pytest

from dev.bench.console.__main__ import LIMITS, bench, parse

pytestmark = [pytest.mark.broker, pytest.mark.browser, pytest.mark.slow, pytest.mark.deep]

TINY = ["--rows", "4000", "--burst", "500", "--seconds", "2", "--viewers", "3", "--rounds", "1", "--scrolled", "600"]


async def test_a_tiny_bench_of_the_console_measures_all_and_writes_its_document(tmp_path: Path) -> None:
    document = await bench(parse([*TINY, "--output", str(tmp_path)]))
    assert document == json.loads((tmp_path / "console.json").read_text("utf-8"))
    assert {name for name in LIMITS if not document[name] > 0} == set()
    assert document["live_p50_ms"] <= document["live_p99_ms"]
    assert document["index_cpu_us_per_event"] > 0
    assert document["serving_cpu_us_per_event_and_viewer"] > 0
    assert (document["rows"], document["scrolled_rows"], document["burst_events"]) == (4000, 600, 500)
