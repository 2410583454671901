"""Dead letters of whatever Kafka can carry: built without an error, told apart, and reduced without their content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import deadletters
from shared.cloudevents import decode, header_map
from shared.deadletters import DeadLetter, fingerprint, reduced
from shared.errors import PermanentError
from shared.kafka.consumer import Message

HEADERS = st.lists(
    st.tuples(st.one_of(st.sampled_from(["ce_id", "traceparent"]), st.text()), st.none() | st.binary(max_size=40)),
    max_size=20,
)


def message(**more: object) -> Message:
    plain = Message("volunteering.signups.v1", "signups", 2, 7, b"k", b"{}", [("ce_id", b"1")], 0)
    return plain._replace(**more)  # type: ignore[arg-type]


@given(st.none() | st.binary(), st.none() | st.binary(), HEADERS, st.text())
def test_a_letter_of_any_record_is_built(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], reason: str
) -> None:
    letter = DeadLetter(message(key=key, value=value, headers=headers), reason)
    for text in deadletters._columns(letter, b""):
        if isinstance(text, str):
            text.encode()
            assert "\0" not in text
    _, topic, sent_key, _, _ = deadletters._announcement(letter, 1, "notify")
    assert (topic, "\0" in sent_key) == ("signups.notify.dlq", False)


def test_a_null_header_is_absent_for_the_fingerprint_and_for_the_envelope() -> None:
    assert fingerprint(message(headers=[("ce_id", None)])) == fingerprint(message(headers=[]))
    assert header_map([("a", b"1"), ("b", None)]) == {"a": "1"}
    with pytest.raises(PermanentError, match="lacks ce_id"):
        decode([("ce_id", None)], b"{}")


def test_unreadable_ranges_are_told_apart_by_their_place_and_other_records_are_not() -> None:
    assert fingerprint(message(offset=7)) == fingerprint(message(offset=8))
    assert fingerprint(message(unreadable_to=9)) != fingerprint(message(offset=8, unreadable_to=9))


def test_a_reduced_letter_says_where_why_and_how_large_but_nothing_of_the_content() -> None:
    letter = DeadLetter(message(key=b"secret", value=b"person"), "broken")
    found = reduced(letter, ValueError("person"))
    assert (found.message.offset, found.message.next_offset, found.reason) == (7, 8, "broken")
    assert (found.message.key, found.message.value) == (None, None)
    headers = dict(found.message.headers)
    assert headers["dead-letter-reduced"] == b"ValueError"
    assert (headers["key-bytes"], headers["value-bytes"], headers["header-count"]) == (b"6", b"6", b"1")
    assert not any(b"person" in (value or b"") for value in headers.values())
