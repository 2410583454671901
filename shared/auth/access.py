"""The mark that every route carries: the roles that may call it, or that it is public.

``create_app`` refuses to start with an unmarked route, so nothing is open by forgetting. A mark also does the work: it
is the dependency that turns the bearer token into a `Caller`.
"""

from typing import Any

from fastapi import Depends, Request

from shared.auth.tokens import Caller, Role, Verifier
from shared.errors import Forbidden, Unauthorized

__all__ = ["Allow", "Optional", "Public", "allow", "caller_of", "optional", "public"]


class Allow:
    """Lets in callers who hold one of the roles; with ``centre`` only those who are bound to no site."""

    __slots__ = ("centre", "roles")

    def __init__(self, roles: frozenset[Role], *, centre: bool = False) -> None:
        self.roles = roles
        self.centre = centre

    async def __call__(self, request: Request) -> Caller:
        caller = caller_of(request)
        if self.roles.isdisjoint(caller.roles):
            allowed = ", ".join(sorted(self.roles))
            raise Forbidden("role-not-allowed", f"This call is for the roles: {allowed}.", roles=sorted(self.roles))
        if self.centre:
            caller.require_centre()
        return caller


class Public:
    """Lets in everybody."""

    __slots__ = ()

    async def __call__(self) -> None:
        return None


class Optional(Public):
    """Lets in everybody, and says who it is if they say so; a token that is wrong is refused all the same."""

    __slots__ = ()

    async def __call__(self, request: Request) -> Caller | None:  # type: ignore[override]
        return caller_of(request) if request.headers.get("authorization") else None


_PUBLIC, _OPTIONAL = Public(), Optional()


def allow(*roles: Role, centre: bool = False) -> Any:
    """Mark a route as open to the roles: ``caller: Annotated[Caller, allow(Role.VOLUNTEER)]``.

    ``centre``: what it does or shows concerns the whole district, so it is closed to callers bound to sites. Routes
    without it check the bounds themselves (`Caller.require_site`, `Caller.may_sites`).
    """
    if not roles:
        raise ValueError("name the roles that may call; for everybody there is public()")
    return Depends(Allow(frozenset(roles), centre=centre))


def public() -> Any:
    """Mark a route as open to everybody: ``dependencies=[public()]``."""
    return Depends(_PUBLIC)


def optional() -> Any:
    """Mark a route as open to everybody, with the caller if known: ``caller: Annotated[Caller | None, optional()]``."""
    return Depends(_OPTIONAL)


def caller_of(request: Request) -> Caller:
    """Identify the caller of this request by its bearer token.

    Raises:
        Unauthorized: there is no token, or it is not valid.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("token-missing", "Sign in first: the call needs the header 'Authorization: Bearer <token>'.")
    verifier: Verifier = request.app.state.verifier
    return verifier.verify(token.strip())
