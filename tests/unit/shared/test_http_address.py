"""The caller's address: headers count only as far as trusted proxies wrote them."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from shared.http.address import UNKNOWN, client_address, grouped, networks, origin_of
from shared.settings import Settings

TRUSTED = networks(("127.0.0.0/8", "::1", "10.0.0.0/8"))


def seen(peer: str | None, *sent: str) -> str:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in sent]
    return origin_of(None if peer is None else (peer, 1), headers, TRUSTED)


@pytest.mark.parametrize(
    ("peer", "sent", "expected"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # a stranger's own header counts for nothing
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # what stands left of it was sent by the caller
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),  # repeated headers are one list
        ("127.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("127.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:203.0.113.7", [], "203.0.113.7"),
        ("127.0.0.1", ["junk, 10.0.0.2"], "10.0.0.2"),
        ("127.0.0.1", ["6.6.6.6, "], "127.0.0.1"),
        ("not an address", ["198.51.100.1"], UNKNOWN),
        (None, ["198.51.100.1"], UNKNOWN),
    ],
)
def test_only_trusted_hops_are_believed(peer: str | None, sent: list[str], expected: str) -> None:
    assert seen(peer, *sent) == expected


@given(st.text(max_size=300).filter(lambda text: text.encode("latin-1", "ignore").decode("latin-1") == text))
def test_a_stranger_never_moves_their_address(sent: str) -> None:
    assert seen("203.0.113.7", sent) == "203.0.113.7"
    assert seen("127.0.0.1", sent + ", 203.0.113.7") == "203.0.113.7"


def test_ipv6_is_counted_by_subscriber() -> None:
    assert grouped("2001:db8:1:2:3::4") == grouped("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert grouped("2001:db8:1:3::1") != grouped("2001:db8:1:2::1")
    assert grouped("::ffff:198.51.100.1") == "198.51.100.1"
    assert grouped(UNKNOWN) == UNKNOWN


def test_requests_are_counted_by_the_settings_of_their_app() -> None:
    app = SimpleNamespace(state=SimpleNamespace(settings=Settings(trusted_proxies=["10.0.0.0/8"])))
    scope = {
        "type": "http",
        "app": app,
        "client": ("10.1.2.3", 5),
        "headers": [(b"x-forwarded-for", b"6.6.6.6, 2001:db8::1")],
    }
    assert client_address(Request(scope)) == "2001:db8::/64"
    assert client_address(Request({**scope, "client": ("127.0.0.1", 5)})) == "127.0.0.1"


def test_networks_that_are_none_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies=["nonsense"])
