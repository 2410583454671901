"""Passwords and keys of a deployment or of an embedded stack: how they are made, and which of them are rotated."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ops.database import roles

__all__ = ["Secrets", "generate_pair", "make_secrets", "new_password", "new_secret"]

_SIGNERS = ("recruitment", "notify")
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Everything that must be the same at the next start, and kept secret."""

    passwords: dict[str, str]
    """Database role → password; `postgres` is the superuser."""
    signing_keys: dict[str, str]
    """Issuer → Ed25519 seed, base64."""
    public_keys: dict[str, str]
    """Issuer → Ed25519 public key, base64."""
    vault_key: str
    lookup_key: str
    operator_password: str
    engineer_password: str
    credential_key: str = ""
    """Ed25519 seed, base64, that badges are issued under; empty in a file of before there were credentials."""
    evidence_key: str = ""
    """Seals the evidence of adjustments; made and added to a file of before evidence was sealed."""
    second_operator_password: str = ""
    """Decisions need two operators; added to a file of before there were two."""
    auditor_password: str = ""
    """Added to a file that has none."""

    def rings(self) -> dict[str, str]:
        """Variable of a `.env` → ring of the keys that are rotated."""
        return {
            "VAULT_KEY": self.vault_key,
            "LOOKUP_KEY": self.lookup_key,
            "EVIDENCE_KEY": self.evidence_key,
            **{f"{issuer.upper()}_SIGNING_KEY": key for issuer, key in self.signing_keys.items()},
            **{f"{issuer.upper()}_PUBLIC_KEY": key for issuer, key in self.public_keys.items()},
        }

    def with_rings(self, rings: Mapping[str, str]) -> Self:
        """The same secrets with other rings in the variables given."""
        found = {**self.rings(), **rings}
        return replace(
            self,
            vault_key=found["VAULT_KEY"],
            lookup_key=found["LOOKUP_KEY"],
            evidence_key=found["EVIDENCE_KEY"],
            signing_keys={issuer: found[f"{issuer.upper()}_SIGNING_KEY"] for issuer in self.signing_keys},
            public_keys={issuer: found[f"{issuer.upper()}_PUBLIC_KEY"] for issuer in self.public_keys},
        )


def generate_pair() -> tuple[str, str]:
    """A new pair of (seed, public key), Ed25519, base64."""
    key = Ed25519PrivateKey.generate()
    return _base64(key.private_bytes_raw()), _base64(key.public_key().public_bytes_raw())


def new_secret() -> str:
    """A new key of 32 bytes, base64."""
    return _base64(secrets.token_bytes(32))


def new_password(length: int = 16) -> str:
    """A new password of letters and digits that are hard to confuse."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def make_secrets() -> Secrets:
    """Fresh ones."""
    keys = {issuer: Ed25519PrivateKey.generate() for issuer in _SIGNERS}
    return Secrets(
        passwords={role: new_password(24) for role in ("postgres", *roles(driven_time=True))},
        signing_keys={issuer: _base64(key.private_bytes_raw()) for issuer, key in keys.items()},
        public_keys={issuer: _base64(key.public_key().public_bytes_raw()) for issuer, key in keys.items()},
        vault_key=_base64(secrets.token_bytes(32)),
        lookup_key=_base64(secrets.token_bytes(32)),
        operator_password=new_password(),
        engineer_password=new_password(),
        credential_key=_base64(Ed25519PrivateKey.generate().private_bytes_raw()),
        evidence_key=_base64(secrets.token_bytes(32)),
        second_operator_password=new_password(),
        auditor_password=new_password(),
    )
