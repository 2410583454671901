"""Forms before the script has run: sent by POST, so that nothing stands in the address, and answered with a page.

Forms with ``data-api`` or ``data-photo`` are sent by the script. Without it a browser would send them as GET, with
passwords, phones and codes in the address, the history and every log on the way.
"""

import re

from jinja2.ext import Extension

__all__ = ["ACTION", "PostForms"]

ACTION = "/without-script"
"""Where a form of the script goes while there is none."""

_SCRIPTED = re.compile(r"<form(?=[^>]*\sdata-(?:api|photo)=)(?![^>]*\smethod=)")


class PostForms(Extension):
    """Gives every form of the script a method and an action for browsers that have not run it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template's source with ``method`` and ``action`` on the forms that have none."""
        return _SCRIPTED.sub(f'<form method="post" action="{ACTION}"', source)
