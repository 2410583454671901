"""The browser that a visit comes from: a random cookie that sessions are bound to, and the challenge it was given."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Annotated, Any

from fastapi import Depends, Request

from services.web.gateway.headers import cookie, cookies, find
from services.web.gateway.sessions import BROWSER, BROWSER_HEADER
from services.web.pages.visit import Visit, VisitOf

__all__ = ["Browser", "BrowserOf"]

_CHALLENGE = "wg_challenge"
_BROWSER_SECONDS = 400 * 24 * 3600
_CHALLENGE_SECONDS = 5 * 60
_LENGTHS = range(20, 201)


@dataclass(frozen=True, slots=True)
class Browser:
    """A visit's browser; one without the cookie gets a fresh one with the answer."""

    visit: Visit
    name: str
    fresh: bool
    challenge: str
    """The challenge of the code that it asked for last; empty when it asked for none."""
    agent: str

    async def post(self, path: str, body: object, **headers: str) -> Any:
        """Send a POST of this browser to recruitment.

        Raises:
            Problem: the service refused.
            UpstreamAway: it did not answer.
        """
        return await self.visit.post("recruitment", path, body, **self.headers, **headers)

    @property
    def headers(self) -> dict[str, str]:
        """Headers about the browser: the service binds sessions to the one and lists the other."""
        return {BROWSER_HEADER: self.name, "user-agent": self.agent}

    def kept(self, challenge: str | None = None) -> tuple[tuple[bytes, bytes], ...]:
        """The headers that keep the browser's name, if it is new, and a challenge, if there is one."""
        secure = self.visit.web.settings.secure
        found = []
        if self.fresh:
            found.append(cookie(BROWSER, self.name, seconds=_BROWSER_SECONDS, secure=secure))
        if challenge is not None:
            found.append(cookie(_CHALLENGE, challenge, seconds=_CHALLENGE_SECONDS if challenge else 0, secure=secure))
        return tuple(found)


async def _browser(visit: VisitOf, request: Request) -> Browser:
    sent = request.scope["headers"]
    found = cookies(sent)
    name = found.get(BROWSER, "")
    known = len(name) in _LENGTHS and name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    agent = (find(sent, b"user-agent") or b"").decode("latin-1")[:500]
    safe = "".join(char for char in agent if " " <= char <= "~")
    return Browser(visit, name if known else token_urlsafe(32), not known, found.get(_CHALLENGE, "")[:80], safe)


BrowserOf = Annotated[Browser, Depends(_browser)]
