"""An award as an Open Badges 3.0 credential: the JSON-LD document and the claims that are signed. Pure.

The recipient, a volunteer or a team, is named by a pseudonymous id alone; no personal data enters.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

__all__ = [
    "CONTEXT",
    "ISSUER_NAME",
    "CredentialAward",
    "Holder",
    "Issuer",
    "achievement",
    "claims",
    "credential",
    "revocations",
]

CONTEXT: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
)
ISSUER_NAME: Final = "岭东区新时代文明实践中心"
Holder = Literal["volunteer", "team"]


@dataclass(frozen=True, slots=True)
class CredentialAward:
    """An award as it was made; ``sentence`` says what earned it.

    ``corrected``: whether the correction of a record took it away; if not, other criteria did.
    """

    award_id: UUID
    holder: Holder
    holder_id: UUID
    badge: str
    name: str
    sentence: str
    criteria_version: int
    awarded_at: datetime
    revoked_at: datetime | None
    corrected: bool | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """The issuer: everything has its address below the district's public one."""

    public_url: str

    @property
    def base(self) -> str:
        return f"{self.public_url.rstrip('/')}/api/points/v1"

    @property
    def id(self) -> str:
        return f"{self.base}/issuer"

    @property
    def key(self) -> str:
        """Where the public key lies."""
        return f"{self.base}/issuer/key"

    def credential(self, award_id: UUID) -> str:
        return f"{self.base}/credentials/{award_id}"

    def page(self, award_id: UUID) -> str:
        """Where a person may look whether the award stands."""
        return f"{self.public_url.rstrip('/')}/credentials/{award_id}"

    def profile(self) -> dict[str, Any]:
        """The issuer as an Open Badges profile."""
        return {"id": self.id, "type": ["Profile"], "name": ISSUER_NAME, "url": self.public_url}


def achievement(issuer: Issuer, award: CredentialAward) -> dict[str, Any]:
    """The achievement of an award."""
    group = "teams/" if award.holder == "team" else ""
    return {
        "id": f"{issuer.base}/criteria#{group}{award.criteria_version}/{award.badge}",
        "type": ["Achievement"],
        "achievementType": "Badge",
        "name": award.name,
        "description": award.sentence,
        "criteria": {"narrative": award.sentence},
        "inLanguage": "zh-CN",
    }


def credential(issuer: Issuer, award: CredentialAward) -> dict[str, Any]:
    """The credential without its proof."""
    return {
        "@context": list(CONTEXT),
        "id": issuer.credential(award.award_id),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": award.name,
        "issuer": issuer.profile(),
        "validFrom": _instant(award.awarded_at),
        "credentialSubject": {
            "id": award.holder_id.urn,
            "type": ["AchievementSubject"],
            "achievement": achievement(issuer, award),
        },
        "evidence": [
            {
                "id": issuer.page(award.award_id),
                "type": ["Evidence"],
                "name": "公开核验页",
                "description": "任何人都可以在这里查看本凭证是否有效",
            }
        ],
        "credentialStatus": {
            "id": f"{issuer.credential(award.award_id)}/revocations",
            "type": "1EdTechRevocationList",
        },
    }


def claims(issuer: Issuer, award: CredentialAward) -> dict[str, Any]:
    """The payload of the credential's JSON Web Token: its members, and those that the token's format asks for."""
    document = credential(issuer, award)
    registered = {
        "iss": issuer.id,
        "jti": document["id"],
        "sub": document["credentialSubject"]["id"],
        "nbf": int(award.awarded_at.timestamp()),
    }
    return document | registered


def revocations(issuer: Issuer, award: CredentialAward) -> dict[str, Any]:
    """The revocation list of this one credential, as Open Badges verifiers read it."""
    reason = "服务记录已更正" if award.corrected else "评定标准已更新"
    entry = {"id": issuer.credential(award.award_id), "revoked": True, "revocationReason": reason}
    return {
        "id": f"{issuer.credential(award.award_id)}/revocations",
        "issuer": issuer.id,
        "revokedCredential": [] if award.revoked_at is None else [entry],
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
