"""The pictures of the pages are there, light enough for a README, and no others."""

import re
from pathlib import Path

from dev import screens

ROOT = Path(__file__).resolve().parents[3]
WANTED = {screen.file(size) for screen in screens.SCREENS for size in screen.sizes}


def test_each_picture_is_there_and_light_and_no_other() -> None:
    assert set(screens.FOLDER.iterdir()) == WANTED
    for path in WANTED:
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n"), path.name
        assert path.stat().st_size <= screens.MOST_BYTES, path.name


def test_the_readmes_show_two_of_them() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        shown = re.findall(r"docs/screens/[\w-]+\.png", (ROOT / name).read_text("utf-8"))
        assert len(shown) == 2
        assert {ROOT / one for one in shown} <= WANTED
