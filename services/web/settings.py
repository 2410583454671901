"""Settings of the gateway and the pages."""

from pydantic import Field

from shared.settings import Settings

__all__ = ["UPSTREAM_NAMES", "WebSettings"]

UPSTREAM_NAMES = ("recruitment", "points", "notify", "operations")
"""The services behind the gateway, as their paths name them."""


class WebSettings(Settings):
    """Settings of the web service: where the other services are, and under which address people see it."""

    service: str = "web"
    http_port: int = 8000
    """Port of the gateway."""
    http_connections: int = 4096
    """Connections that the gateway keeps open."""
    public_url: str = "http://127.0.0.1:8000"
    """The address that QR codes carry; ``https`` makes the session's cookies ``Secure``."""

    process_urls: dict[str, str] = Field(default_factory=dict)
    """Process → base address of its health and metrics, inside; shown to engineers on one page."""
    upstream_connections: int = 256
    """Connections kept to all services together; further requests wait their turn."""
    upstream_timeout_seconds: float = 30.0
    """Longest wait for an answer of a service, which then counts as away (503)."""
    figures_age_seconds: float = 1.0
    """How old the district's figures on the public page may be: many viewers cost the services one request."""
    names_age_seconds: float = 30.0
    """How old names of sites and teams on pages may be."""
    pulse_clients: int = 2000
    """Browsers that may watch the pulse at once; further ones get 503 with ``Retry-After``."""

    pulse_clients_per_address: int = 32
    """Browsers of one address that may watch the pulse, IPv6 by /64."""
    requests_per_address: int = 256
    """Requests of one address under way at once; further ones get 429 with ``Retry-After``."""

    @property
    def upstreams(self) -> dict[str, str]:
        """Name of a service in the path → its base address."""
        return {name: getattr(self, f"{name}_url") for name in UPSTREAM_NAMES}

    @property
    def secure(self) -> bool:
        """Whether people reach the pages by TLS."""
        return self.public_url.startswith("https://")
