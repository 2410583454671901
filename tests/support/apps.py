"""Apps that tests use one after the other: making one costs more processor time than most tests.

FastAPI works out each route anew for each app. An app goes from test to test when all settings are equal but for where
the test's database, broker and files are; its state is made anew.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from shared.http.app import report_cache
from shared.settings import Settings

__all__ = ["borrowed_app"]

PLACES = frozenset(
    {
        *("database_url", "migration_database_url", "message_log", "faust_data_dir"),
        *("kafka_bootstrap", "broker", "broker_incarnation", "topic_prefix"),
    }
)
"""Settings that say where things are; an app reads them when it starts, not when it is made."""
_KEPT: dict[str, tuple[FastAPI, Settings]] = {}


@contextmanager
def borrowed_app(name: str, settings: Settings, build: Callable[[Any], FastAPI]) -> Iterator[FastAPI]:
    """An app that no other test uses while the block runs.

    Args:
        name: of what `build` makes; the same for the same routes.
        settings: what the app has until the block ends.
        build: makes an app where none is free; puts into its state only what does not depend on `PLACES`.
    """
    values = sorted((field, value) for field, value in settings.model_dump().items() if field not in PLACES)
    key = f"{name} {[(field, _plain(value)) for field, value in values]!r}"
    app, own = _KEPT.pop(key) if key in _KEPT else (build(settings), settings)
    if own is not settings:
        own.__dict__.update(settings.__dict__)
        app.state.public_reports = report_cache(own)
    kept = dict(app.state._state)
    try:
        yield app
    finally:
        app.state._state.clear()
        app.state._state.update(kept)
        app.dependency_overrides.clear()
        _KEPT[key] = app, own


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
