"""Fixtures of recruitment's activities and attendance."""

from collections.abc import AsyncIterator

import pytest

from shared.postgres import Database
from tests.integration.recruitment.work import Work, work_of
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory


@pytest.fixture
async def work(settings_for: SettingsFactory, recruitment_db: Database, clock: Clock) -> AsyncIterator[Work]:
    """Teams at work; business time stands at `NOW`."""
    async with work_of(settings_for, recruitment_db, clock) as work:
        yield work
