"""A page's session: the tokens lie in cookies that no script can read, and are refreshed on the way.

The web service owns nothing, so the cookies hold the tokens themselves. What they say about the caller is read here
without checking the signature, for display and to know when to refresh: every decision is the services'.
"""

import asyncio
import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from services.web.gateway.headers import Headers, cookie, cookies, find
from services.web.gateway.upstream import Answer, Upstream, UpstreamAway
from shared.clock import real_now

__all__ = ["ACCESS", "BROWSER", "BROWSER_HEADER", "REFRESH", "Session", "Sessions", "claims", "same_origin"]

_CACHING = frozenset({b"cache-control", b"cdn-cache-control", b"expires", b"pragma", b"surrogate-control"})
ACCESS = "wg_access"
REFRESH = "wg_refresh"
REFRESH_SECONDS = 30 * 24 * 3600
EARLY_SECONDS = 20
"""A token about to run out is refreshed before it is used, so that it cannot run out on the way."""
BROWSER = "wg_browser"
"""The browser's own random cookie, which outlives sessions; recruitment binds sessions to its hash."""
BROWSER_HEADER = "x-weiguang-browser"
SHARED_SECONDS = 2.0
"""How long a refresh answers the browser's other requests without asking again. Other gateways and later requests get
the same successor from recruitment, for the seconds of its grace."""
MOST_SHARED = 1024
"""Refreshes remembered at once; beyond them each request asks for itself."""


