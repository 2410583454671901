"""The vault's cryptography: one data key per person, wrapped by the master key; keyed hashes for equality.

Both keys come as rings. What is written now uses the current key of each; what was written under an earlier one is
found and opened as long as the ring holds it.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.recruitment.vault.domain import Identity, comparable_name
from shared.errors import PermanentError
from shared.sealing import KeyRing, TextCipher, decrypt, encrypt, new_key

__all__ = ["Cipher", "Sealed"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """The stored data of a person: unreadable without the master key.

    ``lookup_key`` is the id of the key of the hashes.
    """

    wrapped_key: bytes
    sealed: bytes
    phone_lookup: bytes | None
    id_lookup: bytes | None
    name_lookup: bytes
    lookup_key: str


class Cipher(TextCipher):
    """Seals and opens identities and texts (AES-256-GCM) and hashes what must be compared (HMAC-SHA-256).

    Erasing a person means forgetting their wrapped key: what backups still hold can no longer be read.
    """

    def __init__(self, vault_keys: str, lookup_keys: str) -> None:
        super().__init__(vault_keys, "WEIGUANG_VAULT_KEY")
        self._lookups = KeyRing.of(lookup_keys, "WEIGUANG_LOOKUP_KEY")

    @property
    def lookup_key(self) -> str:
        """Id of the key that hashes are made under now."""
        return self._lookups.current

    @property
    def overlapping(self) -> bool:
        """Whether hashes of several keys may be in use, so that equal values may have different ones."""
        return len(self._lookups.keys) > 1

    def seal(self, person_id: UUID, identity: Identity) -> Sealed:
        """Seal under a fresh data key; both layers are bound to the person, so rows cannot be swapped."""
        data_key = new_key()
        phone_lookup, id_lookup, name_lookup = self.lookups_of(identity)
        return Sealed(
            wrapped_key=self.wrapping.wrap(data_key, b"key:" + person_id.bytes),
            sealed=encrypt(AESGCM(data_key), _to_bytes(identity), b"data:" + person_id.bytes),
            phone_lookup=phone_lookup,
            id_lookup=id_lookup,
            name_lookup=name_lookup,
            lookup_key=self.lookup_key,
        )

    def open(self, person_id: UUID, wrapped_key: bytes, sealed: bytes) -> Identity:
        """Read a person.

        Raises:
            PermanentError: the row was tampered with, or was sealed under another master key.
        """
        try:
            data_key = self.wrapping.unwrap(wrapped_key, b"key:" + person_id.bytes)
            return _from_bytes(decrypt(AESGCM(data_key), sealed, b"data:" + person_id.bytes))
        except (InvalidTag, ValueError):
            raise PermanentError(f"the vault's entry of person {person_id} cannot be opened with this key") from None

    def rewrap_person(self, person_id: UUID, wrapped_key: bytes) -> bytes:
        """The wrapped key of a person, under the current master key; what it sealed stays as it is.

        Raises:
            PermanentError: as for `open`.
        """
        try:
            return self.wrapping.rewrap(wrapped_key, b"key:" + person_id.bytes)
        except (InvalidTag, ValueError):
            raise PermanentError(f"the key of person {person_id} cannot be opened with this key") from None

    def lookups_of(self, identity: Identity) -> tuple[bytes | None, bytes | None, bytes]:
        """The hashes of a person's phone, ID number and name under the current key."""
        return (
            None if identity.phone is None else self.phone_lookup(identity.phone),
            None if identity.id_number is None else self.keyed_hash("id", identity.id_number),
            self.keyed_hash("name", comparable_name(identity.name)),
        )

    def phone_lookup(self, phone: str) -> bytes:
        """The keyed hash of a normalised phone under the current key."""
        return self.keyed_hash("phone", phone)

    def phone_lookups(self, phone: str) -> list[bytes]:
        """The hashes under which a normalised phone may be stored, the current one first."""
        return [_keyed_hash(key, "phone", phone) for key in self._lookups.keys.values()]

    def name_lookups(self, name: str) -> list[bytes]:
        """The hashes under which a name may be stored, the current one first."""
        return [_keyed_hash(key, "name", comparable_name(name)) for key in self._lookups.keys.values()]

    def id_lookups(self, id_number: str) -> list[bytes]:
        """The hashes under which an ID number may be stored, the current one first."""
        return [_keyed_hash(key, "id", id_number) for key in self._lookups.keys.values()]

    def keyed_hash(self, purpose: str, *parts: str | bytes) -> bytes:
        """HMAC over the parts under the current key; ``purpose`` keeps hashes of different things apart."""
        return _keyed_hash(self._lookups.keys[self._lookups.current], purpose, *parts)


def _keyed_hash(key: bytes, purpose: str, *parts: str | bytes) -> bytes:
    mac = hmac.new(key, purpose.encode(), hashlib.sha256)
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
    # Padded to a multiple of 64, so that the length of the cipher text reveals nothing of the name's.
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
