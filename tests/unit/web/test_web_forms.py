"""Forms of all templates: what must not stand in an address is sent by POST, with or without the script."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment

from services.web.pages import render
from services.web.pages.forms import ACTION, PostForms

TEMPLATES = Path(render.__file__).parent / "templates"
FORM = re.compile(r"<form\b[^>]*>")
SEARCHES = {"number", "kind", "status", "code", "c", "on", "site", "team", "period"} | {
    "address",
    "theme",
    "week",
    "view",
    "tab",
    "day",
    "result",
    "subject",
}
"""Fields that may stand in an address: searches, a drive's code, the code on a screen."""


def compiled(path: Path) -> str:
    """The template as the pages' own environment reads it."""
    return render._environment.preprocess(path.read_text("utf-8"), path.name)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_forms_are_posted_or_hold_a_search(path: Path) -> None:
    source = compiled(path)
    for found in FORM.finditer(source):
        tag = found.group()
        if 'method="post"' in tag:
            assert " action=" in tag, tag
            continue
        assert 'method="get"' in tag, f"{tag} would be sent as GET without a word"
        inside = source[found.end() : source.index("</form>", found.end())]
        assert 'type="password"' not in inside
        assert 'type="tel"' not in inside
        fields = set(re.findall(r'\sname="([^"]+)"', inside))
        assert fields <= SEARCHES, f"{tag} puts {fields - SEARCHES} into the address"


def test_the_forms_of_the_script_have_a_place_to_go_without_it() -> None:
    environment = Environment(extensions=[PostForms], autoescape=True)
    rendered = environment.from_string('<form data-api="POST /session" novalidate></form>').render()
    assert rendered == f'<form method="post" action="{ACTION}" data-api="POST /session" novalidate></form>'
    own = '<form method="post" action="/session" data-api="POST /session"></form>'
    assert environment.from_string(own).render() == own
    search = '<form action="/drives" method="get"></form>'
    assert environment.from_string(search).render() == search
