"""Headers: which ones pass the gateway, which are its own, and how cookies are read and written."""

from collections.abc import Iterable

__all__ = ["HOP_BY_HOP", "SECURITY", "Headers", "cookie", "cookies", "find", "forwarded"]

Headers = list[tuple[bytes, bytes]]
"""Header names in lower case, as ASGI has them."""

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# What the gateway decides itself: a caller may not pretend to be another hop, or choose the trace by which the log is
# searched, and cookies are for the pages only.
_OWN = HOP_BY_HOP | {
    b"host",
    b"content-length",
    b"cookie",
    b"expect",
    b"baggage",
    b"forwarded",
    b"traceparent",
    b"tracestate",
    b"x-correlation-id",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"x-weiguang-page",
}

SECURITY: Headers = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), microphone=(), camera=(self)"),
]


def find(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The first value of a header, or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


def forwarded(headers: Headers, client: str, authorization: bytes | None) -> list[tuple[str, str]]:
    """The headers that go on to a service: the caller's, without hop-by-hop ones, and with the caller's address.

    Args:
        authorization: replaces the caller's header when given (a page's session turned into a token).
    """
    named = {
        token.strip().lower()
        for key, value in headers
        if key == b"connection"
        for token in value.split(b",")
        if token.strip()
    }
    passed = [
        (key.decode("latin-1"), value.decode("latin-1"))
        for key, value in headers
        if key not in _OWN and key not in named and not (authorization and key == b"authorization")
    ]
    passed.append(("x-forwarded-for", client))
    if authorization:
        passed.append(("authorization", authorization.decode("latin-1")))
    return passed


def cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The cookies of a request; of two with one name the first counts, as browsers send the closest path first."""
    found: dict[str, str] = {}
    for key, value in headers:
        if key != b"cookie":
            continue
        for pair in value.decode("latin-1").split(";"):
            name, equals, content = pair.strip().partition("=")
            if equals and name not in found:
                found[name] = content
    return found


def cookie(name: str, value: str, *, seconds: int, secure: bool) -> tuple[bytes, bytes]:
    """A ``Set-Cookie`` header that scripts cannot read and other sites cannot post with; 0 seconds deletes it."""
    text = f"{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}"
    return b"set-cookie", (text + "; Secure" if secure else text).encode("latin-1")
