"""Fixtures of operations: an index with its API."""

from collections.abc import AsyncIterator

import pytest

from shared.postgres import Database
from tests.integration.operations.indexing import Indexed, indexing
from tests.support.databases import TestDatabase
from tests.support.settings import SettingsFactory


@pytest.fixture
def database_of() -> str:
    """Databases of these tests have the schema of operations alone."""
    return "operations"


@pytest.fixture
async def operations_db(test_database: TestDatabase) -> AsyncIterator[Database]:
    async with test_database.connect("operations") as database:
        yield database


@pytest.fixture
async def index(operations_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Indexed]:
    async with indexing(operations_db, settings_for) as found:
        yield found
