"""Which object each route acts on, and who may: one row for every route that takes an id, in its path, query or body.

Others than those named are refused (401, 403 or 404) and leave no trace; the rightful caller is not refused for who
they are. A route without a row fails the matrix: say here whose object it acts on.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from shared.http.routes import walk_routes
from tests.integration.objects.rows import (
    ALL,
    CENTRE,
    LEADER,
    OTHERS,
    REASON,
    STATION,
    VERSION,
    VOLUNTEER,
    Row,
    everybody,
)
from tests.integration.objects.shifts import SHIFT_ROWS

__all__ = ["OTHERS", "ROWS", "Row", "missing_rows", "routes_with_ids"]

Route = tuple[str, str, str]
"""(service, method, path below its version)"""

_IMPORT_ROWS = [{"registry_number": "LJ000001", "name": "赵建国", "phone": "13900000001", "site_id": "$site_id"}]

_RECRUITMENT: dict[tuple[str, str], Row] = {
    ("POST", "/auth/tokens"): everybody("a login, by a code to the caller's phone"),
    ("DELETE", "/auth/sessions/{session_id}"): VOLUNTEER,
    ("POST", "/auth/sessions/second-step"): everybody("a login, by what its holder has"),
    ("POST", "/auth/password-resets/completion"): everybody("by a code to the holder's phone"),
    ("POST", "/staff/invitations"): Row(
        "north",
        body={"username": "newcomer", "name": "某人", "phone": "13900000009", "role": "station", "site_id": "$site_id"},
    ),
    ("DELETE", "/staff/invitations/{invitation_id}"): Row("north"),
    ("GET", "/staff/invitations/by-token/{token}"): everybody("whoever holds the link was invited"),
    ("POST", "/staff/invitations/by-token/{token}/codes"): everybody("whoever holds the link was invited"),
    ("POST", "/staff/invitations/by-token/{token}/acceptance"): everybody("whoever holds the link was invited"),
    ("POST", "/staff/{staff_id}/activation"): Row("second"),
    ("POST", "/staff/{staff_id}/deactivation"): Row("north"),
    ("POST", "/staff/{staff_id}/password-reset"): Row("north"),
    ("PUT", "/staff/{staff_id}/volunteer"): CENTRE,
    ("POST", "/sites"): Row("north", body={"kind": "service_point", "name": "新窗口", "parent_id": "$site_id"}),
    ("POST", "/teams"): Row("north", body={"kind": "team", "name": "新队", "site_id": "$site_id", "docked": False}),
    ("POST", "/teams/{team_id}/leader"): STATION,
    ("PATCH", "/tags/{tag_id}"): Row("operator", body={**VERSION, "en": "hair"}),
    ("POST", "/tags/{tag_id}/close"): Row("operator", body=VERSION),
    ("PUT", "/teams/{team_id}/tags"): Row("station", body={"version": 2, "tag_ids": []}),
    ("PUT", "/sites/{site_id}/openings"): Row("station", body={**VERSION, "hours": []}),
    ("PUT", "/sites/{site_id}/position"): Row("north", body={**VERSION, "latitude": 46.6, "longitude": 131.1}),
    ("GET", "/sites/{site_id}/position"): everybody("where a site lies is on every map"),
    ("GET", "/sites/{site_id}/openings"): everybody("opening hours hang on the door"),
    ("GET", "/projects/{project_id}"): everybody("brand projects are public"),
    ("POST", "/projects/{project_id}/honours"): Row(
        "station", body={"title": "优秀项目", "awarded_by": "区", "year": 2024}
    ),
    ("PATCH", "/honours/{honour_id}"): Row("station", body={**VERSION, "year": 2022}),
    ("POST", "/honours/{honour_id}/close"): Row("station", body=VERSION),
    ("POST", "/organisations"): Row("north", body={"name": "协会", "level": "community", "site_id": "$site_id"}),
    ("PATCH", "/organisations/{organisation_id}"): Row("north", body={**VERSION, "name": "改名"}),
    ("POST", "/organisations/{organisation_id}/close"): Row("north", body=VERSION),
    ("POST", "/trainings"): Row("north", body={
        "title": "新版培训", "mode": "online", "site_id": "$site_id", "starts_at": "2026-03-01T09:00:00+08:00",
        "ends_at": "2026-03-01T11:00:00+08:00",
    }),
    ("GET", "/trainings/{training_id}"): Row(
        "station", frozenset({"other_station", "other_operator"}), why="holds numbers of people, no person"
    ),
    ("PATCH", "/trainings/{training_id}"): Row("north", body={**VERSION, "title": "改名"}),
    ("PUT", "/trainings/{training_id}/attendances/{organisation_id}"): Row("north", body={"people": 5}),
    ("POST", "/trainings/{training_id}/close"): Row("north", body=VERSION),
    ("GET", "/teams/directory"): everybody("which teams there are is public", query={"site_id": "site_id"}),
    ("GET", "/teams/{team_id}"): everybody("what a team is, is public; its members are not"),
    ("POST", "/teams/{team_id}/requests"): Row("volunteer", frozenset({"stranger"}), why="acts on the caller alone"),
    ("POST", "/teams/{team_id}/members"): STATION,
    ("GET", "/teams/{team_id}/members"): LEADER,
    ("GET", "/teams/{team_id}/terms"): LEADER,
    ("POST", "/teams/{team_id}/dockings"): STATION,
    ("GET", "/teams/{team_id}/dockings"): everybody("which sites a team serves is public"),
    ("POST", "/dockings/{docking_id}/end"): STATION,
    ("POST", "/memberships/{membership_id}/withdrawal"): Row("volunteer", ids={"membership_id": "asked_id"}),
    ("POST", "/memberships/{membership_id}/leaving"): VOLUNTEER,
    ("POST", "/memberships/{membership_id}/approval"): LEADER,
    ("POST", "/memberships/{membership_id}/decline"): Row("leader", body={"reason": "full"}),
    ("POST", "/memberships/{membership_id}/removal"): Row("leader", body={"reason": "moved"}),
    ("POST", "/memberships/{membership_id}/role"): Row("station", body={"role": "deputy"}),
    ("POST", "/projects"): Row("station", body={"name": "晨光问候", "site_id": "$site_id", "pillar": "precise"}),
    ("PATCH", "/sites/{site_id}"): Row("north", body={**VERSION, "name": "改名"}),
    ("POST", "/sites/{site_id}/close"): Row("north", body=VERSION),
    ("PATCH", "/teams/{team_id}"): Row("north", body={"version": 2, "name": "改名"}),
    ("POST", "/teams/{team_id}/close"): Row("north", body={"version": 2}),
    ("PATCH", "/themes/{theme_id}"): Row("operator", body={**VERSION, "name": "改名"}),
    ("POST", "/themes/{theme_id}/close"): Row("operator", ids={"theme_id": "idle_theme"}, body=VERSION),
    ("PATCH", "/projects/{project_id}"): Row("station", body={**VERSION, "name": "改名"}),
    ("POST", "/projects/{project_id}/close"): Row("station", body=VERSION),
    ("PATCH", "/drives/{drive_id}"): Row("station", body={**VERSION, "name": "改名"}),
    ("POST", "/drives/{drive_id}/close"): Row("station", body=VERSION),
    ("PATCH", "/appeals/{appeal_id}"): Row("operator", body={**VERSION, "title": "改名"}),
    ("POST", "/appeals/{appeal_id}/close"): Row("operator", body=VERSION),
    ("GET", "/changes/{kind}/{object_id}"): Row(
        "station", frozenset({"other_station", "other_operator"}), {"kind": "site", "object_id": "site_id"},
        hidden="change_id", why="lists only what was changed at the caller's sites",
    ),
    ("POST", "/drives"): STATION,
    ("GET", "/drives/by-code/{code}"): everybody("what stands on the poster"),
    ("GET", "/drives/{drive_id}"): STATION,
    ("GET", "/drives/{drive_id}/poster.svg"): everybody("the poster hangs in the street"),
    ("GET", "/drives/{drive_id}/poster.pdf"): everybody("the poster hangs in the street"),
    ("GET", "/sites/{site_id}/menu-poster.pdf"): Row(
        "station", frozenset({"other_station", "other_operator"}), why="any member of staff prints posters of a menu"
    ),
    ("GET", "/appeals/by-code/{code}"): everybody("what stands in the article"),
    ("POST", "/volunteers"): everybody("people register themselves, by a code to their phone"),
    ("POST", "/volunteers/{volunteer_id}/phone/codes"): Row("station", body={"phone": "13900000077"}),
    ("POST", "/volunteers/me/phone"): Row(None, frozenset({"stranger"}), why="acts on the caller alone"),
    ("PUT", "/volunteers/{volunteer_id}/birth-date"): Row(
        "station", body={"birth_date": "1990-05-01", "purpose": "看过身份证"}
    ),
    ("POST", "/volunteers/{volunteer_id}/phone"): Row(
        None,
        body={"phone": "13900000077", "challenge_id": "$volunteer_id", "code": "000000", "evidence": "看过身份证"},
        why="without the code that the new phone got, the station is refused too",
    ),
    ("POST", "/volunteers/claims"): everybody("people claim their account by a code to their phone"),
    ("POST", "/residents"): everybody("people register themselves, by a code to their phone"),
    ("POST", "/imports/digests"): Row(
        "north", frozenset({"other_operator"}), why="computes; reads and stores nothing", body={"rows": _IMPORT_ROWS}
    ),
    ("GET", "/imports/{proposal_id}"): Row("operator", frozenset({"other_operator"}), why="may be the second person"),
    ("POST", "/imports/{proposal_id}/decision"): Row(
        None, body={"decision": "approve", "reason": "核对过"},
        why="active staff of another site or the centre decide; tested with the imports",
    ),
    ("POST", "/imports/{proposal_id}/batches"): Row("operator", body={"rows": _IMPORT_ROWS}),
    ("POST", "/imports/{proposal_id}/withdrawal"): Row("operator"),
    ("GET", "/volunteers/{volunteer_id}"): STATION,
    ("POST", "/volunteers/numbers"): Row(
        "station", frozenset({"other_station", "other_operator", "engineer"}),
        why="a number is a pseudonym like the id that the caller holds",
    ),
    ("GET", "/looks"): Row("operator", query={"volunteer_id": "volunteer_id"}),
    ("POST", "/volunteers/{volunteer_id}/unmask"): Row("station", body={"purpose": "核对保险"}),
    ("GET", "/internal/volunteers/{volunteer_id}/address"): Row("notify"),
    **SHIFT_ROWS,
    ("POST", "/attendance/approvals/decisions"): Row(
        None, frozenset({"other_station", "other_operator"}),
        body={"record_ids": ["$record_id"], "decision": "approve", "reason": "核对过"},
        why="staff of another site decide on what waits; tested with the approvals",
    ),
    ("GET", "/attendance/approvals"): Row(
        "station", frozenset({"other_station", "other_operator", "other_leader"}), hidden="record_id",
        why="lists what the caller may decide",
    ),
    ("POST", "/devices"): STATION,
    ("POST", "/devices/{device_id}/revoke"): STATION,
    ("PUT", "/working-days/{day}"): Row("operator", ids={"day": "working_day"}, body={"works": False}),
    ("PUT", "/menu/needs/{tag_id}"): Row("operator", body={"version": 0}),
    ("POST", "/orders"): Row(
        "station", frozenset({"stranger", "resident"}), why="residents order for themselves",
        body={
            "need_tag": "$tag_id", "site_id": "$site_id", "taken_by": "phone",
            "wished_from": "2026-03-05T01:00:00Z", "wished_to": "2026-03-06T01:00:00Z",
            "resident": {"name": "王芳", "phone": "13512340000"},
            "details": {"address": "和平路 7 号", "phone": "13512340000"},
        },
    ),
    ("GET", "/orders"): Row("station", query={"site_id": "site_id"}),
    ("GET", "/orders/{order_id}"): VOLUNTEER,
    ("GET", "/orders/{order_id}/suggestions"): STATION,
    ("GET", "/orders/{order_id}/details"): STATION,
    ("GET", "/orders/{order_id}/looks"): VOLUNTEER,
    ("GET", "/orders/{order_id}/door-code"): VOLUNTEER,
    ("POST", "/orders/{order_id}/door"): Row(None, why="for those signed up for its shift; tested with the orders"),
    ("GET", "/shifts/{shift_id}/order"): Row(None, why="for those signed up for it; tested with the orders"),
    ("POST", "/orders/{order_id}/review"): Row("station", body={"decision": "take"}),
    ("POST", "/orders/{order_id}/answer"): Row("volunteer", body={"words": "上午"}),
    ("POST", "/orders/{order_id}/accept"): Row(None, why="a row above appoints another leader"),
    ("POST", "/orders/{order_id}/decline"): Row(
        None, body={"team_id": "$team_id", "reason_code": "no-time"}, why="a row above appoints another leader"
    ),
    ("POST", "/orders/{order_id}/dispatch"): STATION,
    ("POST", "/orders/{order_id}/schedule"): LEADER,
    ("POST", "/orders/{order_id}/complete"): LEADER,
    ("POST", "/orders/{order_id}/rating"): VOLUNTEER,
    ("POST", "/orders/{order_id}/reopen"): VOLUNTEER,
    ("POST", "/orders/{order_id}/cancel"): Row("volunteer", body={"reason_code": "wrong-entry"}),
    ("POST", "/attendance/batches"): Row(None, why="a batch is signed by its device; tested with the uploads"),
}  # fmt: skip

_DISTRICT = Row(None, ids={"rehearsal_id": "nothing", "activation_id": "nothing"}, why="the centre's by its mark")
_POINTS: dict[tuple[str, str], Row] = {
    ("GET", "/activities/{activity_id}/void-preview"): CENTRE,
    ("GET", "/activities/{activity_id}/ending-preview"): CENTRE,
    ("GET", "/rules/{version}"): everybody("rules are public", ids={"version": "one"}),
    ("POST", "/rules/{version}/rehearsals"): Row(None, ids={"version": "one"}, why="the centre's by its mark"),
    ("POST", "/rules/{version}/activation"): Row(
        None, ids={"version": "one"}, body={"rehearsal_id": "$nothing", "reason": "x"}, why="the centre's by its mark"
    ),
    **{
        (method, f"/{path}"): _DISTRICT
        for method, path in (
            ("GET", "rehearsals/{rehearsal_id}"),
            ("POST", "rehearsals/{rehearsal_id}/cancel"),
            ("GET", "rehearsals/{rehearsal_id}/volunteers"),
            ("GET", "rehearsals/{rehearsal_id}/budget"),
            ("GET", "rehearsals/{rehearsal_id}/volunteers.csv"),
            ("GET", "rehearsals/{rehearsal_id}/budget.csv"),
            ("GET", "activations/{activation_id}"),
            ("GET", "activations/{activation_id}/moves"),
            *(
                ("POST", f"activations/{{activation_id}}/{act}")
                for act in (
                    "approve", "reject", "withdraw", "resume", "reversal", "reversal/approve", "reversal/reject",
                    "reversal/withdraw",
                )
            ),
        )
    },
    **{
        ("GET", f"/accounts/{{volunteer_id}}{path}"): VOLUNTEER
        for path in (
            "", "/statement", "/statement.csv", "/transfers/{transfer_id}", "/explanation", "/explanations", "/badges",
            "/badges/{award_id}/credential", "/visibility",
        )
    },
    ("PUT", "/accounts/{volunteer_id}/visibility"): Row("volunteer", body={"shown": False}),
    ("POST", "/redemptions/captures"): Row(
        "station", frozenset({"other_station", "other_operator"}), body={"pickup_code": "ABCD2345", "site_id": None},
        why="the code names the item; wrong codes are counted against their typist",
    ),
    ("POST", "/adjustments"): Row("north", body={"volunteer_id": "$volunteer_id", "points": 5, **REASON}),
    ("GET", "/adjustments"): Row(
        "north", frozenset({"other_operator"}), query={"volunteer_id": "volunteer_id"}, hidden="adjustment_id",
        why="lists those of the caller's sites",
    ),
    ("GET", "/adjustments/{adjustment_id}"): Row("north"),
    ("POST", "/adjustments/{adjustment_id}/approve"): Row("second"),
    ("POST", "/adjustments/{adjustment_id}/reject"): Row("second"),
    ("POST", "/adjustments/{adjustment_id}/withdraw"): Row("operator"),
    ("GET", "/teams/{team_id}/badges/{award_id}/credential"): everybody("what a team shows to verifiers"),
    ("GET", "/credentials/{award_id}"): everybody("what a volunteer shows to verifiers"),
    ("GET", "/credentials/{award_id}/revocations"): everybody("what verifiers ask"),
    ("POST", "/complaints"): Row("north", body={"record_id": "$record_id", "reason": "没有人来"}),
    ("POST", "/complaints/{complaint_id}/withdraw"): Row("north"),
    ("POST", "/complaints/proposals/{proposal_id}/decision"): Row(
        "north", body={"decision": "dismiss", "reason": "核实过"}, ids={"proposal_id": "complaint_proposal"}
    ),
    ("POST", "/referrals"): Row("station", body={"referrer_id": "$volunteer_id", "referred_id": "$referred_id"}),
    ("GET", "/referrals"): Row(
        "station", frozenset({"other_station", "other_operator"}), query={"referrer_id": "volunteer_id"},
        hidden="referral_id", why="lists those of the caller's sites",
    ),
    ("POST", "/referrals/{referral_id}/withdraw"): STATION,
    ("GET", "/cases/{case_id}"): STATION,
    ("POST", "/cases/{case_id}/clear"): Row("north"),
    ("POST", "/cases/{case_id}/confirm"): Row("north"),
    ("POST", "/cases/{case_id}/flags"): Row("north"),
    ("GET", "/rewards/{reward_id}/stock"): Row(
        "station", frozenset({"other_station", "other_operator"}), hidden="site_id", why="shows the caller's shelves"
    ),
    ("POST", "/rewards/{reward_id}/stock"): STATION,
    ("POST", "/redemptions"): Row("volunteer", frozenset({"stranger"}), why="spends the caller's own points"),
    ("GET", "/redemptions"): Row(
        "volunteer", frozenset({"stranger", "other_station", "other_operator"}), query={"reward_id": "reward_id"},
        hidden="redemption_id", why="lists the caller's own, or those of their sites",
    ),
    ("GET", "/redemptions/{redemption_id}"): VOLUNTEER,
    ("POST", "/redemptions/{redemption_id}/capture"): Row("station", body={"pickup_code": "ABCD2345"}),
    ("POST", "/redemptions/{redemption_id}/release"): VOLUNTEER,
    ("POST", "/redemptions/{redemption_id}/refund"): Row("north"),
    ("GET", "/catalogue/{reward_id}"): Row(
        "station", frozenset({"other_station", "other_operator"}), why="the catalogue is the district's"
    ),
    ("PUT", "/rewards/{reward_id}"): CENTRE,
    ("POST", "/rewards/{reward_id}/withdrawal"): CENTRE,
    ("GET", "/rewards/{reward_id}/stock/{site_id}/history"): STATION,
    ("POST", "/rewards/{reward_id}/counts"): STATION,
    ("PUT", "/rewards/{reward_id}/sites/{site_id}/hold-days"): STATION,
    ("PUT", "/rewards/{reward_id}/photo"): Row(None, why="the centre's by its mark; the body is an image"),
    ("GET", "/rewards/{reward_id}/photo"): everybody("the shelf is public"),
    ("GET", "/leaders"): Row(
        "volunteer", ALL, query={"site_id": "site_id"}, hidden="volunteer_id", why="shows those who chose to be shown"
    ),
    ("GET", "/teams/{team_id}/badges"): everybody("the standings of teams are public"),
    ("GET", "/ledger-audits/{run_id}"): Row(None, why="the centre's by its mark: it concerns the whole district"),
}  # fmt: skip

_OPERATIONS: dict[tuple[str, str], Row] = {
    ("GET", "/events"): Row(
        "north", frozenset({"other_operator", "engineer"}), hidden="event_id", why="lists those of the caller's sites"
    ),
    ("GET", "/events/stream"): Row(
        "north", frozenset({"other_operator", "engineer"}), hidden="event_id", why="sends those of the caller's sites"
    ),
    ("GET", "/events/histogram"): Row(
        "north", frozenset({"other_operator", "engineer"}), hidden="event_id", why="counts those of the caller's sites"
    ),
    ("GET", "/events/{event_id}"): Row("north"),
    ("GET", "/traces/{correlation_id}"): Row("north"),
}  # fmt: skip

_NOTIFY: dict[tuple[str, str], Row] = {("POST", "/inbox/{message_id}/read"): VOLUNTEER}

_MOUNTED = Row(None, why="the centre's by its mark: streams concern the whole district")
_OPERATORS: dict[tuple[str, str], Row] = {
    ("GET", "/dead-letters"): _MOUNTED,
    ("GET", "/dead-letters/{letter_id}"): _MOUNTED,
    ("GET", "/dead-letters/replays/{replay_id}"): _MOUNTED,
    ("POST", "/dead-letters/replay"): _MOUNTED,
    ("POST", "/dead-letters/discard"): _MOUNTED,
    ("POST", "/dead-letters/restore"): _MOUNTED,
    ("POST", "/consumers/{group}/pause"): _MOUNTED,
    ("POST", "/consumers/{group}/resume"): _MOUNTED,
    ("POST", "/consumers/{group}/reset"): _MOUNTED,
}
"""Every service mounts these, and one that asks what became of an event."""


def _mounted(service: str) -> dict[tuple[str, str], Row]:
    path = "/fates/{event_id}" if service == "operations" else "/events/{event_id}"
    return {**_OPERATORS, ("GET", path): _MOUNTED}


ROWS: dict[Route, Row] = {
    (service, *route): row
    for service, rows in (
        ("recruitment", _RECRUITMENT),
        ("points", _POINTS),
        ("notify", _NOTIFY),
        ("operations", _OPERATIONS),
    )
    for route, row in (_mounted(service) | rows).items()
}


def routes_with_ids(service: str, app: FastAPI) -> Iterator[Route]:
    """Every route of a service that takes an id in its path, in its query, or anywhere in its body."""
    document = app.openapi()
    for route in walk_routes(app):
        _, version, path = route.path.partition("/v1")
        if not version:
            continue
        operation = document["paths"][route.path][route.method.lower()]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        asked = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
        if "{" in path or any(map(_names_object, asked)) or (body and _takes_id(body["schema"], document, ())):
            yield service, route.method, path


def missing_rows(service: str, app: FastAPI) -> list[Route]:
    """Routes that take an id and have no row."""
    return [route for route in routes_with_ids(service, app) if route not in ROWS]


def _names_object(name: str) -> bool:
    return name.endswith(("_id", "_ids"))


def _takes_id(schema: dict[str, Any], document: dict[str, Any], within: tuple[str, ...]) -> bool:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name not in within and _takes_id(document["components"]["schemas"][name], document, (*within, name))
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("oneOf", [])]
    inner += [schema["items"]] if isinstance(schema.get("items"), dict) else []
    return any(map(_names_object, schema.get("properties", {}))) or any(
        _takes_id(each, document, within) for each in inner
    )
