"""A statement as CSV. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from services.points.accounts.domain import StatementTransfer

__all__ = ["COLUMNS", "csv_text", "row_of"]

COLUMNS = (
    "transfer_id",
    "posted_at",
    "code",
    "change",
    "amount",
    "debit",
    "credit",
    "bucket",
    "rule_version",
    "expires_on",
    "reward",
    "cause_event_id",
    "correlation_id",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row_of(line: StatementTransfer, reward: str) -> Sequence[Any]:
    """One line, in the order of `COLUMNS`; `change` is the signed change of what may be spent."""
    return (
        line.transfer_id,
        line.posted_at.isoformat(),
        line.code,
        line.change,
        line.amount,
        line.debit_account,
        line.credit_account,
        line.bucket,
        line.rule_version,
        None if line.lot_expires_on == date.max else line.lot_expires_on,
        reward,
        line.cause_event_id,
        line.correlation_id,
    )


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Lines of CSV; a text that a spreadsheet would take for a formula gets a quote before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row])
    return text.getvalue()
