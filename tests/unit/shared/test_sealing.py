"""Texts that are sealed under keys of their own: opened by who has the master key and the row, and by nobody else."""

import base64
import os
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import PermanentError
from shared.sealing import FIRST_KEY, KeyRing, TextCipher, encrypt, key_id_of

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


def ring(*ids: str, **keys: str) -> str:
    return ",".join(f"{each}:{keys[each]}" for each in ids)


def fresh() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_a_ring_opens_what_each_of_its_keys_sealed_and_seals_under_the_first() -> None:
    keys = {"k1": fresh(), "k2": fresh()}
    before = TextCipher(ring("k1", **keys), "WEIGUANG_SOME_KEY")
    both = TextCipher(ring("k2", "k1", **keys), "WEIGUANG_SOME_KEY")
    after = TextCipher(ring("k2", **keys), "WEIGUANG_SOME_KEY")
    old, new = before.seal_text(ONE, "旧"), both.seal_text(ONE, "新")
    assert (key_id_of(old[0]), key_id_of(new[0])) == ("k1", "k2")
    assert (both.open_text(ONE, *old), both.open_text(ONE, *new)) == ("旧", "新")
    assert after.open_text(ONE, *new) == "新"
    with pytest.raises(PermanentError, match="does not hold the master key 'k1'"):
        after.open_text(ONE, *old)
    moved = both.rewrap_text(ONE, old[0])
    assert key_id_of(moved) == "k2"
    assert after.open_text(ONE, moved, old[1]) == "旧"
    with pytest.raises(PermanentError):
        both.rewrap_text(OTHER, old[0])


def test_a_single_key_is_a_ring_of_one_whose_id_is_1() -> None:
    key = fresh()
    single, named = TextCipher(key, "WEIGUANG_SOME_KEY"), TextCipher(f"2:{fresh()}, 1:{key}", "WEIGUANG_SOME_KEY")
    stored = single.seal_text(ONE, "签字单")
    assert key_id_of(stored[0]) == FIRST_KEY
    assert named.open_text(ONE, *stored) == "签字单"


def test_what_was_wrapped_before_keys_had_names_opens_under_key_1() -> None:
    key, data_key = fresh(), os.urandom(32)
    bare = encrypt(AESGCM(base64.b64decode(key)), data_key, b"text-key:" + ONE.bytes)
    sealed = encrypt(AESGCM(data_key), "签字单".encode(), b"text:" + ONE.bytes)
    assert len(bare) == 60
    assert key_id_of(bare) == FIRST_KEY
    rotated = TextCipher(f"2:{fresh()},1:{key}", "WEIGUANG_SOME_KEY")
    assert rotated.open_text(ONE, bare, sealed) == "签字单"
    assert key_id_of(rotated.rewrap_text(ONE, bare)) == "2"


@pytest.mark.parametrize("bad", ["1:", "A:{k}", "1:{k},1:{k}", "1:{k},", ":{k}", "1:{k};2:{k}", "1:{k},2:short"])
def test_a_malformed_ring_is_refused_and_no_key_is_shown(bad: str) -> None:
    key = fresh()
    with pytest.raises(PermanentError, match="WEIGUANG_SOME_KEY must be") as refused:
        KeyRing.of(bad.replace("{k}", key), "WEIGUANG_SOME_KEY")
    assert key not in str(refused.value)
    assert key not in repr(KeyRing.of(key, "WEIGUANG_SOME_KEY"))


@given(wrapped=st.binary(max_size=90))
def test_any_bytes_are_a_wrapped_key_or_refused(wrapped: bytes) -> None:
    with pytest.raises(PermanentError, match="cannot be opened"):
        cipher().open_text(ONE, wrapped, b"x" * 40)
