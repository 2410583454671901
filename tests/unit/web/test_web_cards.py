"""Cards and their scanner, as the pages show them."""

from typing import Any

import pytest

from services.web.gateway.sessions import Session
from services.web.pages.render import fragment, qr

STAFF = Session("token", {"sub": "staff", "roles": ["station"]})
VOLUNTEER = Session("token", {"sub": "volunteer", "roles": ["volunteer"]})
CARD = {"volunteer_number": "LD-2026-000001-0", "code": "WGC" + "A" * 24}
RECORD = {"started_at": "2026-03-04T01:00:00Z", "ended_at": None, "minutes": 0}


def scanned(tick: str = "in", why: str = "", waits: tuple[str, ...] = (), **record: Any) -> str:
    found = {
        "volunteer_number": CARD["volunteer_number"],
        "name": "王*",
        "record": None if why else {**RECORD, **record},
        "waits_for": waits,
    }
    return fragment("staff/parts/scanned.html", STAFF, found=found, why=why, tick=tick)


@pytest.mark.parametrize(
    ("html", "said"),
    [
        (scanned(), ["王*", "LD-2026-000001-0", "在场", "签到"]),
        (scanned("out", ended_at="2026-03-04T02:00:00Z", minutes=60), ["走了", "1 小时"]),
        (scanned(waits=("cap",)), ["时长要由别的站点核对"]),
        (scanned(why="没有签到，或已经签退了"), ["没有记", "没有签到，或已经签退了", "LD-2026-000001-0"]),
    ],
)
def test_a_scan_says_whom_it_recorded_and_how_they_stand(html: str, said: list[str]) -> None:
    assert [text for text in said if text not in html] == []


def test_the_scanner_takes_numbers_by_hand_where_there_is_no_camera() -> None:
    shift = {"shift_id": "s-1", "title": "夕阳别样红"}
    html = fragment("staff/scanner.html", STAFF, path="/staff/shifts/s-1/scan", shift=shift)
    camera = html.index("data-camera")
    assert "hidden" in html[camera : html.index(">", camera)], "until the script finds a camera"
    assert 'data-api="POST /staff/shifts/s-1/scan"' in html
    assert 'name="scanned"' in html


def test_an_own_card_shows_code_and_number_and_the_way_to_a_first_one() -> None:
    drawing = qr(CARD["code"], label="志愿者卡二维码")
    shown = fragment("volunteer/card.html", VOLUNTEER, path="/me/card", card=CARD, drawing=drawing)
    assert CARD["volunteer_number"] in shown
    assert "<svg" in shown
    assert 'name="replace"' in shown.replace("\n", " ")
    first = fragment("volunteer/card.html", VOLUNTEER, path="/me/card", card=None, drawing=None)
    assert "生成志愿者卡" in first


def test_a_sheet_holds_a_card_for_each_and_names_unknown_numbers() -> None:
    cards = [{**CARD, "drawing": qr(CARD["code"], label="志愿者卡二维码")}] * 3
    html = fragment("staff/parts/sheet.html", STAFF, cards=cards, unknown=["LD-2026-000009-9"])
    assert html.count('class="volunteer-card"') == 3
    assert "LD-2026-000009-9" in html
    form = fragment("staff/cards.html", STAFF, path="/staff/cards", numbers=["LD-2026-000001-0"])
    assert "LD-2026-000001-0" in form
