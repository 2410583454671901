"""The system's Chromium, as tests, pictures and benches start it."""

import shutil

__all__ = ["ARGUMENTS", "HINT", "find_browser"]

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first that is installed; the shell does without windows, profiles and extensions."""
HINT = "there is none on this machine: apt-get install chromium-headless-shell (or chromium)"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_browser() -> str | None:
    """The path of the browser; None where none is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
