"""The console's pages, with canned answers in place of the services: who may see them, and that what comes is text."""

import json
import re
from functools import partial
from typing import Any

import pytest

from services.web.gateway.upstream import Answer, Upstream, UpstreamAway
from services.web.pages.console import search
from shared.auth.tokens import Role
from shared.http.ops import serve_ops
from shared.settings import Settings
from shared.telemetry import metrics
from shared.version import VERSION
from tests.support.cookies import cookie
from tests.support.gateways import gateway_running
from tests.support.settings import SECRETS

EVENT = "0192f000-0000-7000-8000-00000000000e"
GROUP = "0123456789abcdef0123456789abcdef"
REPLAY = "0192f000-0000-7000-8000-00000000000f"
OPERATING = (
    "/console/dead-letters",
    f"/console/dead-letters/points/groups/{GROUP}",
    "/console/dead-letters/points/7",
    f"/console/replays/points/{REPLAY}",
    "/console/streams",
    "/console/alerts",
    "/console/audit",
    "/console/health",
    "/console/deliveries",
    "/console/ledger",
    f"/console/ledger/audits/{REPLAY}",
)
PAGES = (*OPERATING, "/console", "/console/search", f"/console/events/{EVENT}", "/console/traces/c-1")
SITE = "0192f000-0000-7000-8000-00000000000b"
CHECK_OUT: dict[str, Any] = {
    "number": 1, "event_id": EVENT, "kind": "event", "topic": "attendance", "partition": 3, "offset": 41,
    "type": "volunteering.attendance.recorded.v1", "last_offset": 41, "key": "v", "aggregate_id": "r",
    "aggregate_version": 2, "correlation_id": "c-1", "causation_id": None, "site_id": SITE, "size": 300,
    "event_time": "2026-03-05T02:00:00Z", "published_at": "2026-03-05T02:00:01Z", "occurrences": 1, "note": None,
    "arrived_at": "2026-03-05T02:00:01.250Z", "value_omitted": False,
    "value": {
        "volunteer_id": "v", "site_id": SITE, "status": "confirmed", "minutes": 42, "ended_at": "2026-03-05T02:00:00Z",
        "kind": "<script>alert(1)</script>",
    },
}  # fmt: skip
DETAIL = CHECK_OUT | {
    "headers": [{"name": "x-bad", "value": "<script>alert(2)</script>"}], "value_text": None, "value_base64": None,
    "places": [], "effects": [CHECK_OUT],
}  # fmt: skip
HOPS = {
    "made_at": "2026-03-05T02:00:00.990Z", "committed_at": "2026-03-05T02:00:01Z", "to_index_ms": 250,
    "indexed_at": "2026-03-05T02:00:01.250Z", "applied": [{"by": "points", "at": "2026-03-05T02:00:01.100Z"}],
    "to_effect_ms": 100,
}  # fmt: skip
AT = "2026-03-05T02:00:00Z"
LETTER: dict[str, Any] = {
    "id": 7, "group": "points", "topic": "volunteering.attendance.v1", "partition": 3, "offset": 41, "seen": 7,
    "reason": "minutes is missing", "attempts": 1, "status": "open", "at": AT, "event_id": EVENT, "event_type": "a.b",
    "group_id": GROUP, "last_seen_at": AT,
}  # fmt: skip
RUN: dict[str, Any] = {
    "replay_id": REPLAY, "group": "points", "state": "stopped", "selected": 3, "applied": 1, "failed": 1,
    "failed_letter": 7, "failure": "minutes is missing", "requested_at": AT, "ended_at": AT,
}  # fmt: skip
AUDIT: dict[str, Any] = {
    "run_id": REPLAY, "requested_by": EVENT, "requested_at": AT, "reason": "<b>月末对账",
    "state": "done", "violations": 1, "checks_total": 4, "checks_done": 4, "problem": None,
    "started_at": AT, "finished_at": AT,
    "report": [
        {
            "code": "A1", "title": "balances", "ok": False, "examined": 12, "breaches": 1, "notes": [], "seconds": 0.1,
            "offenders": [{"subject": "volunteer v", "detail": "available is 107, should be 100"}],
        }
    ],
}  # fmt: skip
ALERT: dict[str, Any] = {
    "alert_id": EVENT, "monitor": "silence", "unit": "minutes", "subject": SITE, "site_id": SITE, "reading": 31,
    "worst": 45, "threshold": 30, "threshold_version": 1, "raised_at": AT, "cleared_at": AT, "cleared_reading": 0,
    "notified": ["engineer"],
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "recruitment/sites": {"items": [{"site_id": SITE, "name": "惠民社区"}]},
    "recruitment/teams/names": {"items": []},
    "recruitment/volunteers/numbers": {"items": [{"volunteer_id": "v", "volunteer_number": "LD-2026-000461-7"}]},
    "operations/events": {"items": [CHECK_OUT], "next_cursor": "further"},
    "operations/events/histogram": {
        "seconds": 300, "buckets": ["2026-03-05T02:00:00Z", "2026-03-05T02:05:00Z", "2026-03-05T02:10:00Z"],
        "by_type": [
            {"type": "volunteering.attendance.recorded.v1", "events": [1, 0, 2]}, {"type": "a<b>", "events": [0, 0, 1]},
        ],
        "others": None, "total": 4, "complete": True,
    },
    f"operations/events/{EVENT}": DETAIL,
    "operations/traces/c-1": {"events": [CHECK_OUT | {"hops": HOPS}], "truncated": False},
    "operations/monitors": {
        "items": [
            {
                "monitor": "lag", "unit": "records",
                "thresholds": [
                    {
                        "version": 1, "trip": 1000, "clear": 100, "hold_seconds": 60, "calm_seconds": 60,
                        "made_by": None, "made_by_name": None, "reason": None, "made_at": AT,
                    }
                ],
                "readings": [
                    {
                        "subject": "notify", "site_id": None, "reading": 1200, "paused": True, "over_since": AT,
                        "alert_id": EVENT, "judged_at": AT,
                    }
                ],
            }
        ],
        "open_alerts": 1,
    },
    "operations/alerts": {"items": [ALERT], "next_cursor": None},
    "points/dead-letters/groups": {
        "items": [
            {
                "group_id": GROUP, "group": "points", "topic": "volunteering.attendance.v1", "event_type": "a.b",
                "kind": "permanent", "reason_class": "<i>minutes is missing", "records": 3, "seen": 9, "most_seen": 7,
                "replaying": 1, "first_seen_at": AT, "last_seen_at": AT, "newest_reason": "minutes is missing",
                "newest_id": 7, "replayable": True,
            }
        ]
    },
    "points/dead-letters": {"items": [LETTER], "next_cursor": None},
    "points/dead-letters/7": LETTER | {
        "headers": {}, "key": "v", "value": "<script>alert(3)</script>", "encoding": "text",
        "size": 25, "value_sha256": None, "traceparent": None,
    },
    "points/dead-letters/replays": {"items": [RUN]},
    f"points/dead-letters/replays/{REPLAY}": RUN,
    "points/consumers": {
        "items": [
            {
                "group": "points", "topics": ["attendance"], "controlled": True, "running": True, "lag": 12,
                "lags": [72, 12], "lag_seconds": 15.0, "drain": {"per_second": 4.0, "seconds": 3},
                "paused": {"by": EVENT, "at": AT, "until": AT}, "last_progress_at": AT, "resets_waiting": 1,
                "members": [],
                "partitions": [{"topic": "attendance", "partition": 0, "position": 1, "end": 13, "lag": 12}],
            }
        ]
    },
    "points/audit": {
        "items": [
            {
                "act_id": EVENT, "at": AT, "service": "points", "actor": EVENT, "actor_name": "engineer",
                "role": "engineer", "address": "127.0.0.1", "act": "replay", "dry_run": True, "group": "points",
                "target": {}, "reason": "<b>why", "result": {"records": 3},
            }
        ]
    },
    "operations/topics": {
        "minutes": [AT],
        "items": [
            {
                "topic": "attendance", "about": "", "owner": "recruitment", "key": "volunteer_id", "readers": [],
                "events": 3, "bytes": 4096, "per_minute": [0] * 59 + [3], "bytes_per_minute": [0] * 60,
                "partitions": [],
            }
        ],
    },
    "notify/reports/messages": {
        "messages": 3, "deliveries": [{"channel": "email", "status": "unknown", "count": 1}], "kinds": [],
    },
    "notify/deliveries": {
        "items": [
            {
                "event_id": EVENT, "channel": "email", "status": "unknown", "kind": "points", "attempts": 2,
                "reason": "<i>timeout", "updated_at": AT, "correlation_id": "c-1",
            }
        ],
        "next_cursor": None,
    },
    "points/reports/ledger": {
        "issued": 10, "available": 5, "held": 1, "spent": 3, "expired": 1, "donated": 1, "debt": 1, "volunteers": 2,
    },
    "points/ledger-audits": {"items": [AUDIT], "next_cursor": None},
    f"points/ledger-audits/{REPLAY}": AUDIT,
    f"points/events/{EVENT}": {"fates": [{"group": "points", "state": "applied", "dead_letter": None, "led_to": []}]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch) -> None:
    """The services answer what `ANSWERS` holds, and nothing else."""

    async def call(self: Upstream, method: str, service: str, path: str, **_sent: Any) -> Answer:
        if service + path not in ANSWERS:
            raise UpstreamAway(path)
        return Answer(200, ANSWERS[service + path])

    monkeypatch.setattr(Upstream, "call", call)


async def test_the_console_is_for_engineers_auditors_and_operators() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        for path in PAGES:
            for role in (Role.ENGINEER, Role.AUDITOR, Role.OPERATOR):
                shown = await setting.client.get(path, headers=cookie(role))
                assert shown.status_code == 200, f"{role} {path}"
            for role in (Role.STATION, Role.VOLUNTEER):
                assert (await setting.client.get(path, headers=cookie(role))).status_code == 403, f"{role} {path}"
            stranger = await setting.client.get(path, headers={"accept": "text/html"})
            assert (stranger.status_code, stranger.headers["location"][:19]) == (303, "/staff/login?next=%")


async def test_filters_of_the_address_stand_in_the_form_as_text() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        shown = await setting.client.get(
            "/console", params={"topic": "points", "text": '"><script>'}, headers=cookie(Role.ENGINEER)
        )
    assert '<option value="points" selected>' in shown.text
    assert '"><script>"' not in shown.text


async def test_search_event_and_trace_say_the_event_with_the_number_of_the_volunteer() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        for path in PAGES[-3:]:
            shown = (await setting.client.get(path, headers=cookie(Role.AUDITOR))).text
            assert "<b>LD-2026-000461-7</b> 在<b>惠民社区</b>签退，42 分钟" in shown, path
            assert "<script>alert" not in shown, path
        event = (await setting.client.get(PAGES[-2], headers=cookie(Role.AUDITOR))).text
        assert "已处理" in event
        found = (await setting.client.get("/console/search", params={"key": "v"}, headers=cookie(Role.AUDITOR))).text
        assert "key=v&amp;cursor=further" in found


async def test_engineers_are_offered_to_act_and_others_only_to_read() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        for path, act in ((OPERATING[1], "dead-letters/replay"), ("/console/streams", "consumers/points/resume")):
            acting = (await setting.client.get(path, headers=cookie(Role.ENGINEER))).text
            reading = (await setting.client.get(path, headers=cookie(Role.AUDITOR))).text
            assert f'data-api="POST /api/points/v1/{act}"' in acting
            assert 'data-api="POST /api/points' not in reading
            assert "<i>minutes" not in acting


async def test_an_audit_shows_what_does_not_fit_and_only_engineers_start_one() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        shown = (await setting.client.get(f"/console/ledger/audits/{REPLAY}", headers=cookie(Role.AUDITOR))).text
        assert "available is 107, should be 100" in shown
        assert "data-final" in shown
        for role, offered in ((Role.ENGINEER, True), (Role.AUDITOR, False), (Role.OPERATOR, False)):
            listed = (await setting.client.get("/console/ledger", headers=cookie(role))).text
            assert ("POST /api/points/v1/ledger-audits" in listed) == offered, role
            assert "<b>月末对账" not in listed


async def test_the_trail_is_of_all_services_and_reads_on_where_a_service_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    indexed = {
        "act_id": REPLAY, "event_id": EVENT, "at": AT, "service": "notify", "actor": EVENT, "role": "engineer",
        "act": "pause", "dry_run": False, "group": "notify", "subject": None, "records": 0,
    }  # fmt: skip
    same = indexed | {"act_id": EVENT, "act": "replay", "service": "points"}
    monkeypatch.setitem(ANSWERS, "operations/audit", {"items": [indexed, same], "next_cursor": "older"})
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        shown = (await setting.client.get("/console/audit", headers=cookie(Role.AUDITOR))).text
        assert shown.count("</tr>") == 1 + 2, "an act of index and service is one row"
        assert "&lt;b&gt;why" in shown
        assert "notify · notify" in shown
        assert "cursor=older" in shown


async def test_groups_of_faust_are_read_only_and_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    group = ANSWERS["points/consumers"]["items"][0] | {
        "group": "operations-live", "controlled": False, "paused": None, "lag": 0, "lags": [], "partitions": [],
    }  # fmt: skip
    monkeypatch.setitem(ANSWERS, "points/consumers", {"items": [group]})
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        shown = (await setting.client.get("/console/streams", headers=cookie(Role.ENGINEER))).text
    assert "只读，由 faust 运行" in shown
    assert "所以不提供" in shown
    assert 'data-api="POST /api/points' not in shown


async def test_a_search_is_downloaded_line_by_line_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "EXPORTED", 3)
    [event] = ANSWERS["operations/events"]["items"][:1]
    page = {"items": [event, event | {"number": 2}], "next_cursor": "older"}
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        ask = partial(setting.client.get, "/console/search.jsonl?key=v", headers=cookie(Role.AUDITOR))
        monkeypatch.setitem(ANSWERS, "operations/events", page)
        many = await ask()
        monkeypatch.setitem(ANSWERS, "operations/events", page | {"next_cursor": None})
        few = await ask()
        refused = await setting.client.get("/console/search.jsonl", headers=cookie(Role.STATION))
    assert many.headers["content-disposition"] == 'attachment; filename="events.jsonl"'
    lines = [json.loads(line) for line in many.text.splitlines()]
    assert [line.get("number") for line in lines[:3]] == [event["number"], 2, event["number"]]
    assert lines[3:] == [{"next_cursor": "older"}]
    assert [json.loads(line) for line in few.text.splitlines()] == page["items"]
    assert refused.status_code == 403


