"""Settings of notify beyond what every service needs."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from shared.settings import Settings

__all__ = ["NotifySettings"]


class NotifySettings(Settings):
    """SMTP of the e-mail channel; without ``smtp_host`` the channel is off and e-mails stay pending."""

    service: str = "notify"
    smtp_host: str = ""
    """Mail server; without it the e-mail channel is off and e-mails stay pending."""
    smtp_port: int = 25
    """Port of the mail server: 587 with STARTTLS, 465 with TLS."""
    smtp_from: str = "weiguang@localhost"
    """Sender's address."""
    smtp_tls: Literal["required", "starttls", "none"] | None = None
    """``required`` (the default in production): TLS with a verified certificate or nothing is sent; port 465 begins by
    TLS. ``starttls``: where the server offers it. ``none`` (the default elsewhere): in the open."""
    smtp_user: str = ""
    """Login at the mail server; none if empty."""
    smtp_password: SecretStr = SecretStr("")
    """Password of the login."""
    smtp_ca_file: Path | None = None
    """PEM of the authority that signed the server's certificate; the system's authorities if unset."""
    smtp_timeout_seconds: float = 20.0
    """Limit on one whole attempt; a quarter of the lease, so that an attempt never outlives it."""
    delivery_lease_seconds: float = 80.0
    """Time after which an attempt without an outcome counts as unknown."""

    @property
    def effective_smtp_tls(self) -> Literal["required", "starttls", "none"]:
        """The setting, or the environment's default."""
        return self.smtp_tls or ("required" if self.environment == "production" else "none")
