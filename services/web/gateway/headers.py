"""Headers: which ones pass the gateway, which are its own, and how cookies are read and written."""

from collections.abc import Iterable

__all__ = [
    "HOP_BY_HOP",
    "Headers",
    "cookie",
    "cookies",
    "find",
    "forwarded",
    "from_browser",
    "security",
    "to_browser",
]

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

_PREFIX = b"__Host-"
_OURS = b"wg_"

_SECURITY: Headers = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (
        b"permissions-policy",
        b"accelerometer=(), autoplay=(), browsing-topics=(), camera=(self), display-capture=(), fullscreen=(self), "
        b"geolocation=(self), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    ),
]
_TRANSPORT: Headers = [(b"strict-transport-security", b"max-age=31536000; includeSubDomains")]


def security(*, secure: bool) -> Headers:
    """The headers that every answer carries; browsers that connected by TLS are required to stay with it."""
    return [*_SECURITY, *_TRANSPORT] if secure else _SECURITY


def from_browser(headers: Headers) -> Headers:
    """A request's headers with our cookies under their plain names, of a deployment that is reached by TLS.

    Cookies of ours without ``__Host-`` are dropped: another host of the domain, or a party on the way of a plain
    request, may have set them.
    """
    return [(key, _plain(value) if key == b"cookie" else value) for key, value in headers]


def to_browser(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """An answer's headers with our cookies under their ``__Host-`` names: for this host, by TLS, and no other."""
    return [
        (key, _PREFIX + value if key == b"set-cookie" and value.startswith(_OURS) else value) for key, value in headers
    ]


def _plain(value: bytes) -> bytes:
    kept = []
    for pair in value.split(b";"):
        pair = pair.strip()
        if pair.startswith(_PREFIX + _OURS):
            kept.append(pair.removeprefix(_PREFIX))
        elif not pair.startswith(_OURS):
            kept.append(pair)
    return b"; ".join(kept)


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
