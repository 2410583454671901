"""Deliveries that an earlier version settled get the state that says what happened."""

from collections.abc import Callable

import asyncpg

from shared.ids import new_id
from tests.support.databases import ROOT

MIGRATIONS = ROOT / "services/notify/migrations"
OLD: list[tuple[str, list[tuple[str, str | None]], str]] = [
    # status and outcomes as they stood; status afterwards
    ("refused", [("deferred", "TimeoutError")] * 6, "undelivered"),
    ("refused", [("deferred", "smtp 451"), ("refused", "smtp 550")], "refused"),
    ("refused", [("refused", "address is not one")], "undeliverable"),
    ("refused", [("refused", "letter cannot be rendered")], "undeliverable"),
    ("pending", [("deferred", "smtp 421")], "pending"),
    ("unknown", [("unknown", "lease expired")], "unknown"),
    ("sent", [("deferred", "OSError"), ("sent", None)], "sent"),
    ("no_address", [("no_address", None)], "no_address"),
]


async def test_old_rows_get_true_states(dsn_for: Callable[[str], str]) -> None:
    conn = await asyncpg.connect(dsn_for("postgres"))
    undo = conn.transaction()
    await undo.start()
    try:
        await conn.execute("create schema past; set local search_path to past")
        for name in ("0001_templates", "0002_inbox", "0003_deliveries"):
            await conn.execute((MIGRATIONS / f"{name}.sql").read_text("utf-8"))
        expected = {}
        for status, attempts, after in OLD:
            event, volunteer, message = new_id(), new_id(), new_id()
            await conn.execute(
                "insert into messages values ($1, $2, $3, 't', 1, 't', 'b', 'c', now())", message, event, volunteer
            )
            await conn.execute(
                "insert into deliveries values ($1, $2, 'email', $3, $4, $5, '2026-03-04Z')",
                event, volunteer, message, status, len(attempts),
            )  # fmt: skip
            for number, (outcome, reason) in enumerate(attempts, start=1):
                await conn.execute(
                    "insert into delivery_attempts values ($1, $2, 'email', $3, $4, $5, now(), now())",
                    event, volunteer, number, outcome, reason,
                )  # fmt: skip
            expected[event] = after
        await conn.execute((MIGRATIONS / "0015_delivery_states.sql").read_text("utf-8"))
        rows = await conn.fetch(
            "select event_id, status, first_attempt_at, next_attempt_at, not_before from deliveries"
        )
        assert {row["event_id"]: row["status"] for row in rows} == expected
        (waiting,) = [row for row in rows if row["status"] == "pending"]
        assert waiting["first_attempt_at"] == waiting["next_attempt_at"] == waiting["not_before"]
        outcomes = await conn.fetch("select outcome from delivery_attempts where reason like 'address%'")
        assert [row["outcome"] for row in outcomes] == ["undeliverable"]
    finally:
        await undo.rollback()
        await conn.close()
