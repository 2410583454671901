"""Dead letters as engineers handle them: grouped, looked at, replayed once each, discarded and taken back; audited."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from services.notify.inbox.stream import GROUP
from shared.auth.tokens import Role
from shared.errors import PermanentError, TransientError
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.postgres import Database
from tests.support.operating import TOPIC, Desk, Inbox, bearer, desk_of, posted
from tests.support.settings import SettingsFactory


@pytest.fixture
async def desk(settings_for: SettingsFactory, notify_db: Database) -> AsyncIterator[Desk]:
    async with desk_of(settings_for) as found:
        yield found


@pytest.fixture
async def inbox(notify_db: Database) -> Inbox:
    return await Inbox.of(notify_db)


async def poison(inbox: Inbox, count: int) -> list[Message]:
    records = [posted(offset) for offset in range(count)]
    await inbox.apply(records)
    return records


async def drain(inbox: Inbox) -> None:
    replayer = inbox.replayer()
    while await replayer.step():
        pass


async def the_group(desk: Desk, status: str = "open") -> dict[str, object]:
    (group,) = (await desk.get("dead-letters/groups", status=status))["items"]
    found: dict[str, object] = group
    return found


async def test_records_that_fail_alike_form_one_group_and_repeats_are_folded(desk: Desk, inbox: Inbox) -> None:
    records = await poison(inbox, 3)
    for _ in range(4):
        await inbox.apply(records[:1])
    broken = records[0]._replace(value=b"no JSON", headers=[*records[0].headers[:1], ("ce_id", b"1")])
    await inbox.apply([broken])
    groups = (await desk.get("dead-letters/groups"))["items"]
    assert [(one["records"], one["seen"], one["most_seen"]) for one in groups] == [(3, 7, 5), (1, 1, 1)]
    assert groups[0]["event_type"] == "volunteering.points.posted.v1"
    listed = (await desk.get("dead-letters", group_id=groups[0]["group_id"]))["items"]
    assert [one["offset"] for one in listed] == [2, 1, 0]
    assert (await desk.get("dead-letters", group="points-ingest"))["items"] == []


async def test_replayed_records_are_applied_once_in_growing_batches(desk: Desk, inbox: Inbox) -> None:
    records = await poison(inbox, 9)
    group = await the_group(desk)
    dry = (await desk.post("dead-letters/replay", group_id=group["group_id"], dry_run=True)).json()
    assert (dry["selected"], dry["would_apply"], dry["already_applied"], dry["unreadable"]) == (9, 9, 0, 0)
    assert await the_group(desk) == group, "a dry run changes nothing"
    inbox.mended, inbox.batches = True, []
    started = await desk.post("dead-letters/replay", group_id=group["group_id"])
    assert (started.status_code, started.json()["selected"]) == (202, 9)
    await drain(inbox)
    progress = await desk.get(f"dead-letters/replays/{started.json()['replay_id']}")
    assert (progress["state"], progress["applied"], progress["failed"]) == ("done", 9, 0)
    assert inbox.batches == [1, 2, 4, 2]
    assert await inbox.messages() == 9
    assert (await desk.get("dead-letters"))["items"] == []
    await inbox.apply(records)
    assert await inbox.messages() == 9, "what the topic brings again is known"


async def test_a_dry_run_knows_what_was_applied_and_what_cannot_be_read(desk: Desk, inbox: Inbox) -> None:
    records = await poison(inbox, 3)
    await inbox.apply([records[0]._replace(value=b"{}", headers=[*records[0].headers[:1], ("ce_id", b"1")])])
    inbox.mended = True
    await inbox.apply(records[:2])
    ids = [one["id"] for one in (await desk.get("dead-letters"))["items"]]
    dry = (await desk.post("dead-letters/replay", ids=ids, dry_run=True)).json()
    assert (dry["would_apply"], dry["already_applied"], dry["unreadable"]) == (1, 2, 1)
    await desk.post("dead-letters/replay", ids=ids[1:])
    await drain(inbox)
    assert await inbox.messages() == 3


async def test_a_replay_stops_when_one_fails_again_and_leaves_the_rest_open(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 5)
    group = await the_group(desk)
    started = (await desk.post("dead-letters/replay", group_id=group["group_id"])).json()
    await drain(inbox)
    progress = await desk.get(f"dead-letters/replays/{started['replay_id']}")
    assert (progress["state"], progress["applied"], progress["failed"]) == ("stopped", 0, 1)
    assert "no message template" in progress["failure"]
    left = (await desk.get("dead-letters"))["items"]
    assert [(one["replay_id"], one["attempts"]) for one in left] == [(None, 1)] * 4 + [(None, 2)]
    assert await inbox.messages() == 0


async def test_two_replays_at_once_have_each_record_once(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 6)
    inbox.mended = True
    group = await the_group(desk)
    answers = await asyncio.gather(
        *(desk.post("dead-letters/replay", group_id=group["group_id"]) for _ in range(2)),
        desk.post("dead-letters/discard", group_id=group["group_id"]),
    )
    assert sorted(one.status_code for one in answers)[1:] == [409, 409], "one of the three has them all"
    await asyncio.gather(drain(inbox), drain(inbox))
    done = (await desk.get("dead-letters/replays"))["items"]
    assert sum(one["applied"] for one in done) == await inbox.messages()
    statuses = [
        one for status in ("replayed", "discarded") for one in (await desk.get("dead-letters", status=status))["items"]
    ]
    assert len(statuses) == 6


async def test_a_worker_that_dies_in_a_replay_is_succeeded_by_another(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 4)
    inbox.mended = True
    group = await the_group(desk)
    started = (await desk.post("dead-letters/replay", group_id=group["group_id"])).json()

    class Dies(Inbox):
        async def apply(self, batch: Sequence[Message]) -> None:
            await super().apply(batch)
            raise asyncio.CancelledError("killed after the commit and before the mark")

    dying = Dies(inbox.db, inbox._whole)
    dying.mended = True
    with pytest.raises(asyncio.CancelledError):
        await dying.replayer(lease=0.0).step()
    assert (await desk.get(f"dead-letters/replays/{started['replay_id']}"))["applied"] == 0
    await drain(inbox)
    progress = await desk.get(f"dead-letters/replays/{started['replay_id']}")
    assert (progress["state"], progress["applied"], await inbox.messages()) == ("done", 4, 4)


async def test_trouble_of_the_moment_stops_no_replay(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 1)
    inbox.mended = True
    await desk.post("dead-letters/replay", group_id=(await the_group(desk))["group_id"])
    replayer, whole = inbox.replayer(), inbox.handle

    async def away(batch: Sequence[Message]) -> None:
        raise TransientError("the database is away")

    inbox.handle = away  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        await replayer.step()
    inbox.handle = whole  # type: ignore[method-assign]
    assert await replayer.step() == 1
    assert await inbox.messages() == 1


async def test_a_replayed_record_that_fails_later_is_open_again(desk: Desk, inbox: Inbox) -> None:
    records = await poison(inbox, 1)
    inbox.mended = True
    await desk.post("dead-letters/replay", group_id=(await the_group(desk))["group_id"])
    await drain(inbox)
    assert (await desk.get("dead-letters"))["items"] == []
    await inbox.dead_letter(records[0], PermanentError("a release cannot read it"))
    assert len((await desk.get("dead-letters"))["items"]) == 1, "nothing accepted is lost"


async def test_a_discard_is_taken_back_while_the_bytes_are_kept(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 2)
    group_id = (await the_group(desk))["group_id"]
    assert (await desk.post("dead-letters/discard", group_id=group_id, dry_run=True)).json()["changed"] == 2
    assert (await desk.post("dead-letters/discard", group_id=group_id)).json()["changed"] == 2
    assert (await desk.post("dead-letters/replay", group_id=group_id)).json()["type"].endswith("nothing-to-replay")
    assert (await desk.post("dead-letters/restore", group_id=group_id)).json()["changed"] == 2
    assert (await desk.post("dead-letters/discard", group_id=group_id)).json()["changed"] == 2
    await inbox.db.pool.execute("update dead_letters set decided_at = now() - interval '31 days'")
    await inbox.replayer().reduce_decided()
    letter = (await desk.get("dead-letters", status="discarded"))["items"][0]
    shown = await desk.get(f"dead-letters/{letter['id']}")
    assert (shown["value"], len(shown["value_sha256"])) == (None, 64)
    gone = await desk.post("dead-letters/restore", group_id=group_id)
    assert (gone.status_code, gone.json()["type"].rpartition("/")[2]) == (409, "nothing-to-restore")


async def test_bytes_of_open_letters_are_kept_however_old(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 1)
    await inbox.db.pool.execute("update dead_letters set first_seen_at = now() - interval '90 days'")
    await inbox.replayer().reduce_decided()
    letter = (await desk.get("dead-letters"))["items"][0]
    assert (await desk.get(f"dead-letters/{letter['id']}"))["value"] is not None


@pytest.mark.parametrize("value", [b"<script>alert(1)</script>", b"\xff\x00\x01", b"x" * 900_000, b"", None])
async def test_whatever_a_letter_holds_is_shown_as_text_or_base64(
    value: bytes | None, desk: Desk, inbox: Inbox
) -> None:
    headers = [("ce_id", b"1"), ("<b>", b"<script>"), ("bin", b"\xff\xfe")]
    await inbox.apply([posted(7)._replace(value=value, key=b"\xff", headers=headers)])
    letter = (await desk.get("dead-letters"))["items"][0]
    shown = await desk.get(f"dead-letters/{letter['id']}")
    assert shown["size"] == len(value or b"")
    assert shown["encoding"] == (None if value is None else "base64" if b"\xff" in value else "text")
    assert shown["headers"]["<b>"] == "<script>"


async def test_every_act_is_in_the_audit_trail_and_on_the_topic_without_its_reason(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 1)
    group = await the_group(desk)
    letter = (await desk.get("dead-letters"))["items"][0]
    await desk.get(f"dead-letters/{letter['id']}", role=Role.AUDITOR)
    await desk.post("dead-letters/discard", ids=[letter["id"]], dry_run=True, reason="老王说可以")
    await desk.post("dead-letters/discard", ids=[letter["id"]], reason="老王说可以")
    await desk.post(f"consumers/{GROUP}/pause", reason="老王说可以")
    trail = (await desk.get("audit"))["items"]
    assert [(one["act"], one["dry_run"], one["role"]) for one in trail] == [
        ("pause", False, "engineer"), ("discard", False, "engineer"), ("discard", True, "engineer"),
        ("look", False, "auditor"),
    ]  # fmt: skip
    assert trail[0]["reason"] == "老王说可以"
    assert trail[1]["result"]["records"] == 1
    rows = await inbox.db.pool.fetch("select value, headers from outbox where topic = 'audit'")
    assert len(rows) == 4
    assert not any("老王".encode() in bytes(row["value"]) or "老王" in row["headers"] for row in rows)
    assert [one["act"] for one in (await desk.get("audit", act="look"))["items"]] == ["look"]
    page = await desk.get("audit", limit="3")
    rest = await desk.get("audit", limit="3", cursor=page["next_cursor"])
    assert len(page["items"]) + len(rest["items"]) == 4
    assert group["records"] == 1


async def test_refused_acts_leave_no_trace(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 1)
    for body, status in (
        ({}, 422),
        ({"ids": [1], "group_id": "0" * 32}, 422),
        ({"ids": []}, 422),
        ({"ids": [999_999]}, 404),
        ({"group_id": "0" * 32}, 404),
        ({"ids": [1], "reason": ""}, 422),
        ({"ids": [1], "value": "corrected"}, 422),
    ):
        for act in ("replay", "discard", "restore"):
            assert (await desk.post(f"dead-letters/{act}", **body)).status_code == status, (act, body)
    assert (await desk.get("audit"))["items"] == []


async def test_engineers_of_the_centre_act_and_others_read_at_most(desk: Desk, inbox: Inbox) -> None:
    await poison(inbox, 1)
    reads = ("dead-letters", "dead-letters/groups", "dead-letters/1", "dead-letters/replays", "consumers", "audit",
             f"events/{new_id()}")  # fmt: skip
    acts = ("dead-letters/replay", "dead-letters/discard", "dead-letters/restore", f"consumers/{GROUP}/pause",
            f"consumers/{GROUP}/resume", f"consumers/{GROUP}/reset")  # fmt: skip
    site = new_id()
    for headers, may_read in (
        (bearer(Role.AUDITOR), True), (bearer(Role.OPERATOR), True), (bearer(Role.OPERATOR, site), False),
        (bearer(Role.ENGINEER, site), False), (bearer(Role.STATION, site), False), (bearer(Role.VOLUNTEER), False),
    ):  # fmt: skip
        for path in reads:
            status = (await desk.client.get(f"/api/notify/v1/{path}", headers=headers)).status_code
            assert status == (200 if may_read else 403), (path, status)
        for path in acts:
            assert (await desk.post(path, headers, ids=[1])).status_code == 403, path
    assert [one["act"] for one in (await desk.get("audit"))["items"]] == ["look", "look"]


async def test_what_became_of_an_event(desk: Desk, inbox: Inbox) -> None:
    event_id, unknown = new_id(), new_id()
    record = posted(1, TOPIC, id=event_id)
    await inbox.apply([record])
    dead = await desk.get(f"events/{event_id}")
    assert (dead["state"], dead["fates"][0]["status"]) == ("dead-lettered", "open")
    inbox.mended = True
    await inbox.apply([record])
    await desk.post("dead-letters/replay", ids=[dead["fates"][0]["dead_letter"]])
    await drain(inbox)
    applied = await desk.get(f"events/{event_id}")
    assert applied["state"] == "applied"
    (message,) = await inbox.db.pool.fetch("select message_id from messages")
    assert applied["fates"][0]["led_to"] == [{"kind": "message", "id": str(message["message_id"])}]
    assert (await desk.get(f"events/{unknown}"))["state"] == "unknown"
