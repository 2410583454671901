"""Short-lived EdDSA tokens (RFC 7519, alg ``Ed25519`` of RFC 9864) and the caller that they speak for.

recruitment knows the people and mints for them; notify mints only for itself, as a service. Who may mint what is
checked when a token is verified, so that the key of a lesser service cannot make an operator. A token names the
services that may accept it, and the key that signed it: an issuer has several while its keys are rotated.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OKPKey
from pydantic import SecretStr

from shared.auth.keys import public_key, signing_key
from shared.errors import Forbidden, PermanentError, Unauthorized
from shared.ids import new_id
from shared.sealing import parse_ring

__all__ = [
    "ISSUERS_OF_PEOPLE",
    "MAX_TTL",
    "PEOPLE_SERVICES",
    "Caller",
    "Proposal",
    "Role",
    "Verifier",
    "mint",
]

PEOPLE_SERVICES = ("recruitment", "points", "notify", "operations")
"""The services that people call with their token; a service's own token names the ones that it calls."""
MAX_TTL = timedelta(hours=1)
"""The longest life a token may have: it cannot be called back."""
ISSUERS_OF_PEOPLE = frozenset({"recruitment"})
"""Who may mint for people; everybody else may mint for services only, and these may not."""

_ALGORITHM = "Ed25519"
_LEEWAY_SECONDS = 5
_CACHE_SECONDS = 60.0
_CACHE_SIZE = 4096
_MAX_TOKEN_LENGTH = 8192
_ALL_SITES = "*"


class Role(StrEnum):
    """A function in the district; a caller may have several."""

    VOLUNTEER = "volunteer"
    RESIDENT = "resident"
    LEADER = "leader"
    STATION = "station"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    AUDITOR = "auditor"
    """Reads what engineers read, and acts on nothing."""
    SERVICE = "service"
    ENROLLING = "enrolling"
    """Staff who have signed in and must set a second factor before they may do anything else."""


SECOND_PERSON_AGE = timedelta(days=7)
"""How much older than a proposal the account must be that decides on it."""

_SERVING = (Role.VOLUNTEER, Role.LEADER)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal that a second person decides on: the account that proposed it, when, and that account's makers."""

    by: UUID
    at: datetime
    makers: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of a request.

    ``site_ids`` is the subtree of sites that the caller may act on; None is all of them (the centre, services).
    ``volunteer_id`` is the volunteer that the caller is. Staff who are one too do not act as one (`acts_as`): for
    them it says only on whose records and points they do not decide.
    """

    subject: UUID
    roles: frozenset[Role]
    volunteer_id: UUID | None = None
    resident_id: UUID | None = None
    site_ids: frozenset[UUID] | None = frozenset()
    team_ids: frozenset[UUID] = frozenset()
    name: str = ""
    session_id: UUID | None = None
    since: datetime | None = None
    """When the caller's staff account was created, in business time; None for accounts made at installation."""
    made_by: UUID | None = None
    """The member of staff who invited the caller's account."""
    activated_by: UUID | None = None
    """The member of staff who activated the caller's account."""
    reset_by: UUID | None = None
    """The last member of staff who started a reset of the caller's password."""

    def has(self, *roles: Role) -> bool:
        """Whether the caller holds at least one of the roles."""
        return not self.roles.isdisjoint(roles)

    def acts_as(self, volunteer_id: UUID | None) -> bool:
        """Whether the caller is this volunteer, and calls as one."""
        return self.volunteer_id is not None and self.volunteer_id == volunteer_id and self.has(*_SERVING)

    @property
    def makers(self) -> frozenset[UUID]:
        """The accounts that invited, activated or reset the caller's account."""
        return frozenset(filter(None, (self.made_by, self.activated_by, self.reset_by)))

    def require_second_person(self, proposal: Proposal, *, activation_ties: bool = True) -> None:
        """Require that the caller may decide on a proposal.

        The caller is another person; neither account invited, activated or reset the other; and the caller's account is
        at least `SECOND_PERSON_AGE` older than the proposal. Without ``activation_ties`` the account that activated the
        caller's is not counted among its makers.

        Raises:
            Forbidden: ``second-person-needed``, with what is wrong about this one.
        """
        if (detail := self._objection(proposal, activation_ties)) is not None:
            raise Forbidden("second-person-needed", detail)

    def _objection(self, proposal: Proposal, activation_ties: bool) -> str | None:
        makers = self.makers if activation_ties else self.makers - {self.activated_by}
        if proposal.by == self.subject:
            return "Another member of staff than the one who proposed it must decide."
        if proposal.by in makers:
            return "Who proposed it created, activated or reset your account, so a third member of staff must decide."
        if self.subject in proposal.makers:
            return (
                "You created, activated or reset the account that proposed it, so a third member of staff must decide."
            )
        if self.since is not None and self.since + SECOND_PERSON_AGE > proposal.at:
            return "An account younger than 7 days cannot decide on it: a longer-standing member of staff must."
        return None

    def may_site(self, site_id: UUID) -> bool:
        """Whether the site lies in the caller's subtree."""
        return self.site_ids is None or site_id in self.site_ids

    def require_site(self, site_id: UUID) -> None:
        """Require `may_site`.

        Raises:
            Forbidden: the site lies outside of the caller's subtree.
        """
        if not self.may_site(site_id):
            raise Forbidden("site-out-of-bounds", "This site is not among those that you are responsible for.")

    def may_sites(self, site_ids: Iterable[UUID | None]) -> bool:
        """Whether what lies at these sites is the caller's alone to act on: each is in their subtree, and there is one.
        What lies at no site is the centre's.
        """
        if self.site_ids is None:
            return True
        found = set(site_ids)
        return bool(found) and found <= self.site_ids

    def require_centre(self) -> None:
        """Require a caller who is bound to no site.

        Raises:
            Forbidden: the caller is responsible for some sites only.
        """
        if self.site_ids is not None:
            raise Forbidden(
                "centre-only",
                "This concerns the whole district: only the centre's people, bound to no site, may do it.",
            )

    def require_volunteer(self) -> UUID:
        """The volunteer that the caller is.

        Raises:
            Forbidden: the caller is no volunteer, or calls as a member of staff.
        """
        if self.volunteer_id is None or not self.has(*_SERVING):
            raise Forbidden("volunteers-only", "Only a registered volunteer can do this for themselves.")
        return self.volunteer_id


