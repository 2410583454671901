"""Sealing (AES-256-GCM): what may speak of a person is unreadable where it lies, and is erased by forgetting its key.

Each text has a data key of its own, stored wrapped by a master key. Both layers are bound to what the text is about, so
that stored rows cannot be swapped.
"""

import base64
import binascii
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import PermanentError

__all__ = ["TextCipher", "decode_key", "decrypt", "encrypt", "new_key"]

_NONCE = 12
_KEY = 32


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


def new_key() -> bytes:
    """A fresh data key."""
    return AESGCM.generate_key(bit_length=256)


def encrypt(key: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    """The nonce and the cipher text, which opens only beside the same ``bound_to``."""
    nonce = os.urandom(_NONCE)
    return nonce + key.encrypt(nonce, plain, bound_to)


def decrypt(key: AESGCM, stored: bytes, bound_to: bytes) -> bytes:
    """What `encrypt` was given.

    Raises:
        InvalidTag, ValueError: another key, another ``bound_to``, or the bytes were changed.
    """
    return key.decrypt(stored[:_NONCE], stored[_NONCE:], bound_to)


class TextCipher:
    """Seals texts under keys of their own, which the master key in ``setting`` wraps.

    Raises:
        PermanentError: the setting is missing or is not base64 of 32 bytes.
    """

    def __init__(self, key: str, setting: str) -> None:
        self._master = AESGCM(decode_key(key, setting))

    def seal_text(self, owner_id: UUID, text: str) -> tuple[bytes, bytes]:
        """(wrapped key, sealed) of a text about its owner, under a key of its own: erased by deleting that key."""
        data_key = new_key()
        wrapped = encrypt(self._master, data_key, b"text-key:" + owner_id.bytes)
        return wrapped, encrypt(AESGCM(data_key), text.encode(), b"text:" + owner_id.bytes)

    def open_text(self, owner_id: UUID, wrapped_key: bytes, sealed: bytes) -> str:
        """Read a sealed text.

        Raises:
            PermanentError: it was tampered with, is somebody else's, or was sealed under another master key.
        """
        try:
            data_key = decrypt(self._master, wrapped_key, b"text-key:" + owner_id.bytes)
            return decrypt(AESGCM(data_key), sealed, b"text:" + owner_id.bytes).decode()
        except (InvalidTag, ValueError):
            raise PermanentError(f"a text about {owner_id} cannot be opened with this key") from None
