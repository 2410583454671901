"""The laws of the layout hold here, and each is shown to notice a planted breach."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import architecture as laws
from tests.support import races
from tests.support.architecture import LAWS, breaches
from tests.support.callers import uncalled

ROOT = Path(__file__).resolve().parents[1]
LONGEST_TEMPLATE_LINE = 140
_Law = Callable[[laws.Source], Iterator[Any]]

_LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 71
_DOMAIN, _HANDLERS = "services/points/ledger/domain.py", "services/points/ledger/handlers.py"
_PAGES = "tests/e2e/test_pages_x.py"

PLANTED: list[tuple[_Law, str, str]] = [
    (laws.domain_is_pure, _DOMAIN, "import asyncpg\n"),
    (laws.domain_is_pure, _DOMAIN, "from shared.ids import new_id\n"),
    (laws.domain_is_pure, _DOMAIN, "from services.points.ledger.store import load\n"),
    (laws.domain_is_pure, _DOMAIN, "def f():\n    import pydantic\n"),
    (laws.domain_is_pure, _DOMAIN, "from . import store\n"),
    (laws.domain_is_pure, _DOMAIN, "from services.notify.inbox.domain import X\n"),
    (laws.domain_and_handlers_have_no_clock, _HANDLERS, "from datetime import datetime\nx = datetime.now()\n"),
    (laws.domain_and_handlers_have_no_clock, _DOMAIN, "import datetime\nx = datetime.date.today()\n"),
    (laws.domain_and_handlers_have_no_clock, _DOMAIN, "import time\nx = time.time()\n"),
    (laws.handlers_know_neither_http_nor_kafka, _HANDLERS, "from fastapi import Depends\n"),
    (laws.handlers_know_neither_http_nor_kafka, _HANDLERS, "import aiokafka.errors\n"),
    (laws.handlers_know_neither_http_nor_kafka, _HANDLERS, "import faust\n"),
    (laws.handlers_know_neither_http_nor_kafka, _HANDLERS, "from shared.http.app import create_app\n"),
    (laws.services_do_not_import_each_other, "services/points/a/api.py", "from services.notify import inbox\n"),
    (laws.services_do_not_import_each_other, "services/points/a/api.py", "from services import notify\n"),
    (laws.services_do_not_import_each_other, "services/points/a/api.py", "import ops.database\n"),
    (laws.shared_knows_no_service, "shared/x.py", "from services.points import ledger\n"),
    (laws.shared_knows_no_service, "shared/x/y.py", "from dev.stack import layout\n"),
    (laws.services_do_not_import_each_other, "services/points/a/api.py", "from dev.stack import layout\n"),
    (laws.shared_knows_no_service, "shared/x/y.py", "from ops import database\n"),
    (laws.ops_needs_no_dev, "ops/x.py", "def f():\n    from dev.stack.supervisor import Stack\n"),
    (laws.ops_needs_no_dev, "ops/x/y.py", "import tests.support.waiting\n"),
    (laws.sql_lies_in_sql_files, "services/points/a/store.py", 'Q = "select id from transfers"\n'),
    (laws.sql_lies_in_sql_files, "ops/x.py", 'Q = """\n  insert into t values (1)"""\n'),
    (laws.sql_lies_in_sql_files, "shared/x.py", 'x = f"update t set a = {1}"\n'),
    (laws.sql_lies_in_sql_files, "shared/x.py", 'x = "DELETE FROM t"\n'),
    (laws.queries_are_the_stores, _HANDLERS, "Q = load_queries(__file__)\n"),
    (laws.composition_is_in_main, "services/points/a/api.py", "p = asyncpg.create_pool('x')\n"),
    (laws.composition_is_in_main, _HANDLERS, "async def f(s):\n    return await Database.connect(s)\n"),
    (laws.functions_are_short, "ops/x.py", _LONG_FUNCTION),
    (
        laws.functions_are_short,
        "services/points/a/api.py",
        "class A:\n    async " + _LONG_FUNCTION.replace("\n", "\n    "),
    ),
    (laws.modules_are_short, "shared/x.py", "x = 1\n" * 401),
    (laws.tests_import_no_test, "tests/unit/test_x.py", "from tests.unit.test_y import helper\n"),
    (laws.tests_import_no_test, "tests/unit/test_x.py", "from tests.unit import test_y\n"),
    (races.pages_are_waited_for, _PAGES, "async def f(page):\n    await page.click()\n    assert await page.count()\n"),
    (races.pages_are_waited_for, _PAGES, "async def f(page):\n    await page.check()\n    return page.url\n"),
    (
        races.pages_are_waited_for,
        _PAGES,
        "async def f(page):\n    async with visitor() as page:\n        await page.tap()\n    await page.title()\n",
    ),
    (races.waits_outlast_a_busy_machine, "tests/unit/test_x.py", "eventually(f, within=60)\n"),
    (races.waits_outlast_a_busy_machine, "tests/unit/test_x.py", "asyncio.wait_for(f, 30)\n"),
    (races.waits_outlast_a_busy_machine, "tests/unit/test_x.py", "httpx.AsyncClient(base_url=url)\n"),
    (races.waits_outlast_a_busy_machine, "tests/unit/test_x.py", "httpx.AsyncClient(timeout=30)\n"),
    (races.clocks_are_not_judged, "tests/unit/test_x.py", "import time\nbegan = time.process_time()\n"),
    (races.clocks_are_not_judged, "tests/unit/test_x.py", "from time import perf_counter\n"),
]

ALLOWED: list[tuple[_Law, str, str]] = [
    (laws.domain_is_pure, _DOMAIN, "import datetime\nfrom services.points.rules.domain import Rule\n"),
    (laws.domain_and_handlers_have_no_clock, _HANDLERS, "async def f(tx):\n    return await tx.now()\n"),
    (laws.services_do_not_import_each_other, "services/points/a/api.py", "from services.points.a import handlers\n"),
    (laws.ops_needs_no_dev, "dev/x.py", "from dev.stack import layout\nfrom ops import database\n"),
    (laws.sql_lies_in_sql_files, "shared/x.py", '"""Select the rows from what is there, and update the sum."""\n'),
    (laws.queries_are_the_stores, "services/points/a/store.py", "Q = load_queries(__file__)\n"),
    (laws.composition_is_in_main, "services/points/__main__.py", "p = Database.connect(1)\n"),
    (laws.functions_are_short, "ops/x.py", "def f():\n" + "    x = 1\n" * 69),
    (laws.modules_are_short, "shared/x.py", "x = 1\n" * 400),
    (laws.tests_import_no_test, "tests/unit/test_x.py", "from tests.support.waiting import eventually\n"),
    (
        races.pages_are_waited_for,
        _PAGES,
        "async def f(page):\n    async with page.expect_event('load'):\n        await page.click()\n    page.url\n",
    ),
    (races.pages_are_waited_for, _PAGES, "async def f(p):\n    await p.click()\n    await expect(p)\n    p.count()\n"),
    (races.waits_outlast_a_busy_machine, "tests/unit/test_x.py", "eventually(f)\nasyncio.wait_for(f, 0.5)\n"),
    (races.waits_outlast_a_busy_machine, "tests/unit/test_x.py", "httpx.AsyncClient(transport=t)\n"),
    (races.clocks_are_not_judged, "tests/drill/test_x.py", "import time\nbegan = time.perf_counter()\n"),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_law_holds(law: _Law) -> None:
    assert breaches(ROOT, law) == [], law.__doc__


def test_lines_of_templates_are_short() -> None:
    templates = sorted((ROOT / "services/web/pages/templates").rglob("*.html"))
    assert templates
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in templates
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > LONGEST_TEMPLATE_LINE
    ]
    assert long == []


def _unused_queries(root: Path) -> list[str]:
    """Named queries that no string of the code names; a formatted string stands for all that it can become."""
    named: set[str] = set()
    shaped: list[re.Pattern[str]] = []
    for area in ("services", "shared", "ops", "dev"):
        for path in (root / area).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    named.add(node.value)
                elif isinstance(node, ast.JoinedStr) and len(node.values) > 1:
                    parts = [
                        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z_]+"
                        for part in node.values
                    ]
                    if any(
                        isinstance(part, ast.Constant) and re.search("[a-z]_|_[a-z]", str(part.value))
                        for part in node.values
                    ):
                        shaped.append(re.compile("".join(parts)))
    return [
        f"{path.relative_to(root)}: {name}"
        for area in ("services", "shared", "ops", "dev")
        for path in sorted((root / area).rglob("queries.sql"))
        for name in re.findall(r"^-- name: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if name not in named and not any(shape.fullmatch(name) for shape in shaped)
    ]


def test_every_query_is_used() -> None:
    assert _unused_queries(ROOT) == []


def test_an_unused_query_is_found(tmp_path: Path) -> None:
    directory = tmp_path / "services/points/a"
    directory.mkdir(parents=True)
    queries = "-- name: used\n-- Why.\nselect 1;\n-- name: lock_a\n-- Why.\nselect 1;\n"
    (directory / "queries.sql").write_text(queries, encoding="utf-8")
    (directory / "store.py").write_text('Q["used"], Q[f"lock_{kind}"]\n', encoding="utf-8")
    assert _unused_queries(tmp_path) == []
    (directory / "store.py").write_text('Q[f"lock_{kind}"]\n', encoding="utf-8")
    assert _unused_queries(tmp_path) == ["services/points/a/queries.sql: used"]


CALLED_FROM_OUTSIDE: dict[str, str] = {}
"""Public names without a caller in the project → what calls them."""


def test_every_public_name_has_a_caller_outside_tests() -> None:
    assert set(uncalled(ROOT)) == set(CALLED_FROM_OUTSIDE)


def test_a_name_that_only_tests_use_is_found(tmp_path: Path) -> None:
    service = tmp_path / "services/points/a"
    service.mkdir(parents=True)
    (service / "domain.py").write_text("def used(): ...\ndef idle(): return idle()\ndef passed_on(): ...\n", "utf-8")
    (service / "api.py").write_text("@router.get('/')\ndef read(): ...\n", "utf-8")
    (service / "again.py").write_text("from services.points.a.domain import idle, passed_on\n", "utf-8")
    callers = "from services.points.a import again, domain\ndef main(): domain.used(), again.passed_on()\n"
    (service / "__main__.py").write_text(callers, "utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text("from services.points.a.domain import idle\nidle()\n", "utf-8")
    assert uncalled(tmp_path) == ["services.points.a.domain.idle"]


def _plant(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("law", "path", "text"), PLANTED)
def test_a_planted_breach_is_found(law: _Law, path: str, text: str, tmp_path: Path) -> None:
    _plant(tmp_path, path, text)
    assert len(breaches(tmp_path, law)) == 1
    assert breaches(tmp_path, law)[0].startswith(path)


@pytest.mark.parametrize(("law", "path", "text"), ALLOWED)
def test_what_is_allowed_passes(law: _Law, path: str, text: str, tmp_path: Path) -> None:
    _plant(tmp_path, path, text)
    assert breaches(tmp_path, law) == []


def test_every_law_has_a_planted_breach() -> None:
    assert {law for law, _, _ in PLANTED} == set(LAWS)


def test_there_is_something_to_hold_the_laws_over() -> None:
    assert len(laws.Tree(ROOT).sources) > 50
