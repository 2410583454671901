"""Fixtures of integrity's tests: databases with its schema alone."""

import pytest


@pytest.fixture
def database_of() -> str:
    """Databases of these tests have the schema of points alone."""
    return "points"
