"""A visit to a page: whose it is, and what they may ask of the services."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from services.web.gateway.processes import Processes
from services.web.gateway.sessions import Session, Sessions
from services.web.gateway.upstream import Upstream, UpstreamAway, UpstreamProblem
from services.web.settings import WebSettings
from shared.auth.tokens import Role, Verifier
from shared.http.cache import Cache

__all__ = [
    "LoginNeeded",
    "Visit",
    "VisitOf",
    "Web",
    "centre_only",
    "console_only",
    "operators_only",
    "safe_next",
    "staff_only",
    "watchers_only",
]


@dataclass(slots=True)
class Web:
    """Resources of the process for all visits; made by the composition root."""

    settings: WebSettings
    upstream: Upstream
    sessions: Sessions
    cache: Cache
    processes: Processes
    verifier: Verifier
    """Of recruitment's tokens: the one page whose content no service guards checks the caller itself."""


class LoginNeeded(Exception):
    """The page needs a login, and the visitor has none."""

    def __init__(self, path: str, *, staff: bool = False, cookies: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """Args: cookies: headers for the answer, for what the browser should keep meanwhile."""
        super().__init__(path)
        self.path = path
        self.staff = staff
        self.cookies = cookies


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a page."""

    web: Web
    session: Session
    path: str
    target: str
    """The path with its query: where to come back after a login."""

    async def ask(self, service: str, path: str, **query: str) -> Any:
        """Send a GET to a service with the visitor's own token.

        Raises:
            Problem: the service refused.
            UpstreamAway: it did not answer.
        """
        answer = await self.web.upstream.call("GET", service, path, token=self.session.token, query=query or None)
        return answer.accepted()

    async def get_optional(self, service: str, path: str, **query: str) -> Any | None:
        """Like `ask`, but None where the service is away or has nothing: the rest of the page still stands."""
        try:
            return await self.ask(service, path, **query)
        except UpstreamAway:
            return None
        except UpstreamProblem as problem:
            if problem.status == 401:
                raise
            return None

    async def post(self, service: str, path: str, body: object, **headers: str) -> Any:
        """Send a POST to a service.

        Raises:
            Problem: the service refused.
            UpstreamAway: it did not answer.
        """
        answer = await self.web.upstream.call(
            "POST", service, path, token=self.session.token, body=body, headers=headers
        )
        return answer.accepted()

    async def site_names(self) -> dict[str, str]:
        """Names of the sites by id; the same for everybody, so asked for seldom."""

        async def load() -> dict[str, str]:
            found = await self.ask("recruitment", "/sites")
            items = found.get("items", found) if isinstance(found, dict) else found
            return {str(site["site_id"]): str(site["name"]) for site in items}

        try:
            names: dict[str, str] = await self.web.cache.get("sites", self.web.settings.names_age_seconds, load)
            return names
        except (UpstreamProblem, UpstreamAway):
            return {}

    async def team_names(self) -> dict[str, str]:
        """Names of the teams by id; the same for everybody, so asked for seldom."""

        async def load() -> dict[str, str]:
            found = await self.ask("recruitment", "/teams/names")
            return {str(team["team_id"]): str(team["name"]) for team in found["items"]}

        try:
            names: dict[str, str] = await self.web.cache.get("teams by name", self.web.settings.names_age_seconds, load)
            return names
        except (UpstreamProblem, UpstreamAway):
            return {}

    def volunteer(self) -> str:
        """The visiting volunteer's id.

        Raises:
            LoginNeeded: the visitor is a stranger.
            Problem: they are known, and no volunteer.
        """
        if self.session.volunteer_id is None:
            if self.session.claims:
                raise UpstreamProblem("volunteers-only", "This page is a volunteer's.", status=403)
            raise LoginNeeded(self.target)
        return self.session.volunteer_id

    def resident(self) -> None:
        """Require a person who signed in by phone: residents and volunteers may order.

        Raises:
            LoginNeeded: the visitor is a stranger.
            Problem: they are known, and of the staff.
        """
        if "resident" not in self.session.roles:
            if self.session.claims:
                raise UpstreamProblem("residents-only", "This page is a resident's.", status=403)
            raise LoginNeeded(self.target)

    def staff(self) -> None:
        """Require a member of the staff.

        Raises:
            LoginNeeded: the visitor is a stranger.
            Problem: they are known, and not of the staff.
        """
        if not self.session.staff:
            if self.session.claims:
                raise UpstreamProblem("role-not-allowed", "This page is for staff.", status=403)
            raise LoginNeeded(self.target, staff=True)


async def _visit(request: Request) -> Visit:
    web: Web = request.app.state.web
    session = await web.sessions.read(request.scope["headers"])
    query = request.url.query
    target = request.url.path + (f"?{query}" if query else "")
    return Visit(web, session, request.url.path, target)


VisitOf = Annotated[Visit, Depends(_visit)]


def operators_only(visit: Visit) -> None:
    """Require an operator, of the centre or of some sites.

    Raises:
        LoginNeeded: the visitor is a stranger.
        Problem: they are known, and no operator.
    """
    visit.staff()
    if "operator" not in visit.session.roles:
        raise UpstreamProblem("role-not-allowed", "This page is for operators.", status=403)


def console_only(visit: Visit) -> None:
    """Require an engineer, an auditor or an operator; raises as `_verified`."""
    _verified(visit, Role.ENGINEER, Role.AUDITOR, Role.OPERATOR)


def watchers_only(visit: Visit) -> None:
    """Require an engineer or an auditor; raises as `_verified`."""
    _verified(visit, Role.ENGINEER, Role.AUDITOR)


def staff_only(visit: Visit) -> None:
    """Require a member of staff, an engineer or an auditor; raises as `_verified`."""
    _verified(visit, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR)


def _verified(visit: Visit, *roles: Role) -> None:
    """Require a role by the token's signature: no service is asked for what the page shows.

    Raises:
        LoginNeeded: the visitor is a stranger.
        Problem: they are known, and have none of the roles.
        Unauthorized: the token is not valid.
    """
    if visit.session.token is None:
        raise LoginNeeded(visit.target, staff=True)
    if not visit.web.verifier.verify(visit.session.token).has(*roles):
        raise UpstreamProblem(
            "role-not-allowed", f"This page is for the roles: {', '.join(sorted(roles))}.", status=403
        )


def centre_only(visit: Visit) -> None:
    """Require an operator of the centre: the page concerns the whole district.

    Raises:
        LoginNeeded: the visitor is a stranger.
        Problem: they are known, and no operator, or bound to sites.
    """
    operators_only(visit)
    if not visit.session.centre:
        raise UpstreamProblem("centre-only", "This page is for the centre's operators.", status=403)


def safe_next(target: str | None, default: str) -> str:
    """Where to go after a login: an address of ours, never another site's."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return default
    return target