@dataclass(frozen=True, slots=True)
class Session:
    """The visitor that a page is made for; ``token`` is None for a stranger."""

    token: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    set_cookies: tuple[tuple[bytes, bytes], ...] = ()
    """Headers for the answer: refreshed or deleted cookies."""

    def on(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """An answer's headers with the session's cookies.

        With any to set, no cache may keep the answer, whatever it was: it would hand the session to the next request.
        """
        if not self.set_cookies:
            return list(headers)
        kept = [(name, value) for name, value in headers if name.lower() not in _CACHING]
        return [*kept, *self.set_cookies, (b"cache-control", b"private, no-store")]

    @property
    def roles(self) -> frozenset[str]:
        """The caller's roles, lower case; empty for a stranger."""
        return frozenset(str(role).lower() for role in self.claims.get("roles", ()))

    @property
    def volunteer_id(self) -> str | None:
        """The volunteer that the caller acts as, if any."""
        return self.person if self.roles & {"volunteer", "leader"} else None

    @property
    def person(self) -> str | None:
        """The volunteer that the caller is, if any; staff who are one too do not act as one."""
        value = self.claims.get("volunteer")
        return str(value) if value else None

    @property
    def centre(self) -> bool:
        """Whether the caller is an operator of the centre, bound to no site; only a filter, the services decide."""
        return "operator" in self.roles and self.claims.get("sites") == "*"

    def owns(self, site_id: str | None) -> bool:
        """Whether a site is the caller's; what lies at no site is the centre's. Only a filter, the services decide."""
        sites = self.claims.get("sites", [])
        return bool(sites == "*" or site_id in sites)

    @property
    def account(self) -> bool:
        """Whether the caller signed in with a staff account of their own."""
        return bool(self.roles & {"station", "operator", "engineer", "auditor", "enrolling"})

    @property
    def watches(self) -> bool:
        """Whether the caller may read the event streams."""
        return bool(self.roles & {"operator", "engineer", "auditor"})

    @property
    def staff(self) -> bool:
        """Whether the staff's pages are of use to the caller."""
        return bool(self.roles & {"leader", "station", "operator"})

    @property
    def stationed(self) -> bool:
        """Whether the caller acts for a site or the centre, not for a team alone."""
        return bool(self.roles & {"station", "operator"})

    @property
    def door(self) -> str:
        """The page where an account starts to work."""
        if "enrolling" in self.roles:
            return "/account/second-factor"
        return "/staff" if self.staff else "/console"


def claims(token: str) -> dict[str, Any] | None:
    """The payload of a token, unverified; None when it is not one."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def same_origin(headers: Headers) -> bool:
    """Whether a request that uses the session comes from our own pages.

    Our script sends a header that other sites cannot send without asking first, and browsers name the origin of what
    changes state. Either being wrong is enough to refuse.
    """
    if find(headers, b"x-weiguang-page") is None:
        return False
    origin = find(headers, b"origin")
    return origin is None or origin.rpartition(b"://")[2] == (find(headers, b"host") or b"")


class Sessions:
    """Reads sessions from cookies, and sends one refresh for all requests that carry the same token at once."""

    def __init__(self, upstream: Upstream, *, secure: bool) -> None:
        self._upstream = upstream
        self._secure = secure
        self._refreshes: dict[tuple[str, str], tuple[float, asyncio.Task[Answer]]] = {}

    async def read(self, headers: Headers) -> Session:
        """The session of a request; a stranger's when there is none or it has ended."""
        found = cookies(headers)
        access, refresh = found.get(ACCESS), found.get(REFRESH)
        payload = claims(access) if access else None
        if payload is not None and _fresh(payload):
            return Session(token=access, claims=payload)
        if not refresh:
            return Session(set_cookies=self.ended()) if access else Session()
        try:
            answer = await self._refreshed(refresh, found.get(BROWSER, ""))
        except UpstreamAway:
            # Not the person's fault: keep them logged in, and let the call itself say that the service is away.
            return Session(token=access, claims=payload or {})
        if answer.status >= 500:
            return Session(token=access, claims=payload or {})
        opened = self.opened(answer.body) if answer.status < 400 else None
        return opened or Session(set_cookies=self.ended())

    def opened(self, body: object) -> Session | None:
        """The session that a service's answer to a login opens, with the cookies to set; None if it is not one."""
        if not isinstance(body, dict):
            return None
        token = body.get("access_token")
        if not isinstance(token, str):
            return None
        kept = [self._cookie(ACCESS, token, REFRESH_SECONDS)]
        if isinstance(body.get("refresh_token"), str):
            kept.append(self._cookie(REFRESH, body["refresh_token"], REFRESH_SECONDS))
        return Session(token=token, claims=claims(token) or {}, set_cookies=tuple(kept))

    def ended(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers that delete the cookies."""
        return self._cookie(ACCESS, "", 0), self._cookie(REFRESH, "", 0)

    def _cookie(self, name: str, value: str, seconds: int) -> tuple[bytes, bytes]:
        return cookie(name, value, seconds=seconds, secure=self._secure)

    def forget(self, refresh: str) -> None:
        """Drop what is remembered about a token: after a logout nothing answers for it."""
        for key in [key for key in self._refreshes if key[0] == refresh]:
            del self._refreshes[key]

    async def _refreshed(self, refresh: str, browser: str) -> Answer:
        now, key = monotonic(), (refresh, browser)
        for old in [
            known for known, (at, task) in self._refreshes.items() if task.done() and now - at > SHARED_SECONDS
        ]:
            del self._refreshes[old]
        if (known := self._refreshes.get(key)) is not None:
            return await asyncio.shield(known[1])
        task = asyncio.create_task(self._ask(refresh, browser))
        if len(self._refreshes) < MOST_SHARED:
            self._refreshes[key] = (now, task)
            task.add_done_callback(lambda done: self._settle(key, done))
        # Shielded: a browser that goes away must not cancel the refresh that its other requests wait for.
        return await asyncio.shield(task)

    async def _ask(self, refresh: str, browser: str) -> Answer:
        headers = {BROWSER_HEADER: browser} if browser.isascii() and browser.isprintable() and browser else {}
        return await self._upstream.call(
            "POST", "recruitment", "/auth/refresh", body={"refresh_token": refresh}, headers=headers
        )

    def _settle(self, key: tuple[str, str], task: asyncio.Task[Answer]) -> None:
        """Remember a success from its end on, and forget everything else at once."""
        failed = task.cancelled() or task.exception() is not None or task.result().status >= 400
        if failed:
            self._refreshes.pop(key, None)
        elif key in self._refreshes:
            self._refreshes[key] = (monotonic(), task)


def _fresh(payload: Mapping[str, Any]) -> bool:
    expires = payload.get("exp")
    return isinstance(expires, int | float) and expires - EARLY_SECONDS > real_now().timestamp()
