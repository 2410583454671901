"""The application: one ring around the proxy, the pulse and the pages."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from services.web.gateway.headers import from_browser, security, to_browser
from services.web.gateway.places import Places
from services.web.gateway.problems import send_problem
from services.web.gateway.processes import Processes
from services.web.gateway.proxy import METHODS, Proxy, is_api
from services.web.gateway.sessions import Sessions
from services.web.gateway.upstream import CALLER, Upstream, UpstreamAway, open_session
from services.web.pages import assets, errors, look, messages
from services.web.pages.console import alerts, health, ledger, letters, live, search, streams
from services.web.pages.operator import (
    activations,
    adjustments,
    colleagues,
    complaints,
    design,
    desk,
    imports,
    menu_admin,
    reference,
    rules_admin,
    system,
)
from services.web.pages.public import (
    account,
    credentials,
    home,
    leaders,
    login,
    menu,
    projects,
    rules,
    service_points,
    teams,
)
from services.web.pages.refusals import translated
from services.web.pages.resident import orders
from services.web.pages.staff import (
    accounts,
    approvals,
    cases,
    devices,
    endings,
    offers,
    order_figures,
    organisation,
    organisation_parts,
    plan,
    records,
    recruiting,
    rectifications,
    rewards_admin,
    scanner,
    shifts,
)
from services.web.pages.staff import home as staff
from services.web.pages.staff import orders as staff_orders
from services.web.pages.visit import Web
from services.web.pages.volunteer import badges, card, contact, doors, me, scan
from services.web.pages.volunteer import shifts as own_shifts
from services.web.pages.volunteer import teams as own_teams
from services.web.pulse.hub import Hub
from services.web.pulse.stream import PULSE_PATH, stream_pulse
from services.web.pulse.tail import Tail
from services.web.settings import UPSTREAM_NAMES, WebSettings
from shared.auth.tokens import Verifier
from shared.http.address import grouped, networks, origin_of, within
from shared.http.app import create_app
from shared.http.cache import Cache
from shared.http.edge import UNMATCHED
from shared.http.health import Readiness
from shared.telemetry.metrics import REQUESTS

__all__ = ["Gateway", "create_gateway"]

_ORDERS = (
    menu.router,
    orders.router,
    doors.router,
    order_figures.router,
    staff_orders.router,
    offers.router,
    desk.router,
    complaints.router,
    menu_admin.router,
)
_STATION = (
    staff.router,
    recruiting.router,
    plan.router,
    endings.router,
    devices.router,
    shifts.router,
    scanner.router,
    records.router,
)

Message = MutableMapping[str, Any]


class Gateway:
    """The ASGI application that listens on the one address."""

    def __init__(self, settings: WebSettings, stopping: asyncio.Event) -> None:
        self._settings = settings
        self._stopping = stopping
        self._trusted = networks(tuple(settings.trusted_proxies))
        self._proxy: Proxy | None = None
        self.hub = Hub(settings.pulse_clients)
        self._security = security(secure=settings.secure)
        self._places = Places(settings.requests_per_address)
        self._watchers = Places(settings.pulse_clients_per_address)
        self._upstream: Upstream | None = None
        self.pages = create_app(
            settings,
            title="Weiguang web",
            strict_query=False,
            inner=False,
            routers=[
                assets.router,
                look.router,
                home.router,
                rules.router,
                login.router,
                account.router,
                colleagues.router,
                badges.router,
                credentials.router,
                teams.router,
                me.router,
                card.router,
                contact.router,
                own_teams.router,
                projects.router,
                service_points.router,
                *_ORDERS,
                messages.router,
                leaders.router,
                scan.router,
                own_shifts.router,
                *_STATION,
                rewards_admin.router,
                rules_admin.router,
                activations.router,
                cases.router,
                adjustments.router,
                imports.router,
                approvals.router,
                rectifications.router,
                accounts.router,
                organisation.router,
                organisation_parts.router,
                system.router,
                live.router,
                search.router,
                letters.router,
                alerts.router,
                streams.router,
                ledger.router,
                health.router,
                reference.router,
                *([] if settings.environment == "production" else [design.router]),
                errors.router,
            ],
            lifespan=self._open,
            plumbing=("/healthz",),  # the rest is asked on the port for operation
            render_error=errors.render_error,
        )
        errors.install(self.pages)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Send a request to the proxy, the pulse or the pages; every answer leaves with the security headers."""
        if scope["type"] != "http":
            await self.pages(scope, receive, send)
            return

        caller = origin_of(scope.get("client"), scope["headers"], self._trusted)
        CALLER.set(caller)
        # Programs beside the gateway and proxies without the header are not one caller: they are not counted.
        counted = None if within(caller, self._trusted) else grouped(caller)
        path: str = scope["path"]
        secure = self._settings.secure
        if secure:
            scope["headers"] = from_browser(scope["headers"])
        proxied = is_api(path) and path != PULSE_PATH
        look.remember(scope["headers"])

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                if proxied:
                    _count(scope["method"], path, message["status"])
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *(to_browser(message["headers"]) if secure else message["headers"]),
                    *(header for header in self._security if header[0] not in present),
                ]
            await send(message)

        if path == PULSE_PATH:
            with self._watchers.place(counted) as free:
                await stream_pulse(self.hub, scope["method"], free, receive, secured)
            return
        with self._places.place(counted) as free:
            if not free:
                detail = "Too many requests from this address at once; try again in a moment."
                await send_problem(secured, 429, "too-many-requests", detail, [(b"retry-after", b"2")])
            elif proxied and self._proxy is not None:
                await self._proxy(scope, receive, secured)
            else:
                await self.pages(scope, receive, secured)

    @asynccontextmanager
    async def _open(self, app: FastAPI) -> AsyncIterator[None]:
        async with open_session(self._settings) as session:
            upstream = Upstream(self._settings, session)
            sessions = Sessions(upstream, secure=self._settings.secure)
            self._upstream = upstream
            self._proxy = Proxy(upstream, sessions, translated)
            app.state.web = Web(
                self._settings,
                upstream,
                sessions,
                Cache(),
                Processes(session, self._settings.process_urls),
                Verifier(self._settings.auth_public_keys, service="recruitment"),
            )
            tasks = [
                asyncio.create_task(Tail(self._settings, self.hub.publish).run(self._stopping), name="pulse-tail"),
                asyncio.create_task(self._close_streams(), name="pulse-end"),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    async def _close_streams(self) -> None:
        """Endless answers must end before the server may stop."""
        await self._stopping.wait()
        self.hub.close()

    @property
    def readiness(self) -> Readiness:
        """Service → check that it answers."""
        return {name: self._readiness(name) for name in self._settings.upstreams}

    def _readiness(self, service: str) -> Callable[[], Awaitable[None]]:
        async def check() -> None:
            if self._upstream is None:
                raise UpstreamAway("not started")
            url = f"{self._upstream.base(service)}/healthz"
            async with self._upstream.session.get(url) as answer:
                answer.raise_for_status()

        return check


def _count(method: str, path: str, status: int) -> None:
    """Count a proxied request by its service; the service itself counts it by its route."""
    service = path.split("/", 3)[2]
    route = f"/api/{service}/…" if service in UPSTREAM_NAMES else UNMATCHED
    REQUESTS.labels(method if method in METHODS else "OTHER", route, str(status)).inc()


def create_gateway(settings: WebSettings, stopping: asyncio.Event) -> Gateway:
    """The application; ``stopping`` ends what would never end by itself."""
    return Gateway(settings, stopping)
