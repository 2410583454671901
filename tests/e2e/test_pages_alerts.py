"""The metrics of the alerting rules on the real stack."""

import re
from pathlib import Path

import httpx
import pytest
import yaml

from tests.e2e.pages_district import District
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

RULES = Path(__file__).resolve().parents[2] / "ops/alerts/weiguang.yml"
RARE = {"weiguang_dead_letters_total", "weiguang_unreadable_ranges_total"}
"""Counters without a sample until the first of their kind."""


async def test_the_metrics_of_the_alerting_rules_are_on_the_stack(district: District) -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    wanted = {name for rule in rules for name in re.findall(r"\b(?:weiguang|process)_[a-z_]+", rule["expr"])} - RARE
    urls = [process["url"] for process in district.stack.state()["processes"].values() if "url" in process]
    async with httpx.AsyncClient(timeout=WAIT_LIMIT) as client:
        # a gauge with labels has its first sample after the first round of its monitor
        async def complete() -> bool:
            found: set[str] = set()
            for url in urls:
                text = (await client.get(f"{url}/metrics")).text
                found |= set(re.findall(r"^([a-z_]+)(?:\{| )", text, re.MULTILINE))
            assert wanted <= found
            return True

        await eventually(complete, every=0.3)
