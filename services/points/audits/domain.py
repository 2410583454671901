"""Runs of the audit. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

__all__ = ["MOST_ATTEMPTS", "AuditRun", "AuditRunState", "ClaimedRun", "given_up"]

AuditRunState = Literal["waiting", "running", "done", "failed"]
MOST_ATTEMPTS = 3
"""Claims of one run, after which it has failed: what ends the worker each time would end it for ever."""


@dataclass(frozen=True, slots=True)
class AuditRun:
    """A run as it stands; ``report`` holds the checks that are done, ``violations`` counts what they found."""

    run_id: UUID
    requested_by: UUID
    requested_at: datetime
    reason: str
    state: AuditRunState
    attempts: int
    checks_total: int
    checks_done: int
    violations: int
    report: Sequence[Mapping[str, Any]]
    problem: str | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that this process works on; a later attempt takes the row over."""

    run_id: UUID
    attempt: int


def given_up(claimed: ClaimedRun) -> bool:
    """Whether a claim is one too many."""
    return claimed.attempt > MOST_ATTEMPTS
