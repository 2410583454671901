"""Texts that are sealed under keys of their own: opened by who has the master key and the row, and by nobody else."""

import base64
import os
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import PermanentError
from shared.sealing import TextCipher

ONE, OTHER = UUID(int=1), UUID(int=2)


def cipher() -> TextCipher:
    return TextCipher(base64.b64encode(os.urandom(32)).decode(), "WEIGUANG_SOME_KEY")


@given(text=st.text(st.characters(codec="utf-8"), max_size=200), about=st.uuids())
def test_what_is_sealed_can_be_opened_and_not_read(text: str, about: UUID) -> None:
    key = cipher()
    wrapped, sealed = key.seal_text(about, text)
    assert key.open_text(about, wrapped, sealed) == text
    plain = text.encode()
    assert len(plain) < 4 or plain not in wrapped + sealed
    assert key.seal_text(about, text) != (wrapped, sealed)


def test_a_text_that_was_moved_changed_or_sealed_under_another_key_does_not_open() -> None:
    key = cipher()
    wrapped, sealed = key.seal_text(ONE, "签字单第12页")
    other, _ = key.seal_text(ONE, "签字单第12页")
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for opener, about, stored in (
        (key, OTHER, (wrapped, sealed)),
        (key, ONE, (other, sealed)),
        (key, ONE, (wrapped, flipped)),
        (key, ONE, (b"", b"")),
        (cipher(), ONE, (wrapped, sealed)),
    ):
        with pytest.raises(PermanentError, match=f"a text about {about} cannot be opened with this key"):
            opener.open_text(about, *stored)


@pytest.mark.parametrize("bad", ["", "c2hvcnQ=", "not base64", base64.b64encode(b"x" * 31).decode()])
def test_a_missing_key_is_named(bad: str) -> None:
    with pytest.raises(PermanentError, match="WEIGUANG_SOME_KEY must be base64 of 32 bytes"):
        TextCipher(bad, "WEIGUANG_SOME_KEY")
