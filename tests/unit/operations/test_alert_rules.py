"""The Prometheus rules have the meaning of the monitors, and name metrics that the code has."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.operations.monitors.domain import MONITORS
from shared.telemetry import metrics

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "ops/alerts/weiguang.yml"
SEEDS = [ROOT / "services/operations/migrations" / name for name in ("0030_monitors.sql", "0050_silent_devices.sql")]
OPEN = {"silence", "device-silence", "corrections"}
"""Monitors that only operations can judge."""
SEED = re.compile(r"\('([a-z-]+)', 1, (\d+), (\d+), (\d+), (\d+)\)")


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def seeds() -> dict[str, tuple[int, int]]:
    """Monitor → the figure at which its first threshold trips, and for how many seconds."""
    text = "".join(file.read_text("utf-8") for file in SEEDS)
    return {found[1]: (int(found[2]), int(found[4])) for found in SEED.finditer(text)}


def named(expression: str) -> set[str]:
    """The metrics of an expression."""
    return set(re.findall(r"\b(?:weiguang|process)_[a-z_]+", expression))


def test_every_monitor_has_a_rule_with_the_figures_of_its_first_threshold() -> None:
    found = {rule["labels"]["monitor"]: rule for rule in rules() if "monitor" in rule["labels"]}
    assert found.keys() == set(MONITORS) == seeds().keys()
    for monitor, (trip, hold) in seeds().items():
        rule = found[monitor]
        if monitor in OPEN:
            assert rule["expr"] == f'weiguang_alerts_open{{monitor="{monitor}"}} > 0'
            continue
        assert re.search(rf">= {trip}(?!\d)", rule["expr"]), monitor
        assert rule.get("for", "0s") == f"{hold}s", monitor


def test_every_metric_of_a_rule_is_one_of_the_code_or_of_the_client() -> None:
    known = {family.name for name in metrics.__all__ for family in getattr(metrics, name).describe()}
    known |= {f"{name}_total" for name in known} | {"process_start_time_seconds"}
    for rule in rules():
        names = named(rule["expr"])
        assert names, rule["alert"]
        assert names <= known, rule["alert"]
        assert rule["annotations"]["summary"]


@pytest.mark.parametrize("name", ["weiguang_consumer_gone", "process_none"])
def test_a_metric_that_does_not_exist_is_seen(name: str) -> None:
    assert named(f"sum by (group) ({name}[5m]) > 0") == {name}
