"""The page of health reads version and quantiles from the metrics of a process. Pure."""

import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from services.web.gateway.processes import quantile_of, version_of
from shared.version import VERSION

BUCKETS = (0.01, 0.1, 1.0)
NAME = "weiguang_http_request_seconds"


def observed(*seconds: float) -> bytes:
    registry = CollectorRegistry()
    histogram = Histogram(NAME, "x", ["method", "route"], buckets=BUCKETS, registry=registry)
    for place, one in enumerate(seconds):
        histogram.labels("GET", f"/{place % 3}").observe(one)
    return generate_latest(registry)


@given(st.lists(st.sampled_from([0.005, 0.05, 0.5, 5.0]), min_size=1, max_size=200))
def test_the_quantile_is_the_bound_below_which_99_of_100_ended(seconds: list[float]) -> None:
    found = quantile_of(observed(*seconds), NAME)
    assert found is not None
    assert sum(one <= found for one in seconds) >= 0.99 * len(seconds)
    lower = max((bound for bound in BUCKETS if bound < found), default=0.0)
    assert sum(one <= lower for one in seconds) < 0.99 * len(seconds)


def test_without_requests_there_is_no_quantile() -> None:
    assert quantile_of(observed(), NAME) is None
    assert quantile_of(observed(0.5), "weiguang_batch_seconds") is None


def test_the_version_is_that_of_the_project() -> None:
    registry = CollectorRegistry()
    Gauge("weiguang_build_info", "x", ["version"], registry=registry).labels(VERSION).set(1)
    assert version_of(generate_latest(registry)) == VERSION
    assert version_of(b"") == ""
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == VERSION
