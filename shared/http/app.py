"""The FastAPI application that every service's ``api`` role serves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache, partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.auth.access import public
from shared.auth.tokens import Verifier
from shared.errors import WeiguangError
from shared.http import health
from shared.http.cache import Cache
from shared.http.dispatch import RouteIndex
from shared.http.edge import Edge, ErrorRenderer
from shared.http.guard import RequestGuard
from shared.http.models import Input, Instant, Limit, Output
from shared.http.openapi import describe
from shared.http.problems import problem_of
from shared.http.query import refuse_unknown_parameters
from shared.http.routes import check_marked, templates_of, walk_routes
from shared.postgres import Bounds, Database
from shared.production import require_machine_clock
from shared.settings import Settings

__all__ = [
    "PLUMBING",
    "Db",
    "Input",
    "Instant",
    "Limit",
    "Output",
    "ReportDb",
    "create_app",
    "databases",
    "published",
    "walk_routes",
]

PLUMBING = ("/healthz", "/readyz", "/metrics", "/openapi.json")
"""Routes for operation, of every app unless said otherwise."""

_T = TypeVar("_T")

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


async def _db(request: Request) -> Database:
    db: Database = request.app.state.database
    return db


Db = Annotated[Database, Depends(_db)]
"""The service's database, put into ``app.state.database`` by the composition root."""


async def _reports(request: Request) -> Database:
    db: Database = getattr(request.app.state, "reports", None) or request.app.state.database
    return db


ReportDb = Annotated[Database, Depends(_reports)]
"""The pool for reports and exports (``app.state.reports``), so that they never hold what other requests need."""


async def published(request: Request, name: str, load: Callable[[], Awaitable[_T]]) -> _T:
    """A report for everybody, at most `report_age_seconds` old.

    Public readings of all kinds share all but one of the report pool's connections, so that staff get one.

    Raises:
        TransientError: too many different reports are asked for.
        TimeoutError: other reports took too long.
    """
    cache: Cache = request.app.state.public_reports
    settings: Settings = request.app.state.settings
    answer: _T = await cache.get(name, settings.report_age_seconds, load)
    return answer


def report_cache(settings: Settings) -> Cache:
    """An empty cache for `published`."""
    return Cache(at_once=max(1, settings.report_pool_size - 1), wait_seconds=settings.database_acquire_seconds)


@asynccontextmanager
async def databases(app: FastAPI, settings: Settings, *, reports: bool = False) -> AsyncIterator[None]:
    """The pools of an API while the block runs: `Db`, and `ReportDb` if the service has reports.

    Raises:
        TransientError: the server cannot be reached.
    """
    async with AsyncExitStack() as stack:
        app.state.database = await Database.connect(settings, bounds=Bounds.of_requests(settings))
        stack.push_async_callback(app.state.database.close)
        await require_machine_clock(settings, app.state.database)
        if reports:
            app.state.reports = await Database.connect(
                settings, size=settings.report_pool_size, bounds=Bounds.of_reports(settings)
            )
            stack.push_async_callback(app.state.reports.close)
        yield


async def by_problem(error: Exception, request: Request) -> Response:
    """Answer with a problem document."""
    return problem_of(error, request)


def create_app(
    settings: Settings,
    *,
    title: str,
    routers: Sequence[APIRouter],
    lifespan: Lifespan | None = None,
    readiness: health.Readiness | None = None,
    render_error: ErrorRenderer = by_problem,
    plumbing: Collection[str] = PLUMBING,
    strict_query: bool = True,
    inner: bool = True,
) -> FastAPI:
    """An app with its guards: problems for every error, limits on every body, traces, metrics and health.

    Args:
        lifespan: opens what the service needs and puts it into ``app.state`` (``database`` for `Db`).
        readiness: dependency → check that raises when it cannot be used; asked by ``/readyz``.
        strict_query: refuse query parameters that a route does not have; off for pages, whose addresses get parameters
            from messengers that pass them on.
        inner: continue the traces of callers, which are the gateway and other services; off for what strangers call.
        render_error: makes the answer to an exception; a problem, unless the app also serves browsers.
        plumbing: which of `PLUMBING` are served; an app on a public port leaves out what describes its inside.

    Raises:
        UnmarkedRouteError: a route says neither which roles may call it nor that it is public.
    """
    templates: dict[Any, str] = {}

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        check_marked(app)  # again: routes may have been added since
        templates.update(templates_of(app))
        async with AsyncExitStack() as stack:
            if lifespan is not None:
                await stack.enter_async_context(lifespan(app))
            yield

    app = FastAPI(
        title=title,
        lifespan=live,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(refuse_unknown_parameters)] if strict_query else [],
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = settings
    app.state.public_reports = report_cache(settings)
    app.state.verifier = Verifier(settings.auth_public_keys, service=settings.service)

    async def handler(request: Request, error: Exception) -> Response:
        return await render_error(error, request)

    for kind in (WeiguangError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, handler)
    app.include_router(_plumbing(readiness or {}, plumbing))
    for router in routers:
        app.include_router(router)
    app.router.routes.insert(0, RouteIndex(app.router.routes))
    check_marked(app)
    templates.update(templates_of(app))
    app.openapi = cache(partial(describe, app))  # type: ignore[method-assign]  # FastAPI's way to replace it
    app.add_middleware(RequestGuard)
    app.add_middleware(Edge, templates=templates, render_error=render_error, inner=inner)
    return app


def _plumbing(readiness: Mapping[str, Any], paths: Collection[str]) -> APIRouter:
    async def healthz() -> Response:
        return health.healthz()

    async def readyz() -> Response:
        return await health.readyz(readiness)

    async def metrics() -> Response:
        return health.metrics()

    async def openapi(request: Request) -> dict[str, Any]:
        document: dict[str, Any] = request.app.openapi()
        return document

    router = APIRouter(dependencies=[public()], include_in_schema=False)
    endpoints: tuple[Callable[..., Any], ...] = (healthz, readyz, metrics, openapi)
    for path, endpoint in zip(PLUMBING, endpoints, strict=True):
        if path in paths:
            router.add_api_route(path, endpoint, methods=["GET"])
    return router
