"""Moving the vault to new keys: complete, repeatable, and safe to interrupt at any moment."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import asyncpg
import pytest

from services.recruitment.__main__ import keys
from services.recruitment.keys.store import tables
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity
from shared.postgres import Database
from shared.rewrapping import key_counts, rewrap
from tests.integration.recruitment.people import NOW
from tests.support.databases import ROOT
from tests.support.roles import environment
from tests.support.settings import SettingsFactory
from tests.support.vault_rings import (
    ID_NUMBER,
    LOOKUP,
    NEXT_LOOKUP,
    NEXT_VAULT,
    VAULT,
)
from tests.support.waiting import eventually

BEFORE = Cipher(VAULT, LOOKUP)
SWITCHED = Cipher(f"2:{NEXT_VAULT},1:{VAULT}", f"2:{NEXT_LOOKUP},1:{LOOKUP}")
AFTER = Cipher(f"2:{NEXT_VAULT}", f"2:{NEXT_LOOKUP}")


def people(count: int, first: int = 0) -> list[vault.NewPerson]:
    return [
        vault.NewPerson.of(Identity(f"王{chr(0x4E00 + n)}", phone=f"138{n:08}")) for n in range(first, first + count)
    ]


async def keep(database: Database, cipher: Cipher, new: Sequence[vault.NewPerson]) -> None:
    async with database.transaction() as tx:
        assert len(await vault.keep(tx, cipher, new, NOW)) == len(new)


async def names(database: Database, cipher: Cipher, known: Sequence[vault.NewPerson]) -> Mapping[str, str]:
    """Phone → name, as found and opened with these keys only."""
    phones = [str(person.identity.phone) for person in known]
    async with database.transaction() as tx:
        found = await vault.find_by_phone(tx, cipher, phones)
        opened = await vault.identities(tx, cipher, [each.person_id for each in found.values()])
    return {phone: opened[each.person_id].name for phone, each in found.items()}


def expected(known: Sequence[vault.NewPerson]) -> Mapping[str, str]:
    return {str(person.identity.phone): person.identity.name for person in known}


async def test_after_a_rewrap_the_new_keys_alone_find_and_open_everything(recruitment_db: Database) -> None:
    old, new = people(23), people(5, 100)
    numbered = vault.NewPerson.of(Identity("李强", phone="13900000000", id_number=ID_NUMBER))
    await keep(recruitment_db, BEFORE, [*old, numbered])
    await keep(recruitment_db, SWITCHED, new)
    assert (await key_counts(recruitment_db, tables(SWITCHED)))["people"] == {"1/1": 24, "2/2": 5}
    assert await names(recruitment_db, SWITCHED, [*old, *new]) == expected([*old, *new])
    moved = await rewrap(recruitment_db, tables(SWITCHED), limit=7)
    assert (moved["people"].rewrapped, moved["people"].failed) == (24, 0)
    assert (await key_counts(recruitment_db, tables(SWITCHED)))["people"] == {"2/2": 29}
    assert await names(recruitment_db, AFTER, [*old, *new]) == expected([*old, *new])
    async with recruitment_db.transaction() as tx:
        same_id = vault.NewPerson.of(Identity("赵六", phone="13700000000", id_number=ID_NUMBER))
        assert not await vault.keep(tx, AFTER, [same_id], NOW)
    again = await rewrap(recruitment_db, tables(SWITCHED), limit=7)
    assert (again["people"].rewrapped, again["people"].failed) == (0, 0)


async def test_while_rows_are_moved_registrations_and_logins_go_on(recruitment_db: Database) -> None:
    old = people(60)
    await keep(recruitment_db, BEFORE, old)
    moving = asyncio.create_task(rewrap(recruitment_db, tables(SWITCHED), limit=3))
    for number in range(20):
        known = old[number]
        assert await names(recruitment_db, SWITCHED, [known]) == expected([known])
        async with recruitment_db.transaction() as tx:
            twice = vault.NewPerson.of(known.identity)
            assert not await vault.keep(tx, SWITCHED, [twice], NOW), "the same phone twice"
            await vault.keep_or_update(tx, SWITCHED, Identity("新名字", phone=known.identity.phone), NOW)
    await moving
    assert set((await key_counts(recruitment_db, tables(SWITCHED)))["people"]) == {"2/2"}
    found = await names(recruitment_db, AFTER, old)
    assert found == {**expected(old), **{str(each.identity.phone): "新名字" for each in old[:20]}}


async def test_a_row_that_cannot_be_opened_is_counted_and_holds_up_no_other(recruitment_db: Database) -> None:
    old = people(9)
    await keep(recruitment_db, BEFORE, old)
    broken = old[4].person_id
    await recruitment_db.pool.execute("update vault_people set sealed = '\\x00' where person_id = $1", broken)
    moved = await rewrap(recruitment_db, tables(SWITCHED), limit=2)
    assert (moved["people"].rewrapped, moved["people"].failed) == (8, 1)
    assert (await key_counts(recruitment_db, tables(SWITCHED)))["people"] == {"1/1": 1, "2/2": 8}


async def test_two_rewraps_at_once_move_each_row_once(recruitment_db: Database) -> None:
    await keep(recruitment_db, BEFORE, old := people(40))
    both = await asyncio.gather(*(rewrap(recruitment_db, tables(SWITCHED), limit=4) for _ in range(2)))
    assert sum(each["people"].failed for each in both) == 0
    assert await names(recruitment_db, AFTER, old) == expected(old)


@pytest.fixture
async def killed(recruitment_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Any]:
    """Starts the command as a process of its own and returns it."""
    started: list[asyncio.subprocess.Process] = []

    async def start() -> asyncio.subprocess.Process:
        settings = settings_for(
            "recruitment", vault_key=f"2:{NEXT_VAULT},1:{VAULT}", lookup_key=f"2:{NEXT_LOOKUP},1:{LOOKUP}"
        )
        variables = {**os.environ, **environment(settings), "WEIGUANG_LOG_LEVEL": "INFO"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.recruitment", "keys", "rewrap", cwd=ROOT, env=variables,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_rewrap_that_is_killed_loses_nothing_and_the_next_one_ends_it(
    recruitment_db: Database, killed: Any
) -> None:
    old = people(1800)
    await keep(recruitment_db, BEFORE, old)
    # The last row of the second batch is held, so that the process is in the middle of it when it dies.
    held = sorted(person.person_id for person in old)[999]
    connection = await recruitment_db.pool.acquire()
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select 1 from vault_people where person_id = $1 for update", held)
    process = await killed()

    async def first_batch_is_through() -> bool:
        return (await key_counts(recruitment_db, tables(SWITCHED)))["people"].get("2/2", 0) > 0

    await eventually(first_batch_is_through)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await transaction.rollback()
    await recruitment_db.pool.release(connection)
    assert (await key_counts(recruitment_db, tables(SWITCHED)))["people"] == {"1/1": 1300, "2/2": 500}
    assert await names(recruitment_db, SWITCHED, old) == expected(old)
    second = await killed()
    out, _ = await second.communicate()
    assert second.returncode == 0
    assert json.loads(out.splitlines()[-1]) == {
        "tables": {
            "people": {"2/2": 1800},
            "attendance_evidence": {},
            "order_texts": {},
            "rectifications": {},
            "rectification_answers": {},
            "devices": {},
            "staff_second_factors": {},
            "shift_messages": {},
            "phone_changes": {},
        },
        "failed": 0,
    }
    assert await names(recruitment_db, AFTER, old) == expected(old)


async def test_the_security_log_says_that_keys_were_rotated(
    recruitment_db: Database, settings_for: SettingsFactory
) -> None:
    await keep(recruitment_db, BEFORE, people(3))
    settings = settings_for(
        "recruitment", vault_key=f"2:{NEXT_VAULT},1:{VAULT}", lookup_key=f"2:{NEXT_LOOKUP},1:{LOOKUP}"
    )
    assert (await keys(settings, "status"))["tables"]["people"] == {"1/1": 3}
    assert await recruitment_db.pool.fetchval("select count(*) from security_events") == 0
    assert (await keys(settings, "rewrap"))["tables"]["people"] == {"2/2": 3}
    row: asyncpg.Record = await recruitment_db.pool.fetchrow("select kind, result from security_events")
    assert tuple(row) == ("keys-rotated", "ok")
