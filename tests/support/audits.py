"""Looks up the findings of the audit."""

from collections.abc import Mapping

from ops.audit.model import Check, Report

__all__ = ["by_code"]


def by_code(report: Report) -> Mapping[str, Check]:
    """The checks by their code, A1 to A8."""
    return {check.code: check for check in report.checks}
