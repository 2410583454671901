"""Errors of pages: a page that says so, or a problem for the script."""

import json
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from services.web.gateway.sessions import Session
from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.forms import ACTION
from services.web.pages.language import N_, _
from services.web.pages.refusals import say
from services.web.pages.render import page
from services.web.pages.visit import LoginNeeded, VisitOf, Web
from shared.auth.access import public
from shared.http.problems import problem, problem_of

__all__ = ["install", "render_error", "router"]

router = APIRouter(include_in_schema=False)

_ADDRESS = {
    "invalid-text": N_("地址里有不能识别的字符，请从首页重新进入。"),
    "number-out-of-range": N_("地址里的数字太大了，请从首页重新进入。"),
}
"""Problem types of wrong addresses, which no form field caused."""
_TITLES = {
    401: N_("请先登录"),
    403: N_("不能这样做"),
    404: N_("没有找到"),
    429: N_("太频繁了"),
    503: N_("服务暂时没有回应"),
}


def install(app: FastAPI) -> None:
    """Let the pages answer their own errors."""
    app.add_exception_handler(UpstreamProblem, _refused)
    app.add_exception_handler(UpstreamAway, _away)
    app.add_exception_handler(LoginNeeded, _login)


async def render_error(error: Exception, request: Request) -> Response:
    """Answer an error from before or beside the pages: a page for a browser, a problem for the script."""
    answer = problem_of(error, request)
    if not _wants_page(request):
        return answer
    document = json.loads(bytes(answer.body))
    type, status = document["type"], answer.status_code
    said = _ADDRESS.get(type) if request.method in ("GET", "HEAD") else None
    shown = page(
        "error.html",
        await _session(request),
        status=status,
        title=_(_TITLES.get(status, N_("没有成功"))),
        detail=_(said) if said else say(type, document["detail"], document),
        retry=status >= 500,
    )
    for name in ("allow", "retry-after"):
        if name in answer.headers:
            shown.headers[name] = answer.headers[name]
    return shown


@router.post(ACTION, dependencies=[public()])
async def without_script(visit: VisitOf) -> Response:
    """The answer to a form that was sent before the page's script had run; nothing of it is read or kept."""
    said = _(
        "这一页还没有准备好，刚才填的内容没有提交，也没有保存。请返回上一页，等载入完成再按；需要开启 JavaScript。"
    )
    return page("error.html", visit.session, status=400, title=_("还没有提交"), detail=said, retry=False)


@router.get("/{path:path}", dependencies=[public()])
async def nothing_here(visit: VisitOf) -> Response:
    """The page for addresses that lead nowhere; the last route of all."""
    return page(
        "error.html",
        visit.session,
        status=404,
        title=_("没有找到"),
        detail=say("not-found", "There is no such page."),
        retry=False,
    )


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, UpstreamProblem)
    if error.status == 401 and _wants_page(request):
        return await _login(
            request, LoginNeeded(_target(request), staff=request.url.path.startswith(("/staff", "/console")))
        )
    said = say(error.type, error.detail, error.extra)
    if _wants_page(request):
        title = _(_TITLES.get(error.status, N_("没有成功")))
        session = await _session(request)
        return page("error.html", session, status=error.status, title=title, detail=said, retry=False)
    return problem(error.status, error.type, said, **error.extra)


async def _away(request: Request, error: Exception) -> Response:
    said = say("service-away", "The service does not answer; try again in a few seconds. Nothing is sent twice.")
    if _wants_page(request):
        return page("error.html", Session(), status=503, title=_(_TITLES[503]), detail=said, retry=True)
    return problem(503, "service-away", said, headers={"Retry-After": "2"})


async def _login(request: Request, error: Exception) -> Response:
    assert isinstance(error, LoginNeeded)
    if not _wants_page(request):
        return problem(401, "token-missing", say("token-missing", "Please log in."))
    where = "/staff/login" if error.staff else "/login"
    response = RedirectResponse(f"{where}?{urlencode({'next': error.path})}", 303)
    response.raw_headers.extend(error.cookies)
    return response


async def _session(request: Request) -> Session:
    """The visitor, for the links at the top; a stranger if that is not known either."""
    web: Web = request.app.state.web
    return await web.sessions.read(request.scope["headers"])


def _target(request: Request) -> Any:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
