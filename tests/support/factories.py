"""Each service's whole API, for one test after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from fastapi import FastAPI

from shared.settings import Settings
from tests.support.apps import borrowed_app

__all__ = ["FACTORIES", "whole_api"]

FACTORIES = {"recruitment": "build_app", "points": "api", "notify": "api", "operations": "api"}
"""The function that builds each service's API."""


@contextmanager
def whole_api(service: str, settings: Settings) -> Iterator[FastAPI]:
    """The API with all routes, not started; it keeps its description, which takes longer to make than most answers."""
    build = getattr(import_module(f"services.{service}.__main__"), FACTORIES[service])
    with borrowed_app(service, settings, build) as app:
        if service == "recruitment":
            app.state.channel = import_module("services.recruitment.access.channels").channel_for(settings)
        yield app
