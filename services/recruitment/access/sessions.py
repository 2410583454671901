"""Shared by the routes of access: the policy, the client of a request, and the session as it leaves the API."""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request

from services.recruitment.access import handlers
from services.recruitment.access.domain import Client, SignInPolicy, agent_of
from services.recruitment.access.handlers import Grant
from services.recruitment.limits.handlers import RateCap, Reached, too_many
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller, mint
from shared.clock import real_now
from shared.errors import TooMany, TransientError
from shared.http.address import client_address
from shared.http.app import Output
from shared.http.models import GivenOnce
from shared.postgres import Database, Tx

__all__ = [
    "TOKEN_LIFETIME",
    "CallerOut",
    "ClientDep",
    "PolicyDep",
    "Proving",
    "SessionOut",
    "SettingsDep",
    "caller_out",
    "forgive",
    "policy_of",
    "refuse_codes",
    "session_out",
    "spend_attempt",
]

T = TypeVar("T")
TOKEN_LIFETIME = timedelta(minutes=15)
BROWSER_HEADER = "x-weiguang-browser"
"""Carries the browser's own random cookie from the gateway; sessions are bound to its hash."""
_BINDING_LENGTHS = range(20, 201)


async def _settings(request: Request) -> RecruitmentSettings:
    settings: RecruitmentSettings = request.app.state.settings
    return settings


SettingsDep = Annotated[RecruitmentSettings, Depends(_settings)]


def policy_of(settings: RecruitmentSettings) -> SignInPolicy:
    """The limits that the settings name."""
    quarter, hour, day = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
    return SignInPolicy(
        codes_per_phone=RateCap(settings.limit_codes_per_phone, quarter),
        codes_per_phone_and_day=RateCap(settings.limit_codes_per_phone_and_day, day),
        codes_per_address=RateCap(settings.limit_codes_per_address, hour),
        codes_in_all=RateCap(settings.limit_codes_in_all, hour),
        tries_per_address=RateCap(settings.limit_tries_per_address, hour),
        passwords_per_address=RateCap(settings.limit_passwords_per_address, hour),
        passwords_per_account=RateCap(settings.limit_passwords_per_account, day),
        passwords_in_all=RateCap(settings.limit_passwords_in_all, hour),
        refresh_grace=timedelta(seconds=settings.refresh_grace_seconds),
        second_factor_required=settings.second_factor_required,
    )


async def _policy(settings: SettingsDep) -> SignInPolicy:
    return policy_of(settings)


async def _client(request: Request) -> Client:
    sent = request.headers.get(BROWSER_HEADER, "")
    binding = hashlib.sha256(sent.encode()).digest() if len(sent) in _BINDING_LENGTHS else None
    return Client(client_address(request), binding, agent_of(request.headers.get("user-agent", "")[:500]))


PolicyDep = Annotated[SignInPolicy, Depends(_policy)]
ClientDep = Annotated[Client, Depends(_client)]


async def spend_attempt(db: Database, cipher: Cipher, policy: SignInPolicy, client: Client, challenge_id: UUID) -> bool:
    """Count an attempt at a code in a transaction of its own: if what follows is rolled back, it stays counted.

    Returns:
        Whether the challenge is open; no code is right for one that is not.

    Raises:
        TooMany: the address tried too many wrong codes.
    """
    async with db.transaction() as tx:
        spent = await handlers.spend_attempt(tx, cipher, policy, client, challenge_id)
    if isinstance(spent, Reached):
        raise too_many(spent, "too-many-attempts", "too many wrong codes came from this address")
    return spent


class Proving:
    """Work that a code proves: its try is uncounted once the work is committed.

    ``noting`` wraps the work, so that an answer that is given again uncounts nothing.
    """

    def __init__(self, db: Database, cipher: Cipher, policy: SignInPolicy, client: Client) -> None:
        self._db = db
        self._of = (cipher, policy, client)
        self._done = False

    def noting(self, work: Callable[[Tx], Awaitable[T]]) -> Callable[[Tx], Awaitable[T]]:
        """The work, which notes that it was done."""

        async def noted(tx: Tx) -> T:
            answer = await work(tx)
            self._done = True
            return answer

        return noted

    async def forgive(self) -> None:
        """Uncount what was counted beforehand, if the work was done."""
        if self._done:
            await forgive(self._db, *self._of)


async def forgive(db: Database, cipher: Cipher, policy: SignInPolicy, client: Client) -> None:
    """Uncount a try that proved a phone; a database that is away leaves it counted, and the answer stands."""
    with contextlib.suppress(TransientError):
        async with db.transaction() as tx:
            await handlers.forgive(tx, cipher, policy, client)


def refuse_codes(over: Reached) -> TooMany:
    """The refusal of a request for a code."""
    what = {
        "codes-address": "too many codes were asked for from this address",
        "codes-all": "too many codes are being asked for in the district at the moment",
    }.get(over.kind, "too many codes were asked for with this phone")
    return too_many(over, "too-many-codes", what)


class CallerOut(Output):
    """The caller that the token speaks for; ``site_ids`` null means all sites."""

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