async def test_a_search_shows_when_its_events_came_and_leads_into_each_time() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        shown = (await setting.client.get("/console/search?key=v&until=2026-03-06", headers=cookie(Role.AUDITOR))).text
    assert "共 4 条，每格 5 分钟" in shown
    rows = re.findall(r'href="(/console/search[^"]*)">(\d\d:\d\d:\d\d)</a>', shown)
    zoomed = "/console/search?key=v&amp;until=2026-03-05T10%3A15%3A00&amp;since=2026-03-05T10%3A10%3A00"
    assert rows[0] == (zoomed, "10:10:00"), "the newest first, in the district's time"
    assert len(rows) == 2, "times without events are left out"
    [chart] = re.findall(r'id="histogram-chart">(.*?)</script>', shown)
    drawn = json.loads(chart)
    assert [one["figures"] for one in drawn["series"]] == [[1, 0, 2], [0, 0, 1]]
    assert len(drawn["times"]) == len(drawn["hrefs"]) == 3
    assert "<b>" not in chart


async def test_an_unknown_delivery_says_why_and_that_it_is_not_sent_again() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        shown = (await setting.client.get("/console/deliveries", headers=cookie(Role.AUDITOR))).text
    assert "&lt;i&gt;timeout" in shown
    assert "所以不重发" in shown
    assert 'href="/console/traces/c-1"' in shown


