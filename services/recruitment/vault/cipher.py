"""The vault's cryptography: one data key per person, wrapped by the master key; keyed hashes for equality."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.recruitment.vault.domain import Identity
from shared.errors import PermanentError
from shared.sealing import TextCipher, decode_key, decrypt, encrypt, new_key

__all__ = ["Cipher", "Sealed"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored about a person: nothing in it can be read without the master key."""

    wrapped_key: bytes
    sealed: bytes
    phone_lookup: bytes | None
    id_lookup: bytes | None


class Cipher(TextCipher):
    """Seals and opens identities and texts (AES-256-GCM) and hashes what must be compared (HMAC-SHA-256).

    Erasing a person means forgetting their wrapped key: what backups still hold can no longer be read.
    """

    def __init__(self, vault_key: str, lookup_key: str) -> None:
        super().__init__(vault_key, "WEIGUANG_VAULT_KEY")
        self._lookup_key = decode_key(lookup_key, "WEIGUANG_LOOKUP_KEY")

    def seal(self, person_id: UUID, identity: Identity) -> Sealed:
        """Seal under a fresh data key; both layers are bound to the person, so rows cannot be swapped."""
        data_key = new_key()
        return Sealed(
            wrapped_key=encrypt(self._master, data_key, b"key:" + person_id.bytes),
            sealed=encrypt(AESGCM(data_key), _to_bytes(identity), b"data:" + person_id.bytes),
            phone_lookup=None if identity.phone is None else self.phone_lookup(identity.phone),
            id_lookup=None if identity.id_number is None else self.keyed_hash("id", identity.id_number),
        )

    def open(self, person_id: UUID, wrapped_key: bytes, sealed: bytes) -> Identity:
        """Read a person.

        Raises:
            PermanentError: the row was tampered with, or was sealed under another master key.
        """
        try:
            data_key = decrypt(self._master, wrapped_key, b"key:" + person_id.bytes)
            return _from_bytes(decrypt(AESGCM(data_key), sealed, b"data:" + person_id.bytes))
        except (InvalidTag, ValueError):
            raise PermanentError(f"the vault's entry of person {person_id} cannot be opened with this key") from None

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
