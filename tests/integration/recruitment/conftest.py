"""Fixtures of recruitment's activities and attendance."""

from collections.abc import AsyncIterator

import pytest

from shared.postgres import Database
from tests.integration.recruitment.work import Furnished, Work, furnished_database, work_of
from tests.support.databases import Clock, PostgresServer, TestDatabase, template_for
from tests.support.settings import SettingsFactory


@pytest.fixture
async def furnished(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Furnished:
    """The district that every test's database is a copy of; named by a test, `test_database` is furnished."""
    template = await template_for(postgres_server, "recruitment", request.fixturenames)
    return (await furnished_database(postgres_server, tmp_path_factory.getbasetemp(), template))[1]


@pytest.fixture
async def test_database(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestDatabase]:
    """This test's own database, migrated, and furnished if the test is at work in the district."""
    template = await template_for(postgres_server, "recruitment", request.fixturenames)
    if "furnished" in request.fixturenames:
        template, _ = await furnished_database(postgres_server, tmp_path_factory.getbasetemp(), template)
    async with postgres_server.copy(template) as database:
        yield database


@pytest.fixture
async def work(
    furnished: Furnished, settings_for: SettingsFactory, recruitment_db: Database, clock: Clock
) -> AsyncIterator[Work]:
    """Teams at work; business time stands at `NOW`."""
    async with work_of(settings_for, recruitment_db, clock, furnished) as work:
        yield work
