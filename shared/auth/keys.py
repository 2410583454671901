"""Ed25519 keys as the settings take them: raw, base64, in a ring."""

import base64
import binascii
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from shared.errors import PermanentError
from shared.sealing import parse_ring

__all__ = ["public_key", "signing_key"]


@lru_cache(maxsize=4)
def signing_key(ring: str) -> tuple[str, OKPKey]:
    """(id, key) of the current signing key, the first of the ring.

    Raises:
        PermanentError: there is none, or it is no Ed25519 seed.
    """
    if not ring:
        raise PermanentError("no signing key is configured (WEIGUANG_AUTH_SIGNING_KEY)")
    key_id, seed = next(iter(parse_ring(ring, "WEIGUANG_AUTH_SIGNING_KEY").items()))
    raw = _raw(seed, "the signing key")
    public = OKPKey.import_key(_public_of(raw))
    return key_id, OKPKey.import_key({**public.as_dict(private=False), "d": _urlsafe(raw)})


def _public_of(seed: bytes) -> dict[str, str | list[str]]:
    raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": _urlsafe(raw)}


def public_key(issuer: str, key: str) -> OKPKey:
    """The key that verifies an issuer's tokens.

    Raises:
        PermanentError: it is no raw Ed25519 public key, base64.
    """
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _urlsafe(_raw(key, f"the public key of {issuer}"))})


def _raw(key: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PermanentError(f"{what} is not base64") from error
    if len(raw) != 32:
        raise PermanentError(f"{what} has {len(raw)} bytes, an Ed25519 key has 32")
    return raw


def _urlsafe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
