"""What adjustments and their decisions rest on lies sealed: unreadable without the key, erased by deleting its rows."""

import base64
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops import database as ops_database
from ops.audit.main import audit
from services.points.__main__ import MIGRATIONS, api
from services.points.adjustments import handlers as adjustments
from services.points.adjustments import store
from shared.errors import PermanentError
from shared.ids import new_id
from shared.postgres import Database
from shared.postgres.migrations import migrate
from shared.rewrapping import key_counts, rewrap
from shared.sealing import TextCipher
from tests.integration.points.serving import EVIDENCE, NOW, Api, Ledger, Person, serving
from tests.support.databases import Clock, PostgresServer, TestDatabase
from tests.support.settings import SECRETS, SettingsFactory

WORDS = "李秀英 13800138000，签字单第12页"
NOTE = "问过李秀英本人"
OLD, OLD_NOTE = "old evidence, page ", "old note "
INSERT = """
insert into adjustments (adjustment_id, volunteer_id, points, reason, evidence, status, proposed_by, proposed_at,
                         decided_by, decided_at, decided_on, decision_note, correlation_id)
select id, $2::uuid, 5, 'r', $3 || place, case place % 2 when 0 then 'proposed' else 'rejected' end, $4, now(),
       case place % 2 when 1 then $2::uuid end, case place % 2 when 1 then now() end,
       case place % 2 when 1 then current_date end, case place % 2 when 1 then $5 || place else '' end, 'c'
from unnest($1::uuid[]) with ordinality as given (id, place)
"""


@pytest.fixture
async def ledger(points_db: Database, clock: Clock) -> Ledger:
    await clock.set(NOW)
    return await Ledger.open(points_db)


@pytest.fixture
async def served(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    async with serving(points_db, settings_for) as found:
        yield found


async def propose(person: Person, volunteer: UUID, points: int = 5) -> UUID:
    body = {"volunteer_id": str(volunteer), "points": points, "reason": "帮助整理档案", "evidence": WORDS}
    answer = await person.post("/adjustments", body)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["evidence"], answer.json()["decision_note"]) == (WORDS, "")
    return UUID(answer.json()["adjustment_id"])


async def everything(dsn: str) -> str:
    """Every row of the schema as text, bytes as hexadecimal."""
    owner = await asyncpg.connect(dsn)
    try:
        tables = await owner.fetch(
            "select relname from pg_class where relnamespace = 'points'::regnamespace and relkind in ('r', 'p')"
        )
        rows = [row[0] for (name,) in tables for row in await owner.fetch(f'select t::text from points."{name}" t')]
    finally:
        await owner.close()
    return "\n".join(rows)


async def test_evidence_lies_sealed_and_the_auditor_has_no_select(
    served: Api, ledger: Ledger, points_db: Database, dsn_for: Callable[[str], str]
) -> None:
    volunteer, first, second = await ledger.volunteer(), served.operator, served.operator
    adjustment = await propose(first, volunteer)
    decided = await second.post(f"/adjustments/{adjustment}/approve", {"note": NOTE})
    assert (decided.status_code, decided.json()["evidence"], decided.json()["decision_note"]) == (200, WORDS, NOTE)
    read = (await first.get(f"/adjustments/{adjustment}")).json()
    assert (read["evidence"], read["decision_note"]) == (WORDS, NOTE)
    assert [one["evidence"] for one in (await first.get("/adjustments")).json()["items"]] == [WORDS]
    stored = await everything(dsn_for("points_owner"))
    assert str(adjustment) in stored
    for part in (WORDS, NOTE, "李秀英", "13800138000", "李秀英".encode().hex()):
        assert part not in stored
    auditor = await asyncpg.connect(dsn_for("auditor"))
    try:
        assert await auditor.fetchval("select points from points.adjustments") == 5
        for closed in (
            "sealed from points.adjustment_evidence",
            *(f"{column} from points.adjustments" for column in ("evidence", "reason", "decision_note")),
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await auditor.fetch(f"select {closed}")
    finally:
        await auditor.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await points_db.pool.execute("update adjustment_evidence set sealed = ''")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("complaints", ("reason", "withdrawn_reason")),
        ("referrals", ("withdrawn_reason",)),
        ("cases", ("reason",)),
        ("redemption", ("reason",)),
    ],
)
async def test_the_auditor_reads_all_but_the_words_of_people(
    dsn_for: Callable[[str], str], table: str, words: tuple[str, ...]
) -> None:
    auditor = await asyncpg.connect(dsn_for("auditor"))
    try:
        rows = await auditor.fetch(
            "select attname, has_column_privilege(attrelid, attnum, 'select') as readable from pg_attribute "
            "where attrelid = $1::text::regclass and attnum > 0 and not attisdropped",
            f"points.{table}",
        )
        assert {row["attname"] for row in rows if not row["readable"]} == set(words)
    finally:
        await auditor.close()


