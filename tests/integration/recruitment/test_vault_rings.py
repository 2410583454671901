"""The vault and device secrets under several keys: found, opened and unique whichever key is the current one."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from services.recruitment.devices import handlers as devices
from services.recruitment.keys.store import tables
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity
from shared.errors import Conflict
from shared.ids import new_id
from shared.postgres import Database
from shared.rewrapping import key_counts, rewrap
from tests.integration.recruitment.people import NOW
from tests.integration.recruitment.work import Work, work_of
from tests.support.databases import Clock, TestDatabase
from tests.support.settings import SECRETS, SettingsFactory
from tests.support.vault_rings import ID_NUMBER, LOOKUP, NEXT_LOOKUP, NEXT_VAULT, OTHER_ID, VAULT

PHONE, OTHER = "13812345678", "13912345678"


BEFORE = Cipher(VAULT, LOOKUP)
KNOWN = Cipher(f"1:{VAULT},2:{NEXT_VAULT}", f"1:{LOOKUP},2:{NEXT_LOOKUP}")
SWITCHED = Cipher(f"2:{NEXT_VAULT},1:{VAULT}", f"2:{NEXT_LOOKUP},1:{LOOKUP}")


async def keep(database: Database, cipher: Cipher, *people: Identity) -> int:
    async with database.transaction() as tx:
        return len(await vault.keep(tx, cipher, [vault.NewPerson.of(person) for person in people], NOW))


@pytest.mark.parametrize(("first", "second"), [(BEFORE, SWITCHED), (KNOWN, SWITCHED), (SWITCHED, KNOWN)])
async def test_a_phone_or_id_number_is_registered_once_whichever_key_is_current(
    recruitment_db: Database, first: Cipher, second: Cipher
) -> None:
    person = Identity("王芳", phone=PHONE, id_number=ID_NUMBER)
    assert await keep(recruitment_db, first, person) == 1
    assert await keep(recruitment_db, second, person) == 0
    assert await keep(recruitment_db, second, Identity("李强", phone=PHONE)) == 0
    assert await keep(recruitment_db, second, Identity("李强", phone=OTHER, id_number=ID_NUMBER)) == 0
    assert await keep(recruitment_db, second, Identity("李强", phone=OTHER, id_number=OTHER_ID)) == 1
    async with recruitment_db.transaction() as tx:
        found = await vault.find_by_phone(tx, second, [PHONE, OTHER])
        opened = await vault.identities(tx, second, [known.person_id for known in found.values()])
    assert {phone: opened[known.person_id].name for phone, known in found.items()} == {PHONE: "王芳", OTHER: "李强"}


async def test_two_processes_in_the_middle_of_a_rotation_keep_one_of_two_equal_phones(
    recruitment_db: Database,
) -> None:
    for number in range(20):
        person = Identity("王芳", phone=f"138{number:08}")
        kept = await asyncio.gather(
            *(keep(recruitment_db, cipher, person) for cipher in (KNOWN, SWITCHED, KNOWN, SWITCHED))
        )
        assert sum(kept) == 1


async def test_a_known_resident_is_found_and_resealed_under_the_new_keys(recruitment_db: Database) -> None:
    assert await keep(recruitment_db, BEFORE, Identity("王芳", phone=PHONE)) == 1
    assert await keep(recruitment_db, BEFORE, Identity("李强", phone=OTHER, id_number=ID_NUMBER)) == 1
    async with recruitment_db.transaction() as tx:
        known = (await vault.find_by_phone(tx, BEFORE, [PHONE]))[PHONE].person_id
        again = await vault.keep_or_update(tx, SWITCHED, Identity("王芳芳", phone=PHONE, id_number=OTHER_ID), NOW)
        assert again == known
        opened = await vault.identities(tx, Cipher(f"2:{NEXT_VAULT}", f"2:{NEXT_LOOKUP}"), [known])
        assert opened[known].name == "王芳芳"
        with pytest.raises(Conflict, match="already on file"):
            await vault.keep_or_update(tx, SWITCHED, Identity("王芳", phone=PHONE, id_number=ID_NUMBER), NOW)


@pytest.fixture
async def work(settings_for: SettingsFactory, recruitment_db: Database, clock: Clock) -> AsyncIterator[Work]:
    async with work_of(settings_for, recruitment_db, clock) as work:
        yield work


async def test_the_secret_of_a_device_is_nowhere_in_the_clear(work: Work, recruitment_db: Database) -> None:
    key = str(new_id())
    body = {"name": "一号签到机", "site_id": work.sites["惠民社区"]}
    first = await work.district.post("/devices", body, work.station, key=key)
    again = await work.district.post("/devices", body, work.station, key=key)
    assert first.json() == again.json(), "a registration whose answer was lost may be repeated"
    secret = first.json()["secret"].encode()
    for table in ("devices", "idempotency"):
        rows = await recruitment_db.pool.fetch(f"select * from {table}")
        assert rows
        assert not [value for row in rows for value in row.values() if secret in str(value).encode() + _bytes(value)]


async def test_device_secrets_of_before_are_sealed_once_and_still_verify(
    work: Work, recruitment_db: Database, test_database: TestDatabase
) -> None:
    device = await work.device()
    owner = await asyncpg.connect(test_database.dsn_for("recruitment_owner"))
    try:
        await owner.execute("set search_path = recruitment")
        await owner.execute("alter table devices drop constraint devices_secret_is_sealed")
        await owner.execute(
            "update devices set secret = $2, secret_key = null, sealed_secret = null where device_id = $1",
            device,
            work.secrets[device],
        )
    finally:
        await owner.close()
    cipher = work.district.app.state.cipher
    sealed = await asyncio.gather(*(devices.seal_plain(recruitment_db, cipher) for _ in range(3)))
    assert sorted(sealed) == [0, 0, 1]
    row = await recruitment_db.pool.fetchrow("select * from devices where device_id = $1", device)
    assert row is not None
    assert row["secret"] is None
    assert cipher.open_text(row["device_id"], row["secret_key"], row["sealed_secret"]) == work.secrets[device]


async def test_no_plain_secret_is_taken_any_more(work: Work, recruitment_db: Database) -> None:
    device = await work.device()
    with pytest.raises(asyncpg.CheckViolationError):
        await recruitment_db.pool.execute("update devices set secret = 'plain' where device_id = $1", device)


async def test_the_auditor_reads_no_secret_of_a_device(work: Work, test_database: TestDatabase) -> None:
    await work.device()
    auditor = await asyncpg.connect(test_database.dsn_for("auditor"))
    try:
        assert await auditor.fetchval("select count(device_id) from recruitment.devices") == 1
        for column in ("secret", "secret_key", "sealed_secret"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await auditor.fetchval(f"select {column} from recruitment.devices")
    finally:
        await auditor.close()


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


async def test_evidence_and_device_secrets_are_moved_to_the_new_key_too(work: Work, recruitment_db: Database) -> None:
    device = UUID(await work.device())
    _, volunteer, record = await work.serving()
    old: Cipher = work.district.app.state.cipher
    owner = UUID(volunteer.volunteer_id)
    await recruitment_db.pool.execute(
        "insert into attendance_evidence values ($1, $2, $3, $4, $5)",
        UUID(record["record_id"]),
        record["revision"],
        owner,
        *old.seal_text(owner, "签字单第12页"),
    )
    staff_id = await recruitment_db.pool.fetchval("select staff_id from staff limit 1")
    await recruitment_db.pool.execute(
        "insert into staff_second_factors (staff_id, wrapped_key, sealed, created_at) values ($1, $2, $3, now())",
        staff_id,
        *old.seal_text(staff_id, "JBSWY3DP"),
    )
    rotated = Cipher(f"2:{NEXT_VAULT},1:{SECRETS.vault_key}", f"2:{NEXT_LOOKUP},1:{SECRETS.lookup_key}")
    moved = await rewrap(recruitment_db, tables(rotated))
    assert (moved["attendance_evidence"].rewrapped, moved["devices"].rewrapped) == (1, 1)
    assert {name: set(counts) for name, counts in (await key_counts(recruitment_db, tables(rotated))).items()} == {
        "people": {"2/2"},
        "attendance_evidence": {"2"},
        "devices": {"2"},
        "staff_second_factors": {"2"},
        "shift_messages": set(),
        "phone_changes": set(),
        "order_texts": set(),
        "rectifications": set(),
        "rectification_answers": set(),
    }
    alone = Cipher(f"2:{NEXT_VAULT}", f"2:{NEXT_LOOKUP}")
    text = await recruitment_db.pool.fetchrow("select wrapped_key, sealed from attendance_evidence")
    secret = await recruitment_db.pool.fetchrow("select secret_key, sealed_secret from devices")
    assert text is not None
    assert secret is not None
    factor = await recruitment_db.pool.fetchrow("select wrapped_key, sealed from staff_second_factors")
    assert factor is not None
    assert alone.open_text(staff_id, *factor) == "JBSWY3DP"
    assert alone.open_text(owner, *text) == "签字单第12页"
    assert alone.open_text(device, *secret) == work.secrets[str(device)]


async def test_every_wrapped_key_of_the_schema_is_moved(recruitment_db: Database) -> None:
    columns = await recruitment_db.pool.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'recruitment' "
        "and data_type = 'bytea' and column_name like '%\\_key'"
    )
    assert {tuple(row) for row in columns} == {
        ("vault_people", "wrapped_key"),
        ("attendance_evidence", "wrapped_key"),
        ("devices", "secret_key"),
        ("staff_second_factors", "wrapped_key"),
        ("shift_messages", "wrapped_key"),
        ("phone_changes", "wrapped_key"),
        ("order_texts", "wrapped_key"),
        ("rectifications", "wrapped_key"),
        ("rectifications", "answer_key"),
    }, "a column that services/recruitment/keys does not know keeps its old key for good"
