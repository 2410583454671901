"""Credentials of badges: the public page that one leads to, the file, the way to the next badge, and badges by code."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import N_n, _, _n
from services.web.pages.render import page, qr
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import spell_minutes
from shared.auth.access import public

__all__ = ["as_download", "award_id_of", "badge_names", "nearest", "progress_line", "router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

_UNITS: Mapping[str, str] = {
    "records": N_n("%(n)s 次"),
    "services": N_n("%(n)s 人次"),
    "themes": N_n("%(n)s 个主题"),
    "sites": N_n("%(n)s 个阵地"),
    "weeks": N_n("%(n)s 周"),
}
_FORMATS: Mapping[str, str] = {"jwt": "application/vc+jwt", "json": "application/json"}


def progress_line(one: Mapping[str, Any]) -> dict[str, Any]:
    """One badge on the way, with what is still missing in words."""
    measure = str(one.get("measure", "services"))
    remaining = int(one["remaining"])
    missing = spell_minutes(remaining) if measure == "minutes" else _n(_UNITS.get(measure, "%(n)s"), remaining)
    return {**one, "missing": missing, "share": min(1.0, one["value"] / one["at_least"])}


def nearest(progress: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The badges that are not held yet, the nearest first."""
    lines = [progress_line(one) for one in progress if not one["held"] and one["remaining"]]
    return sorted(lines, key=lambda line: -line["share"])


async def badge_names(visit: Visit) -> Callable[[str], str]:
    """A function from the code of a badge to its name; the code itself while the criteria cannot be had."""
    found = await visit.get_optional("points", "/criteria")
    names = {one["badge"]: one["name"] for version in (found or {"items": []})["items"] for one in version["items"]}

    def said(code: str) -> str:
        badge, _dash, year = code.rpartition("-")
        if code not in names and badge in names:
            return _("%(year)s年度%(name)s", year=year, name=names[badge])
        return str(names.get(code, code))

    return said


@router.get("/credentials/{award_id}")
async def credential(visit: VisitOf, award_id: str) -> Response:
    """Whether an award stands, for everybody who has its address; no volunteer is named."""
    found = await visit.ask("points", f"/credentials/{award_id_of(award_id)}")
    names = await visit.team_names() if found["team_id"] else {}
    team = None
    if found["team_id"]:
        team = {"team_id": found["team_id"], "name": names.get(found["team_id"], _("志愿服务团队"))}
    return page(
        "public/credential.html",
        visit.session,
        path=visit.path,
        award=found,
        team=team,
        code=qr(found["page"], label=_("本页地址的二维码")),
    )


def as_download(found: Mapping[str, Any], form: str) -> Response:
    """A credential as a file.

    Raises:
        Problem: there is no such form.
    """
    if form not in _FORMATS:
        raise UpstreamProblem("not-found", "There is no such file.", status=404)
    content = found["jwt"] if form == "jwt" else json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    name = f"credential-{str(found['award_id'])[-12:]}.{form}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(content, media_type=_FORMATS[form], headers=headers)


def award_id_of(text: str) -> str:
    """An id as the services write it.

    Raises:
        Problem: it is none, so there is no such award.
    """
    try:
        return str(UUID(text))
    except ValueError:
        raise UpstreamProblem("award-unknown", "There is no such award.", status=404) from None
