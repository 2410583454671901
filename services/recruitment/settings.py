"""Settings of recruitment beyond those of every service."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from shared.settings import Settings

__all__ = ["RecruitmentSettings"]


class RecruitmentSettings(Settings):
    """Settings of all roles of recruitment."""

    service: str = "recruitment"

    vault_key: SecretStr = SecretStr("")
    """Master key of the vault: base64 of 32 bytes. Its loss is that of every name and phone."""
    lookup_key: SecretStr = SecretStr("")
    """Key of the hashes that phones and ID numbers are compared by: base64 of 32 bytes."""

    looks_per_hour: int = 30
    """Looks of one member of staff at personal data in the clear, in any hour; more are refused and alerted."""
    looks_per_day: int = 100
    """Such looks in any 24 hours."""

    code_channel: Literal["log", "webhook"] = "log"
    """How one-time codes travel; ``log`` is refused in production."""
    message_log: Path | None = None
    """File that the channel ``log`` appends codes to."""
    code_webhook_url: str = ""
    """Message gateway that takes ``{phone, code}`` by POST."""
    code_webhook_token: SecretStr = SecretStr("")
    """Bearer token that the message gateway expects."""

    asserted_minutes_per_volunteer: int = Field(default=480, ge=0)
    """Most minutes of one volunteer's day that one account can assert; more waits for another site."""
    asserted_minutes_per_account: int = Field(default=12_000, ge=0)
    """Most minutes of one day that one account can assert for all volunteers together; more waits for another site."""

    unused_places_allowed: int | None = Field(default=None, ge=0)
    """How many places of the last days a volunteer may leave unused, by not coming or by releasing them late, before
    own sign-ups pause; unset: any number."""
    unused_places_days: int = Field(default=90, ge=1)
    """Days for which unused places are counted."""
    unused_places_pause_days: int = Field(default=30, ge=1)
    """Days for which own sign-ups pause after the last unused place."""

    order_review_working_days: int = Field(default=1, ge=1, le=60)
    """Working days until an order that its desk has not taken up or reviewed goes to the desk above."""
    order_answer_days: int = Field(default=14, ge=1, le=365)
    """Days until an order is closed whose resident does not answer the review."""
    order_offer_working_days: int = Field(default=2, ge=1, le=60)
    """Working days until an order that no team accepted goes to the desk above."""
    order_dispatch_working_days: int = Field(default=1, ge=1, le=60)
    """Working days until an order is dispatched anew whose team does not answer."""
    order_accept_days: int = Field(default=3, ge=1, le=365)
    """Days until an accepted order is offered again that its team does not plan."""
    order_completion_days: int = Field(default=3, ge=1, le=365)
    """Days after the service until staff are reminded of an order that was not completed."""
    order_rating_days: int = Field(default=7, ge=1, le=365)
    """Days until a served order counts as rated by default, which reports keep apart."""
    order_most_declines: int = Field(default=3, ge=1, le=20)
    """Teams that decline or do not answer until a need is unfulfilled."""
    order_frail_people: int = Field(default=2, ge=1, le=50)
    """Volunteers at least for a frail resident."""

    public_url: str = "http://127.0.0.1:8000"
    """Where people reach the pages; printed into QR codes."""

    security_log_days: int = Field(default=180, ge=30)
    """Days for which events of the security log are kept; the database deletes none younger than 30."""

    limit_codes_per_phone: int = Field(default=5, ge=1)
    """One-time codes per phone within 15 minutes."""
    limit_codes_per_phone_and_day: int = Field(default=10, ge=1)
    """One-time codes per phone and day."""
    limit_codes_per_address: int = Field(default=30, ge=1)
    """One-time codes per address and hour that proved no phone."""
    limit_codes_in_all: int = Field(default=2000, ge=1)
    """One-time codes per hour in all for browsers that the phones were not used in; the first one refused is an alert
    in the security log."""
    limit_tries_per_address: int = Field(default=60, ge=1)
    """Wrong one-time codes per address and hour."""
    limit_orders_per_resident: int = Field(default=10, ge=1)
    """Orders of one resident in a day, also those that staff take."""
    limit_orders_per_address: int = Field(default=60, ge=1)
    """Orders from one address in an hour, except for those that staff take."""
    limit_passwords_per_address: int = Field(default=30, ge=1)
    """Wrong passwords per address and hour."""
    limit_passwords_per_account: int = Field(default=100, ge=1)
    """Wrong passwords per account and day from browsers and addresses that the account was not used at."""
    limit_passwords_in_all: int = Field(default=600, ge=1)
    """Wrong passwords per hour in all, from such browsers and addresses; the first one refused is an alert."""
    refresh_grace_seconds: int = Field(default=10, ge=0, le=60)
    """Seconds for which a spent refresh token gives its browser the same successor again."""
    second_factor: Literal["required", "offered"] | None = None
    """Whether operators, engineers and auditors need a second factor; required in production unless said otherwise."""

    @property
    def second_factor_required(self) -> bool:
        """Whether operators, engineers and auditors without a second factor can only set one."""
        return (self.second_factor or ("required" if self.environment == "production" else "offered")) == "required"