async def test_erased_evidence_leaves_the_adjustment_standing(
    served: Api, ledger: Ledger, points_db: Database, dsn_for: Callable[[str], str]
) -> None:
    volunteer, first, second = await ledger.volunteer(), served.operator, served.operator
    approved, waiting = [await propose(first, volunteer, points) for points in (30, 7)]
    await second.post(f"/adjustments/{approved}/approve", {"note": "对照过原件"})
    await points_db.pool.execute("delete from adjustment_evidence where volunteer_id = $1", volunteer)
    found = (await first.get(f"/adjustments/{approved}")).json()
    assert (found["evidence"], found["decision_note"]) == (None, None)
    assert (found["reason"], found["status"]) == ("帮助整理档案", "approved")
    assert [line["amount"] for line in found["posted"]] == [30]
    listed = (await first.get("/adjustments", volunteer_id=volunteer)).json()["items"]
    read = [(one["points"], one["evidence"], one["decision_note"]) for one in listed]
    assert read == [(7, None, ""), (30, None, None)]
    answer = await second.post(f"/adjustments/{waiting}/approve", {"note": "对照过原件"})
    assert (answer.status_code, answer.json()["evidence"], answer.json()["decision_note"]) == (200, None, "对照过原件")
    assert (await served.volunteer(volunteer).get(f"/accounts/{volunteer}")).json()["available"] == 137
    report = await audit(dsn_for("auditor"), settled=True, direct_feed=True)
    assert report.ok, report.as_json()