class MintSettings(Protocol):
    """The part of the settings that minting needs."""

    @property
    def service(self) -> str: ...
    @property
    def auth_signing_key(self) -> SecretStr: ...


def mint(
    settings: MintSettings,
    caller: Caller,
    *,
    ttl: timedelta = timedelta(minutes=15),
    services: Sequence[str] = PEOPLE_SERVICES,
) -> str:
    """A token that speaks for the caller for ``ttl`` (at most `MAX_TTL`) of real time, issued by ``settings.service``.

    Only the ``services`` accept it. It is signed by the current key, the first of the ring.

    Raises:
        PermanentError: no usable signing key is configured, or this service may not mint these roles.
    """
    if not timedelta(0) < ttl <= MAX_TTL:
        raise PermanentError(f"a token lives longer than 0 and at most {MAX_TTL}, not {ttl}")
    if not _may_issue(settings.service, caller.roles):
        raise PermanentError(f"{settings.service} may not mint the roles {sorted(caller.roles)}")
    key_id, key = signing_key(settings.auth_signing_key.get_secret_value())
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": settings.service,
        "aud": [_audience(service) for service in services],
        "sub": str(caller.subject),
        "iat": now,
        "nbf": now,
        "exp": now + int(ttl.total_seconds()),
        "jti": str(new_id()),
        "roles": sorted(caller.roles),
        "sites": _ALL_SITES if caller.site_ids is None else sorted(map(str, caller.site_ids)),
    }
    if caller.volunteer_id is not None:
        claims["volunteer"] = str(caller.volunteer_id)
    if caller.resident_id is not None:
        claims["resident"] = str(caller.resident_id)
    if caller.team_ids:
        claims["teams"] = sorted(map(str, caller.team_ids))
    if caller.name:
        claims["name"] = caller.name
    if caller.session_id is not None:
        claims["session"] = str(caller.session_id)
    claims |= _account_claims(caller)
    return jwt.encode({"alg": _ALGORITHM, "kid": _kid(settings.service, key_id)}, claims, key, algorithms=[_ALGORITHM])


