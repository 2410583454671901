"""Sealing (AES-256-GCM): what may speak of a person is unreadable where it lies, and is erased by forgetting its key.

Each text has a data key of its own, stored wrapped by a master key. Both layers are bound to what the text is about, so
that stored rows cannot be swapped. Master keys come as a ring: the current key wraps, every key of the ring opens, and
a wrapped key names the one that it was wrapped under.
"""

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import PermanentError

__all__ = [
    "FIRST_KEY",
    "KeyRing",
    "TextCipher",
    "Wrapping",
    "decode_key",
    "decrypt",
    "encrypt",
    "key_id_of",
    "new_key",
    "parse_ring",
]

FIRST_KEY = "1"
"""The id of a key that is configured without one, and of what was wrapped before wrapped keys named theirs."""
_NONCE = 12
_TAG = 16
_KEY = 32
_BARE = _NONCE + _KEY + _TAG
"""Length of a wrapped key of the first format, which names no key; all others are longer."""
_NAMED = 1
_T = TypeVar("_T")
_ID = re.compile(r"[a-z0-9]{1,16}")


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


def parse_ring(text: str, setting: str) -> dict[str, str]:
    """The keys of a setting by id, the current one first: of ``2:…,1:…``, or of one key, whose id is `FIRST_KEY`.

    Raises:
        PermanentError: an id is malformed or is given twice.
    """
    if ":" not in text:
        return {FIRST_KEY: text.strip()}
    found: dict[str, str] = {}
    for part in text.split(","):
        key_id, _, key = part.strip().partition(":")
        if _ID.fullmatch(key_id) is None or key_id in found:
            raise PermanentError(f"{setting} must be a key, or a list such as 2:…,1:… of keys with ids of a–z and 0–9")
        found[key_id] = key.strip()
    return found


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys of 32 bytes by id; the current one is for what is written now."""

    current: str
    keys: Mapping[str, bytes]

    @classmethod
    def of(cls, text: str, setting: str) -> "KeyRing":
        """The ring that a setting holds.

        Raises:
            PermanentError: it is missing, malformed, or a key is not base64 of 32 bytes.
        """
        keys = {key_id: decode_key(key, setting) for key_id, key in parse_ring(text, setting).items()}
        return cls(next(iter(keys)), MappingProxyType(keys))

    def __repr__(self) -> str:
        return f"KeyRing(current={self.current}, ids={sorted(self.keys)})"  # keys belong in no log


def new_key() -> bytes:
    """A fresh data key."""
    return AESGCM.generate_key(bit_length=256)


def encrypt(key: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    """The nonce and the cipher text, which opens only beside the same ``bound_to``."""
    nonce = os.urandom(_NONCE)
    return nonce + key.encrypt(nonce, plain, bound_to)


def decrypt(key: AESGCM, stored: bytes, bound_to: bytes) -> bytes:
    """Decrypt what `encrypt` returned.

    Raises:
        InvalidTag, ValueError: another key, another ``bound_to``, or the bytes were changed.
    """
    return key.decrypt(stored[:_NONCE], stored[_NONCE:], bound_to)


def key_id_of(wrapped: bytes) -> str:
    """The id of the master key that a data key was wrapped under.

    Raises:
        ValueError: the bytes are no wrapped key.
    """
    if len(wrapped) == _BARE:
        return FIRST_KEY
    if len(wrapped) < 2 or wrapped[0] != _NAMED or len(wrapped) != 2 + wrapped[1] + _BARE:
        raise ValueError("not a wrapped key")
    return wrapped[2 : 2 + wrapped[1]].decode("ascii")


class Wrapping:
    """Wraps data keys under the current master key of a ring, and opens what any of its keys has wrapped."""

    def __init__(self, ring: KeyRing) -> None:
        self.current = ring.current
        self._masters = {key_id: AESGCM(key) for key_id, key in ring.keys.items()}

    @property
    def mark(self) -> bytes:
        """The prefix of every data key that is wrapped under the current master key."""
        return bytes((_NAMED, len(self.current))) + self.current.encode("ascii")

    def wrap(self, data_key: bytes, bound_to: bytes) -> bytes:
        """The data key, wrapped under the current master key."""
        return self.mark + encrypt(self._masters[self.current], data_key, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """The data key.

        Raises:
            PermanentError: the ring does not hold the master key that it was wrapped under.
            InvalidTag, ValueError: as for `decrypt`.
        """
        key_id = key_id_of(wrapped)
        master = self._masters.get(key_id)
        if master is None:
            raise PermanentError(f"the ring does not hold the master key {key_id!r}")
        return decrypt(master, wrapped[-_BARE:], bound_to)

    def rewrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """The same data key under the current master key; what it sealed stays as it is.

        Raises:
            PermanentError, InvalidTag, ValueError: as for `unwrap`.
        """
        return self.wrap(self.unwrap(wrapped, bound_to), bound_to)


class TextCipher:
    """Seals texts under keys of their own, which the master keys in ``setting`` wrap.

    Raises:
        PermanentError: the setting is missing or is not base64 of 32 bytes.
    """

    def __init__(self, keys: str, setting: str) -> None:
        self.wrapping = Wrapping(KeyRing.of(keys, setting))

    def seal_text(self, owner_id: UUID, text: str) -> tuple[bytes, bytes]:
        """(wrapped key, sealed) of a text about its owner, under a key of its own: erased by deleting that key."""
        data_key = new_key()
        wrapped = self.wrapping.wrap(data_key, b"text-key:" + owner_id.bytes)
        return wrapped, encrypt(AESGCM(data_key), text.encode(), b"text:" + owner_id.bytes)

    def open_text(self, owner_id: UUID, wrapped_key: bytes, sealed: bytes) -> str:
        """Read a sealed text.

        Raises:
            PermanentError: it was tampered with, belongs to another person, or was sealed under another master key.
        """

        def opened() -> str:
            data_key = self.wrapping.unwrap(wrapped_key, b"text-key:" + owner_id.bytes)
            return decrypt(AESGCM(data_key), sealed, b"text:" + owner_id.bytes).decode()

        return _guarded(opened, f"a text about {owner_id}")

    def rewrap_text(self, owner_id: UUID, wrapped_key: bytes) -> bytes:
        """The wrapped key of a text, under the current master key.

        Raises:
            PermanentError: as for `open_text`.
        """
        bound_to = b"text-key:" + owner_id.bytes
        return _guarded(lambda: self.wrapping.rewrap(wrapped_key, bound_to), f"a text about {owner_id}")


def _guarded(work: Callable[[], _T], what: str) -> _T:
    try:
        return work()
    except (InvalidTag, ValueError):
        raise PermanentError(f"{what} cannot be opened with this key") from None
    except PermanentError as error:
        raise PermanentError(f"{what} cannot be opened with this key: {error}") from None
