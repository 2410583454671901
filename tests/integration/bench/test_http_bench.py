"""The bench over HTTP, tiny: it measures everything and writes its document."""

import json
from pathlib import Path

import pytest

from dev.bench.http.__main__ import LIMITS, bench, parse

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.deep]


async def test_a_tiny_bench_over_http_measures_all_and_writes_its_document(tmp_path: Path) -> None:
    document = await bench(parse(["--people", "600", "--rate", "5", "--seconds", "3", "--output", str(tmp_path)]))
    assert document == json.loads((tmp_path / "http.json").read_text("utf-8"))
    assert {name for name in LIMITS if not document[name] > 0} == set()
    assert (document["check_ins"], document["check_in_failed"]) == (15, 0)
    assert (document["bares"], document["bare_failed"]) == (15, 0)
