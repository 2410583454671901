"""The console's pages, with canned answers in place of the services: who may see them, and that what comes is text."""

from typing import Any

import pytest

from services.web.gateway.upstream import Answer, Upstream, UpstreamAway
from shared.auth.tokens import Role
from tests.support.cookies import cookie
from tests.support.gateways import gateway_running
from tests.support.settings import SECRETS

EVENT = "0192f000-0000-7000-8000-00000000000e"
PAGES = ("/console", "/console/search", f"/console/events/{EVENT}", "/console/traces/c-1")
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
ANSWERS: dict[str, Any] = {
    "recruitment/sites": {"items": [{"site_id": SITE, "name": "惠民社区"}]},
    "recruitment/teams/names": {"items": []},
    "recruitment/volunteers/numbers": {"items": [{"volunteer_id": "v", "volunteer_number": "LD-2026-000461-7"}]},
    "operations/events": {"items": [CHECK_OUT], "next_cursor": "further"},
    f"operations/events/{EVENT}": DETAIL,
    "operations/traces/c-1": {"events": [CHECK_OUT | {"hops": HOPS}], "truncated": False},
    f"points/events/{EVENT}": {"fates": [{"group": "points", "state": "applied", "dead_letter": None, "led_to": []}]},
}


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
        for path in PAGES[1:]:
            shown = (await setting.client.get(path, headers=cookie(Role.AUDITOR))).text
            assert "<b>LD-2026-000461-7</b> 在<b>惠民社区</b>签退，42 分钟" in shown, path
            assert "<script>alert" not in shown, path
        event = (await setting.client.get(PAGES[2], headers=cookie(Role.AUDITOR))).text
        assert "已处理" in event
        found = (await setting.client.get("/console/search", params={"key": "v"}, headers=cookie(Role.AUDITOR))).text
        assert "key=v&amp;cursor=further" in found
