"""Components and attributes of the page script: documented, shown in the gallery, escaped. Pure."""

import re
from pathlib import Path

import pytest
from markupsafe import Markup

from services.web.gateway.sessions import Session
from services.web.pages import render

PAGES = Path(render.__file__).parent
DOCUMENT = (Path(__file__).resolve().parents[3] / "docs/pages.md").read_text(encoding="utf-8")
SCRIPT = (PAGES / "static/app.js").read_text(encoding="utf-8")
COMPONENTS = [PAGES / "templates/components" / f"{name}.html" for name in ("forms", "tables", "surfaces", "states")]


def documented() -> set[str]:
    """Attributes in the first column of the document's tables."""
    firsts = [line.split("|")[1] for line in DOCUMENT.splitlines() if line.startswith("| `data-")]
    return {name for first in firsts for name in re.findall(r"data-[a-z-]+", first)}


def in_script() -> set[str]:
    """Attributes that the page script reads or writes."""
    kept = {"-".join(re.findall(r"[A-Z]?[a-z]+", name)).lower() for name in re.findall(r"dataset\.(\w+)", SCRIPT)}
    return {f"data-{name}" for name in kept} | set(re.findall(r"\[(data-[a-z-]+)", SCRIPT))


def in_templates() -> set[str]:
    """Attributes that templates write."""
    found = (path.read_text(encoding="utf-8") for path in (PAGES / "templates").rglob("*.html"))
    return {name for text in found for name in re.findall(r"\b(data-[a-z]+(?:-[a-z]+)*)", text)}


def test_each_block_of_a_page_has_a_place_in_its_frame() -> None:
    """A block that no frame has is dropped in silence, and its script with it."""
    texts = {
        str(path.relative_to(PAGES / "templates")): path.read_text(encoding="utf-8")
        for path in (PAGES / "templates").rglob("*.html")
    }
    blocks = {name: set(re.findall(r"{% block (\w+) %}", text)) for name, text in texts.items()}
    lost = {}
    for name, text in texts.items():
        if (parent := re.search(r'{% extends "([^"]+)" %}', text)) is None:
            continue
        known, above = set(), parent[1]
        while above:
            known |= blocks[above]
            grand = re.search(r'{% extends "([^"]+)" %}', texts[above])
            above = grand[1] if grand else ""
        # what stands inside a block of the page itself is its own
        if strange := {one for one in blocks[name] - known if not _nested(text, one)}:
            lost[name] = strange
    assert lost == {}


def _nested(text: str, block: str) -> bool:
    """Whether a block stands inside another one of the same template."""
    before = text[: text.index(f"{{% block {block} %}}")]
    return before.count("{% block ") > before.count("{% endblock")


def test_attributes_of_the_script_are_documented_and_no_others() -> None:
    assert in_script() <= documented()
    assert in_templates() <= documented()
    assert documented() <= in_script() | in_templates()


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.name)
def test_the_gallery_shows_each_component(path: Path) -> None:
    macros = set(re.findall(r"{% macro (\w+)", path.read_text(encoding="utf-8"))) - {"note", "described"}
    gallery = (PAGES / "templates/operator/design.html").read_text(encoding="utf-8")
    assert macros
    for name in macros:
        assert re.search(rf"[{{ ]{name}\(", gallery), f"/design does not show {name}"
        assert f"`{name}(" in DOCUMENT, f"docs/pages.md does not name {name}"


def made(source: str) -> str:
    """What a piece of a template makes."""
    return render._environment.from_string(source).render()


def test_what_people_wrote_is_text_in_components() -> None:
    said = '"<i>", "a", value="\\"><script>", help="<b>", error="<u>"'
    field = made('{% from "components/forms.html" import field %}{{ field(' + said + ") }}")
    assert "<script>" not in field
    assert not re.search(r"<[ibu]>", field)
    assert 'aria-describedby="a-help a-error" aria-invalid="true"' in field
    cell = made('{% from "components/tables.html" import cell %}{{ cell("名称", "<script>") }}')
    assert "<div>&lt;script&gt;</div>" in Markup(cell)


def test_a_field_without_a_value_has_none() -> None:
    field = made('{% from "components/forms.html" import field %}{{ field("件数", "n", "number", required=false) }}')
    assert " value=" not in field
    assert " required" not in field
    assert "data-number" in field
    assert 'value="0"' in made(
        '{% from "components/forms.html" import field %}{{ field("件数", "n", "number", value=0) }}'
    )


def test_the_gallery_renders() -> None:
    html = render.fragment("operator/design.html", Session(), path="/design")
    assert html.count("<h1>") == 1
    for name in re.findall(r'aria-describedby="([^"]+)"', html):
        assert all(f'id="{one}"' in html for one in name.split())
