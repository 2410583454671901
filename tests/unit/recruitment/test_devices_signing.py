"""The form in which devices sign."""

import hashlib
import hmac

from services.recruitment.devices.signing import canonical, sign, signature_holds

BODY = {"b": 1, "a": {"z": "中文", "y": [1.5, None, True]}, "signature": "x"}


def test_the_canonical_form_is_sorted_without_blanks_in_utf8_and_leaves_the_signature_out() -> None:
    assert canonical(BODY) == '{"a":{"y":[1.5,null,true],"z":"中文"},"b":1}'.encode()


def test_a_signature_is_hmac_sha256_in_hex() -> None:
    by_hand = hmac.new(b"secret", canonical(BODY), hashlib.sha256).hexdigest()
    assert sign("secret", BODY) == by_hand
    assert signature_holds("secret", {**BODY, "signature": by_hand})


def test_any_change_breaks_it() -> None:
    signed = {**BODY, "signature": sign("secret", BODY)}
    assert not signature_holds("secret", {**signed, "b": 2})
    assert not signature_holds("secret", {**signed, "c": 2})
    assert not signature_holds("other", signed)
    assert not signature_holds("secret", {**signed, "signature": "编" * 64})
    assert not signature_holds("secret", {**signed, "signature": 5})
    assert not signature_holds("secret", {"b": float("nan"), "signature": "x"})
    assert not signature_holds("secret", {"b": "\ud800", "signature": "x"})
