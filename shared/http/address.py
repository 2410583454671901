"""The address of the caller of a request, behind proxies that are trusted.

Limits count by this address. A header that names an address is believed only from a trusted peer, and only up to the
first hop that is not trusted: everything further left was written by the caller.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from starlette.requests import HTTPConnection

__all__ = ["UNKNOWN", "Networks", "client_address", "grouped", "networks", "origin_of", "within"]

UNKNOWN = "unknown"
"""The address of a caller without one, such as a Unix socket's."""
MAX_HOPS = 16
"""Hops of ``X-Forwarded-For`` that are read, from the right."""
IPV6_PREFIX = 64
"""One subscriber usually holds a whole /64, so that its addresses count as one."""

Networks = tuple[IPv4Network | IPv6Network, ...]


@lru_cache(maxsize=64)
def networks(texts: tuple[str, ...]) -> Networks:
    """The networks written as CIDRs or single addresses.

    Raises:
        ValueError: one is neither.
    """
    return tuple(ip_network(text.strip(), strict=False) for text in texts)


def client_address(request: HTTPConnection) -> str:
    """The caller's address as limits count it: IPv4 in full, IPv6 as its /64.

    ``request.app.state.settings`` names the trusted proxies.
    """
    trusted: Sequence[str] = request.app.state.settings.trusted_proxies
    scope = request.scope
    return grouped(origin_of(scope.get("client"), scope["headers"], networks(tuple(trusted))))


def origin_of(peer: Sequence[Any] | None, headers: Iterable[tuple[bytes, bytes]], trusted: Networks) -> str:
    """The peer's address, or the right-most hop of ``X-Forwarded-For`` that is not trusted if the peer is.

    A hop that is no address ends the reading at the trusted one that reported it. If every hop is trusted, the
    left-most one is the caller.
    """
    if peer is None:
        return UNKNOWN
    current = _parsed(str(peer[0]))
    if current is None:
        return UNKNOWN
    if not _within(current, trusted):
        return str(current)
    sent = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    for hop in reversed(sent.decode("latin-1").rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
        address = _parsed(_without_port(hop.strip()))
        if address is None:
            break
        current = address
        if not _within(address, trusted):
            break
    return str(current)


@lru_cache(maxsize=4096)
def grouped(address: str) -> str:
    """The address under which a subscriber is counted: IPv4 in full, IPv6 as its /64."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_PREFIX), strict=False))
    return UNKNOWN if parsed is None else str(parsed)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    if len(text) > 64:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def within(address: str, trusted: Networks) -> bool:
    """Whether an address lies in one of the networks."""
    parsed = _parsed(address)
    return parsed is not None and _within(parsed, trusted)


@lru_cache(maxsize=4096)
def _within(address: IPv4Address | IPv6Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)
