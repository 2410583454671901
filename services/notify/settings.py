"""What notify needs beyond what every service needs."""

from shared.settings import Settings

__all__ = ["NotifySettings"]


class NotifySettings(Settings):
    """SMTP of the e-mail channel; without ``smtp_host`` the channel is off and e-mails stay pending."""

    service: str = "notify"
    smtp_host: str = ""
    smtp_port: int = 25
    smtp_from: str = "weiguang@localhost"
    smtp_timeout_seconds: float = 20.0
    """Limit on one whole attempt; a quarter of the lease, so that an attempt never outlives it."""
    delivery_lease_seconds: float = 80.0