async def test_health_shows_version_crashes_and_how_fast_a_process_is(monkeypatch: pytest.MonkeyPatch) -> None:
    lives = {"items": [{"role": "worker", "running": 1, "started_at": AT, "crashes": 2}]}
    monkeypatch.setitem(ANSWERS, "points/processes", lives)
    metrics.BATCH_SECONDS.labels("health-page").observe(0.04)
    async with serve_ops(Settings(environment="test"), {}) as port:
        urls = {"points-worker": f"http://127.0.0.1:{port}"}
        async with gateway_running(auth_public_keys=SECRETS.public_keys, process_urls=urls) as setting:
            shown = (await setting.client.get("/console/health", headers=cookie(Role.AUDITOR))).text
    row = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown[shown.index("points-worker") :]))
    assert VERSION in row
    assert re.search(r" 2 .*≤ [\d,]+ 毫秒", row), row[:300]


async def test_an_account_leads_operators_to_the_statement_and_others_to_its_events() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        for role, who, target in (
            (Role.OPERATOR, EVENT, f"/staff/volunteers/{EVENT}/why"),
            (Role.OPERATOR, "LD-1&x", "/staff/volunteers?number=LD-1%26x"),
            (Role.AUDITOR, EVENT, f"/console/search?topic=points&key={EVENT}"),
            (Role.ENGINEER, "LD-1", "/console/ledger?refused=number"),
        ):
            sent = await setting.client.get("/console/ledger/account", params={"who": who}, headers=cookie(role))
            assert (sent.status_code, sent.headers["location"]) == (303, target)


