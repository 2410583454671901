"""A stranger's verifier of Open Badges 3.0 credentials (VC-JWT): it knows the standards and nothing of the service.

What it holds a credential to: the required members of 1EdTech's AchievementCredential and of what lies in it, with
their types and formats; the token's rules (registered claims repeat the credential's); the issuer's published key;
and the issuer's revocation list.
"""

import base64
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import jsonschema
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["ACHIEVEMENT_CREDENTIAL", "Refused", "checked", "status_of"]

Fetch = Callable[[str], Awaitable[Any]]
"""What lies at an address, as JSON."""

_URI: Final = {"type": "string", "format": "uri", "pattern": r"^(https?://|urn:)\S+$"}
_INSTANT: Final = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}


def _typed(*types: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "allOf": [{"contains": {"const": one}} for one in types]}


ACHIEVEMENT_CREDENTIAL: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2019-09/schema",
    "type": "object",
    "required": ["@context", "id", "type", "credentialSubject", "issuer", "validFrom"],
    "properties": {
        "@context": {
            "type": "array",
            "minItems": 2,
            "prefixItems": [{"const": "https://www.w3.org/ns/credentials/v2"}],
            "contains": {"pattern": r"^https://purl\.imsglobal\.org/spec/ob/v3p0/context-3\.0\.\d+\.json$"},
        },
        "id": _URI,
        "type": _typed("VerifiableCredential", "OpenBadgeCredential"),
        "name": {"type": "string", "minLength": 1},
        "issuer": {
            "type": "object",
            "required": ["id", "type", "name"],
            "properties": {"id": _URI, "type": _typed("Profile"), "url": _URI},
        },
        "validFrom": _INSTANT,
        "credentialSubject": {
            "type": "object",
            "required": ["id", "type", "achievement"],
            "properties": {
                "id": _URI,
                "type": _typed("AchievementSubject"),
                "achievement": {
                    "type": "object",
                    "required": ["id", "type", "name", "description", "criteria"],
                    "properties": {
                        "id": _URI,
                        "type": _typed("Achievement"),
                        "achievementType": {"enum": ["Badge", "Award", "Achievement", "CommunityService"]},
                        "name": {"type": "string", "minLength": 1},
                        "description": {"type": "string", "minLength": 1},
                        "criteria": {
                            "type": "object",
                            "anyOf": [{"required": ["id"]}, {"required": ["narrative"]}],
                            "properties": {"id": _URI, "narrative": {"type": "string", "minLength": 1}},
                        },
                        "inLanguage": {"type": "string", "pattern": r"^[a-z]{2,3}(-[A-Za-z]{2,4})*$"},
                    },
                },
            },
        },
        "evidence": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type"],
                "properties": {"id": _URI, "type": _typed("Evidence"), "name": {"type": "string"}},
            },
        },
        "credentialStatus": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {"id": _URI, "type": {"type": "string"}},
        },
    },
}


class Refused(Exception):
    """The credential is not the issuer's, or not a credential."""


async def checked(token: str, issuer: str, fetch: Fetch) -> dict[str, Any]:
    """The credential in a token, once everything about it is right.

    Args:
        issuer: the issuer that the verifier trusts; a token names its key, and anybody may name a key of their own.

    Raises:
        Refused: with what is wrong.
    """
    try:
        head, body, signature = token.split(".")
        header, claims = orjson.loads(_decoded(head)), orjson.loads(_decoded(body))
    except ValueError as error:
        raise Refused(f"not a token: {error}") from error
    if (header.get("alg"), header.get("typ")) != ("EdDSA", "JWT"):
        raise Refused(f"the header is {header}")
    if claims.get("iss") != issuer or not str(header.get("kid")).startswith(issuer + "/"):
        raise Refused(f"issued by {claims.get('iss')} with the key {header.get('kid')}")
    key = await fetch(header["kid"])
    if (key.get("kty"), key.get("crv")) != ("OKP", "Ed25519"):
        raise Refused(f"the key is {key}")
    try:
        Ed25519PublicKey.from_public_bytes(_decoded(key["x"])).verify(_decoded(signature), f"{head}.{body}".encode())
    except (InvalidSignature, ValueError) as error:
        raise Refused("the signature is not the key's") from error
    document = {name: value for name, value in claims.items() if name not in ("iss", "jti", "sub", "nbf", "exp")}
    try:
        jsonschema.Draft202012Validator(ACHIEVEMENT_CREDENTIAL).validate(document)
    except jsonschema.ValidationError as error:
        raise Refused(f"not an AchievementCredential: {error.json_path}: {error.message}") from error
    said = (claims["iss"], claims["jti"], claims["sub"])
    if said != (document["issuer"]["id"], document["id"], document["credentialSubject"]["id"]):
        raise Refused(f"the token's claims {said} are not the credential's")
    return document


async def status_of(document: dict[str, Any], fetch: Fetch) -> Literal["valid", "revoked"]:
    """Whether the issuer has taken the credential back, by the revocation list that it names."""
    status = document["credentialStatus"]
    if status["type"] != "1EdTechRevocationList":
        raise Refused(f"a status of the type {status['type']}")
    listed = await fetch(status["id"])
    if listed["issuer"] != document["issuer"]["id"]:
        raise Refused("the list is another issuer's")
    revoked = {one["id"] for one in listed["revokedCredential"] if one.get("revoked", True)}
    return "revoked" if document["id"] in revoked else "valid"


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
