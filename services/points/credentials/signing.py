"""The issuer's key: compact JSON Web Signatures with Ed25519 (RFC 7515, RFC 8037)."""

import base64
import binascii
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from shared.errors import Refusal

__all__ = ["Signer"]


class Signer:
    """Signs for the issuer; ``key_url`` is where verifiers find the public key.

    Raises:
        Refusal: ``credentials-not-configured`` (404) without a usable key.
    """

    def __init__(self, seed: SecretStr, key_url: str) -> None:
        self.key_url = key_url
        try:
            self._key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed.get_secret_value(), validate=True))
        except (ValueError, binascii.Error) as error:
            raise Refusal(
                "credentials-not-configured", "This district has no key to sign credentials with yet.", status=404
            ) from error

    def public_jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key."""
        public = self._key.public_key().public_bytes_raw()
        return {"kty": "OKP", "crv": "Ed25519", "x": _encode(public), "kid": self.key_url, "use": "sig", "alg": "EdDSA"}

    def sign(self, claims: dict[str, Any]) -> str:
        """The token; the same claims give the same token."""
        header = {"alg": "EdDSA", "kid": self.key_url, "typ": "JWT"}
        signed = f"{_encode(orjson.dumps(header))}.{_encode(orjson.dumps(claims))}"
        return f"{signed}.{_encode(self._key.sign(signed.encode()))}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