async def test_the_time_to_drain_is_said_or_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    growing = ANSWERS["points/consumers"]["items"][0] | {
        "lags": [2, 12],
        "drain": {"per_second": -0.67, "seconds": None},
    }
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        shown = (await setting.client.get("/console/streams", headers=cookie(Role.AUDITOR))).text
        assert "积压 12 条 · 照这样还要 3 秒处理完" in shown
        monkeypatch.setitem(ANSWERS, "points/consumers", {"items": [growing]})
        shown = (await setting.client.get("/console/streams", headers=cookie(Role.AUDITOR))).text
        assert "积压 12 条 · 每秒多出 0.67 条，照这样永远处理不完" in shown


async def test_pages_say_which_services_are_away() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        for path in ("/console/dead-letters", "/console/streams", "/console/audit"):
            shown = (await setting.client.get(path, headers=cookie(Role.AUDITOR))).text
            assert "暂时没有回应" in shown
            assert "notify" in shown
        ended = (await setting.client.get(OPERATING[3], headers=cookie(Role.AUDITOR))).text
        assert "已停下" in ended
        assert "data-final" in ended


async def test_alerts_are_said_with_names_and_thresholds_change_by_engineers_alone() -> None:
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        acting = (await setting.client.get("/console/alerts", headers=cookie(Role.ENGINEER))).text
        reading = (await setting.client.get("/console/alerts", headers=cookie(Role.AUDITOR))).text
        assert "惠民社区有班次在进行，45 分钟没有人签到" in reading
        assert f"/console/search?site_id={SITE}" in reading
        assert "达到 1,000 条 告警，低于 100 条 解除" in reading
        assert 'data-api="POST /api/operations/v1/thresholds"' in acting
        assert "data-api" not in reading
        counted = (await setting.client.get("/console/alerts/open", headers=cookie(Role.AUDITOR))).text
        assert "1 条告警未解除" in counted


async def test_the_count_of_alerts_is_left_out_where_it_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ANSWERS, "operations/alerts")
    async with gateway_running(auth_public_keys=SECRETS.public_keys) as setting:
        counted = await setting.client.get("/console/alerts/open", headers=cookie(Role.OPERATOR))
    assert (counted.status_code, counted.text.strip()) == (200, "")
