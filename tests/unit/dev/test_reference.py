"""The page of operations is what the code says."""

import re

import pytest

from dev.docs.reference import PAGE, meanings, metrics_table, settings_table, written
from services.web.settings import WebSettings
from shared.settings import Settings
from shared.telemetry import metrics
from tests.support.compose import Compose


def test_committed_tables_are_those_of_the_code() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page), "run python -m dev.docs.reference"


def test_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="settings"):
        written("# Operations\n")


def test_every_setting_of_compose_is_explained() -> None:
    compose, page = Compose(), PAGE.read_text("utf-8")
    processes = [entry for name, entry in compose.services.items() if name not in compose.third_party]
    named = {name for entry in processes for name in entry.get("environment", {}) if name.startswith("WEIGUANG_")}
    assert {name for name in named if f"`{name}`" not in page} == set()


def test_every_process_of_compose_is_on_the_page() -> None:
    compose, page = Compose(), PAGE.read_text("utf-8")
    for name in compose.services:
        service, _, role = name.partition("-")
        shared = f"`<service>-{role}`" in page and service in ("recruitment", "points", "notify", "operations")
        assert name in compose.third_party or f"`{name}`" in page or shared, name


def test_every_metric_is_listed_by_the_name_that_prometheus_scrapes() -> None:
    assert metrics_table().count("| `weiguang_") == len(metrics.__all__)
    assert "| `weiguang_dead_letters_total` | counter | `group`, `topic`, `kind` |" in metrics_table()


def test_setting_without_a_docstring_is_refused() -> None:
    class Unexplained(Settings):
        unheard_of: int = 1

    with pytest.raises(KeyError, match="unheard_of"):
        meanings(Unexplained)


def test_table_holds_defaults_and_no_secret() -> None:
    assert re.search(r"\| `WEIGUANG_HTTP_PORT` \| `8000` \| Port of the gateway\. \|", settings_table())
    assert "http_port" in meanings(WebSettings)
    assert "SecretStr" not in settings_table()
