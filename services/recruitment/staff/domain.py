"""Rules of staff accounts: who may invite, activate and close them, and which passwords are refused. Pure."""

import string
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from services.recruitment.access.domain import StaffRole

__all__ = [
    "INVITATION_LIFETIME",
    "PASSWORD_LENGTH",
    "AccountState",
    "NotAllowed",
    "StaffAccount",
    "StaffRole",
    "check_password",
    "judge_activation",
    "judge_deactivation",
    "judge_invitation",
]

INVITATION_LIFETIME = timedelta(days=7)
PASSWORD_LENGTH = range(10, 129)
_LONGEST_RUN = 4
_FEWEST_DIFFERENT = 5
_OWN_WORDS = ("weiguang", "微光")
_LEET = str.maketrans("@013457$!|", "aoleastsil")


class AccountState(StrEnum):
    """Whether an account may sign in."""

    PENDING = "pending"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """A staff account as the rules see it; ``made_by`` and ``reset_by`` are members of staff."""

    staff_id: UUID
    role: StaffRole
    state: AccountState
    site_id: UUID | None
    unbounded: bool
    """Whether it acts for all sites."""
    made_by: UUID | None
    reset_by: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Why not: a stable slug, a sentence, and whether it is the person (403) or the state (409)."""

    slug: str
    detail: str
    status: int = 403


def judge_invitation(role: StaffRole, site_id: UUID | None, *, centre: bool) -> NotAllowed | None:
    """Whether a member of staff may invite for this role; that the site is within their bounds is checked elsewhere."""
    if role is StaffRole.STATION and site_id is None:
        return NotAllowed("site-required", "station staff belong to a site: please give site_id", 422)
    if not centre and (role is not StaffRole.STATION or site_id is None):
        return NotAllowed(
            "site-out-of-bounds",
            "only the centre invites operators, engineers, auditors and staff who are bound to no site",
        )
    return None


def judge_activation(
    account: StaffAccount, inviter: StaffAccount | None, activator: UUID, *, centre: bool
) -> NotAllowed | None:
    """Whether the activator stands apart from the inviter, beyond what `Caller.require_second_person` requires.

    That the account is within the activator's bounds is checked elsewhere.
    """
    if not centre and account.role is not StaffRole.STATION:
        return NotAllowed("centre-only", "only the centre activates accounts of operators, engineers and auditors")
    if account.state is not AccountState.PENDING:
        return NotAllowed("account-not-pending", f"this account is {account.state} already", 409)
    if inviter is not None and activator in (inviter.made_by, inviter.reset_by):
        return NotAllowed(
            "second-person-needed",
            "you created or reset the account of who invited it, so a third person must activate",
        )
    return None


def judge_deactivation(account: StaffAccount, by: UUID, *, centre: bool, other_unbounded: int) -> NotAllowed | None:
    """Whether the account may be closed. ``other_unbounded`` counts active operators of the centre besides it."""
    if account.staff_id == by:
        return NotAllowed("own-account", "another operator than you closes your account")
    if account.state is AccountState.DEACTIVATED:
        return NotAllowed("account-deactivated", "this account is closed already", 409)
    if not centre and account.role is not StaffRole.STATION:
        return NotAllowed("centre-only", "only the centre closes accounts of operators, engineers and auditors")
    last = account.role is StaffRole.OPERATOR and account.unbounded and other_unbounded == 0
    if last and account.state is AccountState.ACTIVE:
        return NotAllowed("last-operator", "this is the last operator of the centre: activate another one first", 409)
    return None


def check_password(password: str, forbidden: Collection[str], common: Collection[str]) -> None:
    """Refuse what can be guessed.

    Args:
        forbidden: words that it must not hold, such as the username and the site's name.
        common: cores of common passwords, lower case.

    Raises:
        ValueError: it is too short or long, repeats a character, holds a forbidden word, or is a common password with
            digits or signs around it.
    """
    if len(password) not in PASSWORD_LENGTH:
        raise ValueError(f"password must have {PASSWORD_LENGTH[0]} to {PASSWORD_LENGTH[-1]} characters")
    lower = unicodedata.normalize("NFKC", password).lower()
    if any(word and word.lower() in lower for word in (*forbidden, *_OWN_WORDS)):
        raise ValueError("password must not contain the username, the name of the site or of this service")
    if len(set(lower)) < _FEWEST_DIFFERENT or _longest_run(lower) > _LONGEST_RUN:
        raise ValueError("password must not repeat one character or a few")
    if _is_common(lower, common):
        raise ValueError("password is among the commonest ones: please choose several words of your own")


def _longest_run(text: str) -> int:
    longest = run = 1
    for before, here in pairwise(text):
        run = run + 1 if here == before else 1
        longest = max(longest, run)
    return longest


def _is_common(lower: str, common: Collection[str]) -> bool:
    """Whether nothing is left of it but a common core, as it stands or with digits written for letters."""
    core = lower.strip(string.digits + string.punctuation + " ")
    for text in (lower, core.translate(_LEET)):
        plain = "".join(char for char in text if char.isalnum())
        letters = plain.strip("0123456789")
        if plain in common or letters in common or not letters:
            return True
        half = len(letters) // 2
        if len(letters) % 2 == 0 and letters[:half] == letters[half:] and letters[:half] in common:
            return True
    return False
