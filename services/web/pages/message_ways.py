"""Ways from a message to the page where one goes on: the paths that its text names, or the page of its kind. Pure."""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

from services.web.pages.language import N_, _

__all__ = ["linked", "way_of"]

WAYS: Mapping[str, tuple[str, str]] = {
    "redemption_held": ("/me/points#rewards-title", N_("看我的兑换和领取码")),
    "redemption_reminder": ("/me/points#rewards-title", N_("看我的兑换和领取码")),
    **dict.fromkeys(
        (
            "shift_reminder",
            "signup_placed",
            "swap_decided",
            "swap_proposed",
            "waitlist_joined",
            "waitlist_offered",
            "waitlist_promoted",
        ),
        ("/me/service#duties-title", N_("去我的班次")),
    ),
}
"""The page of a kind of message whose text names no path."""

_PATH = re.compile(r"(?<![\w/.:])/(?:me|staff|orders|console)(?:[/?][\w\-/?=&;]*)?(?!\w)")


def linked(text: str) -> Markup:
    """A message's text with each path of our own pages as a link; all else is escaped."""
    return Markup(  # noqa: S704 - escaped before links are put in
        _PATH.sub(lambda found: f'<a href="{found[0]}">{_("打开")}</a>', str(escape(text)))
    )


def way_of(kind: str) -> tuple[str, str] | None:
    """The page to go on at, and the link's words; None where there is none."""
    found = WAYS.get(kind)
    return None if found is None else (found[0], _(found[1]))
