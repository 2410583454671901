"""The index: each event once whatever is read again, its site, and records that are no events."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.operations.events import store
from services.operations.events.handlers import forget_old
from services.operations.events.stream import IndexStream
from shared.auth.tokens import Role
from shared.contracts import ActivityChanged, DriveOpened, OperatorActed, SiteChanged
from shared.ids import derived_id, new_id
from shared.kafka.consumer import apply_halving
from shared.kafka.messages import Message
from shared.postgres import Tx
from tests.integration.operations.indexing import AT, Indexed, cancelled, held, message_of, posted, signup


async def _rows(index: Indexed) -> int:
    count: int = await index.db.pool.fetchval("select count(*) from events")
    return count


def _plain(value: bytes | None, offset: int, headers: Any = (), key: bytes | None = b"k", **more: Any) -> Message:
    return Message("volunteering.points.v1", "points", 0, offset, key, value, headers, 1_800_000_000_000, **more)


async def test_a_batch_that_is_read_again_changes_nothing(index: Indexed) -> None:
    batch = [message_of(posted(), offset) for offset in range(20)]
    await index.stream.handle(batch)
    numbers = [item["number"] for item in await index.items()]
    await index.stream.handle(batch[5:])
    again = await index.items()
    assert [item["number"] for item in again] == numbers == sorted(numbers, reverse=True)
    assert {item["occurrences"] for item in again} == {1}


async def test_only_transactions_of_the_index_do_not_wait_for_the_disk(index: Indexed) -> None:
    async with index.db.pool.acquire() as conn:
        async with conn.transaction():
            await store.lock(Tx(conn))
            assert await conn.fetchval("show synchronous_commit") == "off"
        assert await conn.fetchval("select reset_val = setting from pg_settings where name = 'synchronous_commit'")


async def test_a_log_that_begins_anew_adds_occurrences_and_no_rows(index: Indexed) -> None:
    batch = [message_of(posted(), offset) for offset in range(5)]
    await index.stream.handle(batch)
    reborn = IndexStream(index.db, "second", 30)
    for _ in range(2):
        await reborn.handle([message._replace(offset=message.offset + 3) for message in reversed(batch)])
    assert await _rows(index) == 5
    [first, *_] = items = await index.items()
    assert {item["occurrences"] for item in items} == {2}
    places = (await index.get(f"/events/{first['event_id']}")).json()["places"]
    assert [(place["incarnation"], place["offset"]) for place in places] == [("first", 4), ("second", 7)]
    ends = [topic for topic in (await index.get("/topics")).json()["items"] if topic["topic"] == "points"]
    assert [(one["end_offset"], one["events"], one["incarnation"]) for one in ends[0]["partitions"]] == [
        (8, 5, "second")
    ]


async def test_another_record_with_the_id_of_an_event_has_a_row_of_its_own(index: Indexed) -> None:
    first = message_of(posted(), 0)
    forged = first._replace(offset=1, value=first.value.replace(b'"amount":10', b'"amount":9000'))
    for batch in ([first], [forged], [forged, forged._replace(offset=2)]):
        await index.stream.handle(batch)
    found = {item["kind"]: item for item in await index.items()}
    assert len(found) == await _rows(index) == 2
    assert found["conflicting"]["value"]["amount"] == 9000
    assert found["conflicting"]["note"] == f"another record has the id {found['event']['event_id']}"
    assert (found["event"]["occurrences"], found["conflicting"]["occurrences"]) == (1, 2)


async def test_an_event_has_its_site_or_that_of_what_it_is_about(index: Indexed) -> None:
    site = new_id()
    placed = signup(site)
    await index.stream.handle([message_of(placed, 0)])
    await index.stream.handle([message_of(cancelled(placed), 1), message_of(posted(activity_id=placed.activity_id), 0)])
    await index.stream.handle([message_of(posted(), 1)])
    sites = {item["type"]: item["site_id"] for item in reversed(await index.items(site_id=str(site)))}
    assert sites == dict.fromkeys(
        ["volunteering.signup.placed.v1", "volunteering.signup.cancelled.v1", "volunteering.points.posted.v1"],
        str(site),
    )
    assert len(await index.items()) == 4


async def test_names_of_sites_and_activities_are_kept_at_their_highest_version(index: Indexed) -> None:
    site_id, above, activity_id = new_id(), new_id(), new_id()
    site = SiteChanged(site_id=site_id, kind="station", name="惠民社区", parent_id=above, closed=False, changed_at=AT)
    newer = message_of(site.model_copy(update={"name": "惠民社区站"}), 1, version=2)
    team, values = new_id(), {"state": "open", "changed_at": AT}
    activity = ActivityChanged(activity_id=activity_id, title="晨光问候", site_id=site_id, team_id=team, **values)
    await index.stream.handle([newer, message_of(activity, 0)])
    await index.stream.handle([message_of(site, 0)])
    answer = await index.get("/names", id=[str(site_id), str(activity_id), str(new_id())])
    assert sorted((item["name"], item["site_id"]) for item in answer.json()["items"]) == sorted(
        [("惠民社区站", str(above)), ("晨光问候", str(site_id))]
    )
    await index.stream.handle([message_of(posted(activity_id=activity_id), 0)])
    assert len(await index.items(site_id=str(site_id), topic="points")) == 1


async def test_drives_have_names_too(index: Indexed) -> None:
    drive_id, site_id = new_id(), new_id()
    drive = DriveOpened(
        drive_id=drive_id,
        code="A1",
        name="志愿红进广场",
        place_kind="square",
        site_id=site_id,
        starts_at=AT,
        ends_at=AT,
    )
    await index.stream.handle([message_of(drive, 0)])
    (found,) = (await index.get("/names", id=str(drive_id))).json()["items"]
    assert found == {"id": str(drive_id), "kind": "drive", "name": "志愿红进广场", "site_id": str(site_id)}


async def test_acts_of_all_services_are_one_trail(index: Indexed) -> None:
    made = [
        OperatorActed(
            act_id=new_id(), service=service, actor_id=new_id(), role="engineer", act=act, dry_run=False,
            records=number, at=AT,
        )
        for number, (service, act) in enumerate([("points", "pause"), ("notify", "pause"), ("points", "replay")])
    ]  # fmt: skip
    await index.stream.handle([message_of(one, offset) for offset, one in enumerate(made)])
    forged = message_of(made[0].model_copy(update={"act_id": new_id()}), 9)
    await index.stream.handle([forged._replace(value=b'{"act": "pause"}')])

    async def trail(**query: Any) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await index.get("/audit", limit=1, **query, **cursor)
            assert answer.status_code == 200, answer.text
            found += [item["act_id"] for item in answer.json()["items"]]
            if answer.json()["next_cursor"] is None:
                return found
            cursor = {"cursor": answer.json()["next_cursor"]}

    assert await trail() == [str(one.act_id) for one in reversed(made)]
    assert await trail(act="pause") == [str(made[1].act_id), str(made[0].act_id)]
    assert await trail(service="points", act="replay") == [str(made[2].act_id)]
    assert await trail(actor=str(made[1].actor_id)) == [str(made[1].act_id)]
    bound = index.token(Role.OPERATOR, sites=[new_id()])
    assert (await index.get("/audit", bound)).status_code == 403


async def test_a_dead_letter_is_an_event_of_its_own_beside_what_it_is_about(index: Indexed) -> None:
    original = message_of(posted(), 0)
    letter = original._replace(
        entity="points.notify.dlq", headers=[*original.headers, ("dead-letter-id", b"7"), ("dead-letter-reason", b"no")]
    )
    await index.stream.handle([original, letter])
    found = {item["kind"]: item for item in await index.items()}
    assert found["dead-letter"]["event_id"] == str(derived_id("dead-letter", "notify", 7))
    assert found["dead-letter"]["causation_id"] == found["event"]["event_id"]
    assert found["dead-letter"]["correlation_id"] == found["event"]["correlation_id"]


STRANGE = {
    "no value": None,
    "empty": b"",
    "no JSON": b"{broken",
    "binary": bytes(range(256)),
    "NUL in JSON": b'{"a": "\\u0000"}',
    "too large a number for PostgreSQL": b'{"a": 1e200000}',
    "a number of 5000 digits": b'{"a": 1' + b"0" * 5000 + b"}",
    "deep": b"[" * 900 + b"]" * 900,
    "a list": b"[1, 2]",
    "900 KB": orjson.dumps({"a": "x" * 900_000}),
}


@pytest.mark.parametrize("value", STRANGE.values(), ids=STRANGE)
async def test_whatever_lies_on_a_topic_is_indexed_and_can_be_seen(index: Indexed, value: bytes | None) -> None:
    good = message_of(posted(), 9)
    strange = _plain(value, 8, [("ce_type", b"<script>alert(1)</script>"), ("x\\xff", b"\x00\xff"), ("null", None)])
    await apply_halving([strange, good], index.stream.handle, index.stream.dead_letter)
    [event, foreign] = await index.items()
    assert (event["kind"], foreign["kind"], foreign["offset"]) == ("event", "foreign", 8)
    answer = await index.get(f"/events/{foreign['event_id']}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    detail = json.loads(answer.content, parse_int=str)
    assert detail["headers"][1:] == [{"name": "x\\xff", "value": "\\0\\xff"}, {"name": "null", "value": None}]
    if value is not None:
        assert detail["value"] is not None or detail["value_text"] == value.decode("utf-8", "backslashreplace")
    assert foreign["value_omitted"] is (value is not None and len(value) > 900_000)


async def test_headers_too_long_for_an_index_are_cut_and_kept_whole_beside_it(index: Indexed) -> None:
    long = b"c" * 9000
    await index.stream.handle([_plain(b"{}", 0, [("ce_correlationid", long), ("ce_aggregateid", long)], key=long)])
    [item] = await index.items(correlation_id="c" * 500)
    assert item["correlation_id"] == "c" * 500
    detail = (await index.get(f"/events/{item['event_id']}")).json()
    assert detail["headers"][0]["value"] == long.decode()


async def test_a_range_that_no_client_reads_is_one_row(index: Indexed) -> None:
    torn = _plain(b"\x00torn", 3, [("unreadable", b"the checksum does not fit")], key=None, unreadable_to=6)
    await index.stream.dead_letter(torn, ValueError("offsets 3 to 6"))
    await index.stream.dead_letter(torn, ValueError("offsets 3 to 6"))
    [item] = await index.items()
    assert (item["kind"], item["offset"], item["last_offset"]) == ("unreadable", 3, 6)
    assert item["note"] == "the checksum does not fit"


async def test_days_are_dropped_whole_and_what_is_older_does_not_come_back(index: Indexed) -> None:
    now = datetime.now(UTC)
    old = [message_of(posted(), offset, sent_at=now - timedelta(days=31)) for offset in range(3)]
    past = IndexStream(index.db, "first", 30, clock=lambda: now - timedelta(days=31))
    await past.handle(old)
    await IndexStream(index.db, "second", 30, clock=lambda: now - timedelta(days=31)).handle(old)
    await index.stream.handle([message_of(held(new_id()), 0)])
    assert await forget_old(index.db, now, 30) == 1
    await index.stream.handle(old)
    assert [item["topic"] for item in await index.items()] == ["redemptions"]
    for table in ("event_ids", "events"):
        assert await index.db.pool.fetchval(f"select count(*) from {table}") == 1
    assert await index.db.pool.fetchval("select count(*) from occurrences") == 0
    assert await forget_old(index.db, now, 30) == 0


def test_ids_of_fingerprints_differ_by_topic() -> None:
    assert len({derived_id("record", topic, "ab") for topic in ("points", "badges")}) == 2
    assert isinstance(derived_id("record", "points", "ab"), UUID)
