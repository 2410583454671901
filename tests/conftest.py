"""Fixtures. All are lazy: a test that names none starts nothing.

A test that names a database gets a copy of its own of a template migrated once per session; one that names `broker`
gets topics of its own on the session's broker.
"""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from xdist.scheduler import LoadFileScheduling

from dev.stack.broker import Broker
from shared.ids import new_id
from shared.kafka.topics import ensure_topics
from shared.postgres import Database
from tests.support import interrupts
from tests.support.brokers import TestBroker, broker_name, running_broker
from tests.support.costs import ENDING, Costs, costliest, merged
from tests.support.databases import TEMPLATE, Clock, PostgresServer, TestDatabase, running_postgres, template_for
from tests.support.depth import DEEP, register_profiles
from tests.support.durations import parts_table
from tests.support.passwords import hash_cheaply
from tests.support.selection import choose, mark, read_part, work_of
from tests.support.settings import SettingsFactory

LONGEST = (
    "test_pages.py",
    "test_demo_faults.py",
    "test_points_histories.py",
    "test_bench.py",
    "test_kills.py",
    "test_pages_operators.py",
    "test_rehearsals_api.py",
    "test_pages_rewards.py",
)
"""They begin first: at the end one session would wait for another that has just begun such a file."""

register_profiles()
structlog.configure(  # rich's tracebacks with all local values take seconds of processor time each
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rotate 2/3`: the second of three parts, by test file. `--costs 20`: the 20 costliest files."""
    parser.addoption("--rotate", type=read_part, default=None, help="run one part of all, by file, such as 2/3")
    parser.addoption("--costs", type=int, default=0, help="print so many of the files that cost most processor time")


class FilesTogether(LoadFileScheduling):
    """Gives each file to one session, and all page tests to the same one, which starts the one stack of them all."""

    def _split_scope(self, nodeid: str) -> str:
        return work_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesTogether:
    """Share out the tests among the sessions."""
    return FilesTogether(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by what they are made of, leave out what is of another tier, and start what takes longest first."""
    for item in items:
        mark(item)
    chosen, left = choose(items, DEEP, config.getoption("--rotate"))
    if left:
        config.hook.pytest_deselected(items=left)
    rank = {name: place for place, name in enumerate(LONGEST)}
    items[:] = sorted(chosen, key=lambda item: rank.get(Path(work_of(item.nodeid)).name, len(LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what is imported and collected out of the garbage collector's rounds, which come less often from then on."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        gc.enable()


COSTS: pytest.StashKey[Costs] = pytest.StashKey()
COSTS_OF_SESSIONS: pytest.StashKey[list[dict[str, dict[str, float]]]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count, let Ctrl-C end what it interrupts, and hash passwords cheaply."""
    config.pluginmanager.register(interrupts)
    hash_cheaply()
    config.stash[COSTS], config.stash[COSTS_OF_SESSIONS] = Costs(), []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Count what is spent from a file's first test on as this file's."""
    if item.config.getoption("--costs"):
        item.config.stash[COSTS].turn_to(item.nodeid.partition("::")[0])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Count what is spent on ending the session apart: some of what ends is not waited for by its parent."""
    if item.config.getoption("--costs") and nextitem is None:
        item.config.stash[COSTS].turn_to(ENDING)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what was counted, to the session that prints the summary if it is another."""
    costs = session.config.stash[COSTS]
    shares_out = session.config.pluginmanager.hasplugin("dsession")  # its children are the sessions that count
    if session.config.getoption("--costs") and not shares_out:
        costs.turn_to("")
        getattr(session.config, "workeroutput", {})["costs"] = costs.by_file
        session.config.stash[COSTS_OF_SESSIONS].append(costs.by_file)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what another session counted."""
    node.config.stash[COSTS_OF_SESSIONS].append(getattr(node, "workeroutput", {}).get("costs", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The broker that the results are of, and the seconds of each part; shown even when pytest is to be quiet."""
    terminalreporter.write_line(f"broker: {broker_name()}")
    reports = [
        report for found in terminalreporter.stats.values() for report in found if isinstance(report, pytest.TestReport)
    ]
    for line in parts_table((report.nodeid, report.when, report.duration) for report in reports):
        terminalreporter.write_line(line)
    config = terminalreporter.config
    counted = config.stash[COSTS_OF_SESSIONS]
    for line in costliest(merged(counted), config.getoption("--costs")):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
async def postgres_server() -> AsyncIterator[PostgresServer]:
    """PostgreSQL of this session, with the migrated template."""
    async with running_postgres() as server:
        await server.migrate_template()
        yield server


@pytest.fixture
def database_of() -> str:
    """The service whose schema a folder's tests need, if it is one; `all_services` gives a test all of them."""
    return ""


@pytest.fixture
def all_services() -> None:
    """Named by a test, its database has every service's schema."""


@pytest.fixture
async def test_database(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, database_of: str
) -> AsyncIterator[TestDatabase]:
    """This test's own database, migrated and empty: every service's schema, or that of the folder's service."""
    template = await template_for(postgres_server, database_of, request.fixturenames) if database_of else TEMPLATE
    async with postgres_server.copy(template) as database:
        yield database


@pytest.fixture
def dsn_for(test_database: TestDatabase) -> Callable[[str], str]:
    """Role → address of this test's database."""
    return test_database.dsn_for


@pytest.fixture
async def database_factory(test_database: TestDatabase) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """`await database_factory("points")`: one more pool on this test's database, closed with it."""
    async with AsyncExitStack() as stack:

        async def connect(service: str) -> Database:
            return await stack.enter_async_context(test_database.connect(service))

        yield connect


@pytest.fixture
async def recruitment_db(test_database: TestDatabase) -> AsyncIterator[Database]:
    """Recruitment's pool on this test's database."""
    async with test_database.connect("recruitment") as database:
        yield database


@pytest.fixture
async def points_db(test_database: TestDatabase) -> AsyncIterator[Database]:
    """Points' pool on this test's database."""
    async with test_database.connect("points") as database:
        yield database


@pytest.fixture
async def notify_db(test_database: TestDatabase) -> AsyncIterator[Database]:
    """Notify's pool on this test's database."""
    async with test_database.connect("notify") as database:
        yield database


@pytest.fixture
async def clock(test_database: TestDatabase) -> AsyncIterator[Clock]:
    """Drives business time of this test's database: `await clock.set(at)`, None for the machine's."""
    async with test_database.clock() as clock:
        yield clock


@pytest.fixture
def settings_for(test_database: TestDatabase, tmp_path: Path) -> SettingsFactory:
    """`settings_for("points", **overrides)`: the service's settings on this test's database (and broker, if named)."""
    return SettingsFactory(tmp_path, test_database)


@pytest.fixture(scope="session")
async def broker_server() -> AsyncIterator[Broker]:
    """The broker of this session: BROKER=embedded (default) or kafka."""
    async with running_broker() as broker:
        yield broker


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test has; consumer groups should bear it too."""
    return f"t{new_id().hex}."


@pytest.fixture
async def broker(broker_server: Broker, settings_for: SettingsFactory, topic_prefix: str) -> TestBroker:
    """The session's broker with every topic of the registry under this test's prefix; `settings_for` knows it."""
    running = TestBroker(broker_server.name, broker_server.bootstrap, broker_server.incarnation, topic_prefix)
    settings_for.broker = running
    await ensure_topics(settings_for("notify"))
    return running
