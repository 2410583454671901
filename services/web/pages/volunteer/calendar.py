"""Shifts as a calendar file (RFC 5545). Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from services.web.pages.wording import parse

__all__ = ["calendar_of"]

_FOLD = 74
"""Bytes of a line; what is longer goes on in the next, which begins with a blank."""


def calendar_of(signups: Iterable[Mapping[str, Any]], now: datetime) -> str:
    """The calendar of sign-ups, each an event under the sign-up's own id so that importing again changes nothing."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Weiguang//Shifts//ZH"]
    for signup in signups:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{signup['signup_id']}",
            f"DTSTAMP:{_instant(now)}",
            f"DTSTART:{_instant(parse(signup['starts_at']))}",
            f"DTEND:{_instant(parse(signup['ends_at']))}",
            f"SUMMARY:{_text(signup['title'])}",
            f"LOCATION:{_text(signup['place'])}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """Text with what the format gives a meaning to escaped; control characters become blanks."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(each if each.isprintable() or each == " " else " " for each in escaped)


def _folded(line: str) -> str:
    parts: list[str] = [""]
    for each in line:
        if len((parts[-1] + each).encode()) > _FOLD:
            parts.append("")
        parts[-1] += each
    return "\r\n ".join(parts)
