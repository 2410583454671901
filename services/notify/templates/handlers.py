"""Rendering: Jinja in a sandbox, compiled once per catalogue."""

from collections.abc import Mapping
from typing import Any, Self

from jinja2 import StrictUndefined, TemplateError
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notify.templates import store
from services.notify.templates.domain import (
    LOCALE,
    Rendered,
    Template,
    english_day,
    english_moment,
    in_force,
    moment,
    one_line,
    plural,
)
from shared.errors import PermanentError
from shared.postgres import Database

__all__ = ["Catalogue", "load_catalogue"]


class Catalogue:
    """The templates in force, ready to render.

    Texts are plain, not HTML: pages escape what they show. A variable that a template names without a value is an
    error, so that no one receives a sentence with a hole in it.
    """

    def __init__(self, compiled: Mapping[str, tuple[int, Compiled, Compiled]]) -> None:
        self._compiled = compiled

    @classmethod
    def of(cls, templates: list[Template], locale: str = LOCALE) -> Self:
        """Compile the highest version of each.

        Raises:
            PermanentError: a template is not valid Jinja.
        """
        environment = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
        spoken = {"moment": moment} if locale == LOCALE else {"moment": english_moment, "day": english_day}
        environment.filters.update(spoken, plural=plural)
        try:
            return cls(
                {
                    name: (t.version, environment.from_string(t.title), environment.from_string(t.body))
                    for name, t in in_force(templates).items()
                }
            )
        except TemplateError as error:
            raise PermanentError(f"a message template is broken: {error}") from error

    def render(self, name: str, params: Mapping[str, Any]) -> Rendered:
        """Fill a template.

        Raises:
            PermanentError: no such template, or a variable is missing.
        """
        try:
            version, title, body = self._compiled[name]
            return Rendered(name, version, one_line(title.render(params)), body.render(params))
        except KeyError as error:
            raise PermanentError(f"there is no message template {name!r}") from error
        except (TemplateError, TypeError, ValueError, AttributeError) as error:
            raise PermanentError(f"the message template {name!r} cannot be filled: {error}") from error


async def load_catalogue(db: Database, locale: str = LOCALE) -> Catalogue:
    """The catalogue of a locale as the database has it now."""
    async with db.snapshot() as tx:
        return Catalogue.of(await store.load(tx, locale), locale)
