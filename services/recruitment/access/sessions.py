"""The session as it leaves the API: shared by every route that ends in one."""

from datetime import timedelta
from uuid import UUID

from services.recruitment.access.handlers import Grant
from services.recruitment.settings import RecruitmentSettings
from shared.auth.tokens import Caller, mint
from shared.clock import real_now
from shared.http.app import Output
from shared.http.models import GivenOnce

__all__ = ["TOKEN_LIFETIME", "CallerOut", "SessionOut", "caller_out", "session_out"]

TOKEN_LIFETIME = timedelta(minutes=15)


class CallerOut(Output):
    """Who the token speaks for; ``site_ids`` null means all sites."""

    subject: UUID
    roles: list[str]
    name: str
    volunteer_id: UUID | None
    resident_id: UUID | None
    site_ids: list[UUID] | None
    team_ids: list[UUID]


class SessionOut(CallerOut, GivenOnce):
    """An access token (seconds until it ends) and the token that renews it, good once; never stored in an answer."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  the scheme, no secret
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


def caller_out(caller: Caller) -> CallerOut:
    """The caller as JSON."""
    return CallerOut(**_members(caller))


def session_out(settings: RecruitmentSettings, grant: Grant) -> SessionOut:
    """Mint the access token of a grant."""
    return SessionOut(
        **_members(grant.caller),
        access_token=mint(settings, grant.caller, ttl=TOKEN_LIFETIME),
        expires_in=int(TOKEN_LIFETIME.total_seconds()),
        refresh_token=grant.refresh_token,
        refresh_expires_in=int((grant.expires_at - real_now()).total_seconds()),
    )


def _members(caller: Caller) -> dict[str, object]:
    return {
        "subject": caller.subject,
        "roles": sorted(caller.roles),
        "name": caller.name,
        "volunteer_id": caller.volunteer_id,
        "resident_id": caller.resident_id,
        "site_ids": None if caller.site_ids is None else sorted(caller.site_ids),
        "team_ids": sorted(caller.team_ids),
    }