class Verifier:
    """Turns tokens into callers. Verified tokens are remembered for a minute, so a busy caller costs one hash."""

    def __init__(self, public_keys: Mapping[str, str], *, service: str, now: Callable[[], float] = time.time) -> None:
        """Read the rings of keys.

        Args:
            public_keys: issuer → ring of raw Ed25519 public keys, base64.
            service: the service that verifies; tokens for others are refused.

        Raises:
            PermanentError: a key is not one.
        """
        self._keys = {
            _kid(issuer, key_id): public_key(issuer, key)
            for issuer, ring in public_keys.items()
            for key_id, key in parse_ring(ring, f"the public key of {issuer}").items()
        }
        self._now = now
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=_LEEWAY_SECONDS,
            aud={"essential": True, "value": _audience(service)},
            iss={"essential": True},
            sub={"essential": True},
            iat={"essential": True},
            nbf={"essential": True},
            exp={"essential": True},
            jti={"essential": True},
        )
        self._seen: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()

    def verify(self, token: str) -> Caller:
        """The caller that the token speaks for.

        Raises:
            Unauthorized: the token is malformed, expired, not for us, or signed by an unknown key.
        """
        if len(token) > _MAX_TOKEN_LENGTH or not token.isascii():
            raise _invalid()
        digest = hashlib.blake2b(token.encode(), digest_size=32).digest()
        known = self._seen.get(digest)
        if known is not None:
            if self._now() < known[1]:
                return known[0]
            del self._seen[digest]
        caller, expires = self._decode(token)
        self._seen[digest] = (caller, min(expires, self._now() + _CACHE_SECONDS))
        if len(self._seen) > _CACHE_SIZE:
            self._seen.popitem(last=False)
        return caller

    def _decode(self, token: str) -> tuple[Caller, float]:
        try:
            decoded = jwt.decode(token, self._key_of, algorithms=[_ALGORITHM])
            claims = decoded.claims
            self._claims.validate(claims)
            caller = _caller_of(claims)
        except ExpiredTokenError:
            raise Unauthorized("token-expired", "The session has expired: refresh it or sign in again.") from None
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise _invalid() from None
        issuer, lifetime = claims["iss"], claims["exp"] - claims["iat"]
        # A key speaks for its own issuer only, whatever the claims say.
        if issuer != str(decoded.header.get("kid")).rpartition(".")[0] or not 0 < lifetime <= MAX_TTL.total_seconds():
            raise _invalid()
        if not _may_issue(issuer, caller.roles):
            raise _invalid()
        return caller, float(claims["exp"])

    def _key_of(self, token: Any) -> OKPKey:
        key = self._keys.get(token.headers().get("kid"))
        if key is None:
            raise ValueError("unknown issuer")
        return key


def _invalid() -> Unauthorized:
    return Unauthorized("token-invalid", "The access token is not valid: sign in again.")


def _may_issue(issuer: str, roles: frozenset[Role]) -> bool:
    if not roles:
        return False
    if issuer in ISSUERS_OF_PEOPLE:
        return Role.SERVICE not in roles
    return roles == {Role.SERVICE}


def _caller_of(claims: Mapping[str, Any]) -> Caller:
    sites = claims.get("sites", [])
    volunteer, resident = claims.get("volunteer"), claims.get("resident")
    return Caller(
        subject=UUID(claims["sub"]),
        roles=frozenset(map(Role, _strings(claims["roles"]))),
        volunteer_id=None if volunteer is None else UUID(volunteer),
        resident_id=None if resident is None else UUID(resident),
        site_ids=None if sites == _ALL_SITES else frozenset(map(UUID, _strings(sites))),
        team_ids=frozenset(map(UUID, _strings(claims.get("teams", [])))),
        name=str(claims.get("name", "")),
        session_id=_uuid(claims.get("session")),
        since=_moment(claims.get("since")),
        made_by=_uuid(claims.get("made_by")),
        activated_by=_uuid(claims.get("activated_by")),
        reset_by=_uuid(claims.get("reset_by")),
    )


def _account_claims(caller: Caller) -> dict[str, str]:
    """The claims that a decision as a second person depends on."""
    found = {
        "since": caller.since and caller.since.isoformat(),
        "made_by": caller.made_by,
        "activated_by": caller.activated_by,
        "reset_by": caller.reset_by,
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _moment(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a moment has an offset")
    return moment


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _strings(value: Any) -> Iterable[str]:
    if not isinstance(value, list):
        raise TypeError("a list is expected")
    return value


def _audience(service: str) -> str:
    return f"weiguang/{service}"


def _kid(issuer: str, key_id: str) -> str:
    return f"{issuer}.{key_id}"
