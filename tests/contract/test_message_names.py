"""Every message that notify can send has a name on the operators' pages."""

import re
from pathlib import Path

from services.web.pages.console.forms import WORDS

ROOT = Path(__file__).resolve().parents[2]
INSIDE = {"email_letter"}
"""The frame of e-mails, which is no message of its own."""


def test_every_template_has_a_name_in_the_console() -> None:
    written = "\n".join(path.read_text("utf-8") for path in (ROOT / "services/notify/migrations").glob("*.sql"))
    templates = set(re.findall(r"^ *\('([a-z_]+)', \d", written, re.MULTILINE)) - INSIDE
    assert len(templates) > 20
    assert templates <= set(WORDS["template"]), "a message without a name"
