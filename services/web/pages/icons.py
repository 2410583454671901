"""The one icon set of the pages: drawings in `icons/`, written into the page so that none is fetched alone."""

import re
from pathlib import Path

from markupsafe import Markup

__all__ = ["ICONS", "icon"]

_DIRECTORY = Path(__file__).parent / "icons"
_DRAWING = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


def _shapes(path: Path) -> str:
    found = _DRAWING.search(path.read_text("utf-8"))
    assert found, f"{path.name} holds no drawing"
    return re.sub(r"\s+", " ", found[1]).replace(" />", "/>").replace("> <", "><").strip()


ICONS = {path.stem: _shapes(path) for path in sorted(_DIRECTORY.glob("*.svg"))}


def icon(name: str) -> Markup:
    """An icon as SVG; it only decorates, so the words beside it (or an accessible name) say what it means.

    Raises:
        KeyError: there is no such icon.
    """
    drawing = f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{ICONS[name]}</svg>'
    return Markup(drawing)  # noqa: S704 - drawn from files of this repository alone
