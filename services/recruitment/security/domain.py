"""The contents of the security log: kinds, results and the shape of an event. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

__all__ = ["Kind", "SecurityEvent", "SecurityResult", "check_detail"]

_LONGEST_TEXT = 80


class Kind(StrEnum):
    """The kinds of events; stable codes, which pages and alerts branch on."""

    SIGN_IN = "sign-in"
    CODE_ASKED = "code-asked"
    LIMIT_REACHED = "limit-reached"
    ALERT = "alert"
    REFRESH_REUSED = "refresh-reused"
    SESSION_ENDED = "session-ended"
    INVITATION_MADE = "invitation-made"
    INVITATION_ACCEPTED = "invitation-accepted"
    INVITATION_WITHDRAWN = "invitation-withdrawn"
    ACCOUNT_CREATED = "account-created"
    ACCOUNT_ACTIVATED = "account-activated"
    ACCOUNT_DEACTIVATED = "account-deactivated"
    ROLE_CHANGED = "role-changed"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  a kind, no secret
    PASSWORD_RESET_ASKED = "password-reset-asked"  # noqa: S105  a kind, no secret
    PASSWORD_RESET = "password-reset"  # noqa: S105  a kind, no secret
    SECOND_FACTOR_SET = "second-factor-set"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    PHONE_CHANGED = "phone-changed"
    UNMASKED = "unmasked"
    QUOTA_REACHED = "quota-reached"
    KEYS_ROTATED = "keys-rotated"
    IMPORT_PROPOSED = "import-proposed"
    IMPORT_APPROVED = "import-approved"
    IMPORT_REJECTED = "import-rejected"
    DATA_EXPORTED = "data-exported"


class SecurityResult(StrEnum):
    """Whether it was done or refused."""

    OK = "ok"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One event. ``detail`` holds codes and numbers: no name, phone, password, token or text that a person typed."""

    kind: Kind
    result: SecurityResult = SecurityResult.OK
    subject: UUID | None = None
    """Whom it concerns; None when the name that was given belongs to no account."""
    actor: UUID | None = None
    """Who did it, when known and another than the subject."""
    address: str | None = None
    detail: Mapping[str, str | int | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_detail(self.detail)


def check_detail(detail: Mapping[str, str | int | bool]) -> None:
    """Refuse what is no code.

    Raises:
        ValueError: a text is long, or holds characters beyond ASCII, as names and reasons do.
    """
    for key, value in detail.items():
        if isinstance(value, str) and (len(value) > _LONGEST_TEXT or not value.isascii()):
            raise ValueError(f"the security log takes codes and numbers, and {key} is a text")
