"""Errors are of three kinds: transient (try again), permanent (never works) and conflict (contradicts what is).

A ``Refusal`` is what a person gets: a clear sentence saying what is wrong, where, and what is allowed. The HTTP layer
turns it into an RFC 9457 problem.
"""

from typing import Any

__all__ = [
    "Conflict",
    "ConflictError",
    "Forbidden",
    "Invalid",
    "NotFound",
    "PermanentError",
    "Refusal",
    "TooMany",
    "TransientError",
    "Unauthorized",
    "WeiguangError",
]


class WeiguangError(Exception):
    """The root of all errors raised on purpose."""


class TransientError(WeiguangError):
    """The same call may work later: a database or broker is away, a lock could not be had in time."""


class PermanentError(WeiguangError):
    """The same call never works: the input itself is wrong."""


class ConflictError(WeiguangError):
    """The input contradicts what is already recorded."""


class Refusal(WeiguangError):
    """A request that is answered with a problem.

    Args:
        type: a stable slug, e.g. ``shift-full``; callers may branch on it.
        detail: the sentence a person reads.
        status: the HTTP status that fits.
        extra: further members of the problem document.
    """

    status_default = 409

    def __init__(
        self, type: str, detail: str, *, status: int | None = None, title: str | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.type = type
        self.detail = detail
        self.status = self.status_default if status is None else status
        self.title = title or type.replace("-", " ").capitalize()
        self.extra = extra


class Unauthorized(Refusal):
    """The caller is unknown."""

    status_default = 401


class Forbidden(Refusal):
    """The caller is known and may not do this."""

    status_default = 403


class NotFound(Refusal):
    """There is no such thing, or the caller may not know that there is."""

    status_default = 404


class Conflict(Refusal):
    """The request contradicts the present state."""

    status_default = 409


class Invalid(Refusal):
    """The request is well-formed and says something impossible."""

    status_default = 422


class TooMany(Refusal):
    """Too often in too short a time."""

    status_default = 429
