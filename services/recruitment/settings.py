"""What recruitment needs beyond every service's settings."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from shared.settings import Settings

__all__ = ["RecruitmentSettings"]


class RecruitmentSettings(Settings):
    """Settings of all roles of recruitment."""

    service: str = "recruitment"

    vault_key: SecretStr = SecretStr("")
    """Master key of the vault: base64 of 32 bytes. Whoever loses it loses every name and phone."""
    lookup_key: SecretStr = SecretStr("")
    """Key of the hashes that phones and ID numbers are compared by: base64 of 32 bytes."""

    code_channel: Literal["log", "webhook"] = "log"
    """How one-time codes travel; ``log`` is refused in production."""
    message_log: Path | None = None
    """File that the channel ``log`` appends codes to."""
    code_webhook_url: str = ""
    """Message gateway that takes ``{phone, code}`` by POST."""
    code_webhook_token: SecretStr = SecretStr("")

    asserted_minutes_per_volunteer: int = Field(default=480, ge=0)
    """Most minutes of one volunteer's day that one account can assert; more waits for another site."""
    asserted_minutes_per_account: int = Field(default=12_000, ge=0)
    """Most minutes of one day that one account can assert for all volunteers together; more waits for another site."""

    public_url: str = "http://127.0.0.1:8000"
    """Where people reach the pages; printed into QR codes."""

    security_log_days: int = Field(default=180, ge=30)
    """Days for which events of the security log are kept; the database deletes none younger than 30."""
