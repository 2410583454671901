"""Forms before the script has run: sent by POST, so that nothing stands in the address, and answered with a page.

Forms with ``data-api`` or ``data-photo`` are sent by the script. Without it a browser would send them as GET, with
passwords, phones and codes in the address, the history and every log on the way.
"""

import re

from jinja2.ext import Extension

__all__ = ["ACTION", "PostForms"]

ACTION = "/without-script"
"""Where a form of the script goes while there is none."""

_SCRIPTED = r"<form(?=[^>]*\sdata-(?:api|photo)=)(?![^>]*\s{}=)"
_WITHOUT_ACTION, _WITHOUT_METHOD = re.compile(_SCRIPTED.format("action")), re.compile(_SCRIPTED.format("method"))


class PostForms(Extension):
    """Gives every form of the script a method and an action for browsers that have not run it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template's source with ``method`` and ``action`` on the forms that lack them."""
        acting = _WITHOUT_ACTION.sub(f'<form action="{ACTION}"', source)
        return _WITHOUT_METHOD.sub('<form method="post"', acting)
