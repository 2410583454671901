"""The start page of staff: what waits, then the shifts of today, then the rest. Pure."""

from typing import Any

from services.web.gateway.sessions import Session
from services.web.pages import render


def line(text: str, waits: bool) -> dict[str, Any]:
    return {"href": f"/staff/{text}", "text": text, "icon": "clock", "count": "", "waits": waits}


def test_work_that_waits_stands_before_the_shifts_and_the_rest_after_them() -> None:
    waiting = [line("quiet", False), line("busy", True)]
    html = bytes(
        render.page(
            "staff/home.html",
            Session("t", {"sub": "s", "roles": ["leader"]}),
            path="/staff",
            today=[],
            coming=[],
            held=None,
            waiting=waiting,
        ).body
    ).decode()
    main = html[html.index("<main") :]
    places = [main.index(text) for text in ("/staff/busy", "今天的班次", "/staff/quiet")]
    assert places == sorted(places)