async def test_another_key_is_named_and_nothing_is_decided_under_it(
    served: Api, ledger: Ledger, points_db: Database
) -> None:
    volunteer, first, second = await ledger.volunteer(), served.operator, served.operator
    adjustment = await propose(first, volunteer)
    app: Any = second.client._transport.app  # type: ignore[attr-defined]
    app.state.evidence_cipher = TextCipher(base64.b64encode(os.urandom(32)).decode(), "WEIGUANG_EVIDENCE_KEY")
    for answer in (
        await first.get("/adjustments"),
        await first.get(f"/adjustments/{adjustment}"),
        await second.post(f"/adjustments/{adjustment}/approve", {"note": "x"}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (500, "evidence-unreadable")
        assert f"{adjustment} cannot be opened" in answer.json()["detail"]
        assert "WEIGUANG" not in answer.text
    assert await points_db.pool.fetchval("select status from adjustments") == "proposed"
    app.state.evidence_cipher = EVIDENCE
    assert (await first.get(f"/adjustments/{adjustment}")).json()["evidence"] == WORDS


async def test_evidence_and_notes_are_moved_to_another_key(
    served: Api, ledger: Ledger, points_db: Database, settings_for: SettingsFactory
) -> None:
    volunteer, first, second = await ledger.volunteer(), served.operator, served.operator
    adjustment = await propose(first, volunteer)
    await second.post(f"/adjustments/{adjustment}/approve", {"note": NOTE})
    new = base64.b64encode(os.urandom(32)).decode()
    both = TextCipher(f"2:{new},1:{SECRETS.evidence_key}", "WEIGUANG_EVIDENCE_KEY")
    app: Any = second.client._transport.app  # type: ignore[attr-defined]
    app.state.evidence_cipher = both
    assert (await first.get(f"/adjustments/{adjustment}")).json()["evidence"] == WORDS
    tables = adjustments.key_tables(both)
    assert await key_counts(points_db, tables) == {"adjustment_evidence": {"1": 2}}
    moved = await rewrap(points_db, tables, limit=1)
    assert (moved["adjustment_evidence"].rewrapped, moved["adjustment_evidence"].failed) == (2, 0)
    assert await key_counts(points_db, tables) == {"adjustment_evidence": {"2": 2}}
    app.state.evidence_cipher = TextCipher(f"2:{new}", "WEIGUANG_EVIDENCE_KEY")
    read = (await first.get(f"/adjustments/{adjustment}")).json()
    assert (read["evidence"], read["decision_note"]) == (WORDS, NOTE)


async def test_no_plain_evidence_is_taken_any_more(served: Api, ledger: Ledger, points_db: Database) -> None:
    volunteer = await ledger.volunteer()
    with pytest.raises(asyncpg.CheckViolationError, match="adjustment_evidence_is_sealed"):
        await points_db.pool.execute(INSERT, [new_id()], volunteer, OLD, new_id(), OLD_NOTE)
    adjustment = await propose(served.operator, volunteer)
    for change in ("evidence = 'x'", "decision_note = 'x'", "reason = 'x'", "points = 6"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
            await points_db.pool.execute(f"update adjustments set {change} where adjustment_id = $1", adjustment)


@pytest.mark.parametrize("key", ["", "c2hvcnQ="])
def test_the_api_does_not_start_without_a_key(settings_for: SettingsFactory, key: str) -> None:
    with pytest.raises(PermanentError, match=r"^WEIGUANG_EVIDENCE_KEY must be base64 of 32 bytes"):
        api(settings_for("points", evidence_key=key))


@pytest.fixture
async def older(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[TestDatabase]:
    """A database of before evidence was sealed."""
    before = tmp_path / "before"
    before.mkdir()
    for file in MIGRATIONS.glob("*.sql"):
        if file.name < "0110_":
            shutil.copy(file, before)
    async with postgres_server.empty() as made:
        await ops_database.bootstrap(
            postgres_server.superuser_dsn, made.name, driven_time=True, passwords=postgres_server.server.passwords
        )
        await migrate(made.dsn_for("points_owner"), "points", "points_app", before)
        yield made


async def test_what_lay_in_plain_text_is_sealed_when_the_api_starts(
    older: TestDatabase, settings_for: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adjustments, "SEALED_AT_ONCE", 4)
    ids, volunteer = [new_id() for _ in range(10)], new_id()
    async with older.connect("points") as database:
        await database.pool.execute(INSERT, ids, volunteer, OLD, new_id(), OLD_NOTE)
        assert OLD in await everything(older.dsn_for("points_owner"))
        await migrate(older.dsn_for("points_owner"), "points", "points_app", MIGRATIONS)
        for forgetting in ("evidence = null", "evidence = null, decision_note = null"):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
                await database.pool.execute(f"update adjustments set {forgetting}")
        app = api(settings_for("points", database_url=older.dsn_for("points_app")))
        kept = "select to_jsonb(a) - 'evidence' - 'decision_note' from adjustments a order by 1"
        before = await database.pool.fetch(kept)
        async with app.router.lifespan_context(app):
            pass
        stored = await everything(older.dsn_for("points_owner"))
        assert OLD not in stored
        assert OLD_NOTE not in stored
        assert await database.pool.fetch(kept) == before
        rows = await database.pool.fetch("select * from adjustment_evidence")
        assert {row["volunteer_id"] for row in rows} == {volunteer}
        async with database.snapshot() as tx:
            found = [await store.find(tx, adjustment_id) for adjustment_id in ids]
        read = [(adjustments.evidence_of(EVIDENCE, one), adjustments.note_of(EVIDENCE, one)) for one in found if one]
        assert read == [(f"{OLD}{place}", f"{OLD_NOTE}{place}" if place % 2 else "") for place in range(1, 11)]
        assert len(rows) == 15
        assert await adjustments.seal_plain(database, EVIDENCE) == 0
