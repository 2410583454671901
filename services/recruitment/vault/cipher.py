"""The vault's cryptography: one data key per person, wrapped by the master key; keyed hashes for equality."""

import base64
import binascii
import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.recruitment.vault.domain import Identity
from shared.errors import PermanentError

__all__ = ["Cipher", "Sealed", "decode_key"]

_NONCE = 12
_KEY = 32


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored about a person: nothing in it can be read without the master key."""

    wrapped_key: bytes
    sealed: bytes
    phone_lookup: bytes | None
    id_lookup: bytes | None


def decode_key(text: str, setting: str) -> bytes:
    """32 bytes from base64.

    Raises:
        PermanentError: the setting is missing or is not base64 of 32 bytes.
    """
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY:
        raise PermanentError(f"{setting} must be base64 of 32 bytes, for example from: openssl rand -base64 32")
    return key


class Cipher:
    """Seals and opens identities (AES-256-GCM) and hashes what must be compared (HMAC-SHA-256).

    Erasing a person means forgetting their wrapped key: what backups still hold can no longer be read.
    """

    def __init__(self, vault_key: str, lookup_key: str) -> None:
        self._master = AESGCM(decode_key(vault_key, "WEIGUANG_VAULT_KEY"))
        self._lookup_key = decode_key(lookup_key, "WEIGUANG_LOOKUP_KEY")

    def seal(self, person_id: UUID, identity: Identity) -> Sealed:
        """Seal under a fresh data key; both layers are bound to the person, so rows cannot be swapped."""
        data_key = AESGCM.generate_key(bit_length=256)
        return Sealed(
            wrapped_key=_encrypt(self._master, data_key, b"key:" + person_id.bytes),
            sealed=_encrypt(AESGCM(data_key), _to_bytes(identity), b"data:" + person_id.bytes),
            phone_lookup=None if identity.phone is None else self.phone_lookup(identity.phone),
            id_lookup=None if identity.id_number is None else self.keyed_hash("id", identity.id_number),
        )

    def open(self, person_id: UUID, wrapped_key: bytes, sealed: bytes) -> Identity:
        """Read a person.

        Raises:
            PermanentError: the row was tampered with, or was sealed under another master key.
        """
        try:
            data_key = _decrypt(self._master, wrapped_key, b"key:" + person_id.bytes)
            return _from_bytes(_decrypt(AESGCM(data_key), sealed, b"data:" + person_id.bytes))
        except (InvalidTag, ValueError):
            raise PermanentError(f"the vault's entry of person {person_id} cannot be opened with this key") from None

    def seal_text(self, owner_id: UUID, text: str) -> tuple[bytes, bytes]:
        """(wrapped key, sealed) of a text about its owner, under a key of its own: erased by deleting that key."""
        data_key = AESGCM.generate_key(bit_length=256)
        wrapped = _encrypt(self._master, data_key, b"text-key:" + owner_id.bytes)
        return wrapped, _encrypt(AESGCM(data_key), text.encode(), b"text:" + owner_id.bytes)

    def open_text(self, owner_id: UUID, wrapped_key: bytes, sealed: bytes) -> str:
        """Read a sealed text.

        Raises:
            PermanentError: it was tampered with, is somebody else's, or was sealed under another master key.
        """
        try:
            data_key = _decrypt(self._master, wrapped_key, b"text-key:" + owner_id.bytes)
            return _decrypt(AESGCM(data_key), sealed, b"text:" + owner_id.bytes).decode()
        except (InvalidTag, ValueError):
            raise PermanentError(f"a text about {owner_id} cannot be opened with this key") from None

    def phone_lookup(self, phone: str) -> bytes:
        """The keyed hash under which a normalised phone is found."""
        return self.keyed_hash("phone", phone)

    def keyed_hash(self, purpose: str, *parts: str | bytes) -> bytes:
        """HMAC over the parts; ``purpose`` keeps hashes of different things apart."""
        mac = hmac.new(self._lookup_key, purpose.encode(), hashlib.sha256)
        for part in parts:
            value = part.encode() if isinstance(part, str) else part
            mac.update(b"\x00" + len(value).to_bytes(4, "big") + value)
        return mac.digest()


def _encrypt(key: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + key.encrypt(nonce, plain, bound_to)


def _decrypt(key: AESGCM, stored: bytes, bound_to: bytes) -> bytes:
    return key.decrypt(stored[:_NONCE], stored[_NONCE:], bound_to)


def _to_bytes(identity: Identity) -> bytes:
    members = {
        "name": identity.name,
        "phone": identity.phone,
        "email": identity.email,
        "birth_date": None if identity.birth_date is None else identity.birth_date.isoformat(),
        "id_number": identity.id_number,
    }
    text = json.dumps({key: value for key, value in members.items() if value is not None}, ensure_ascii=False)
    # Padded to a multiple of 64, so that the length of the cipher text tells nothing of the name's.
    plain = text.encode()
    return plain + b" " * (-len(plain) % 64)


def _from_bytes(plain: bytes) -> Identity:
    members = json.loads(plain)
    born = members.get("birth_date")
    return Identity(
        name=members["name"],
        phone=members.get("phone"),
        email=members.get("email"),
        birth_date=None if born is None else date.fromisoformat(born),
        id_number=members.get("id_number"),
    )
