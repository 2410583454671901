"""The languages of the pages: sentences are written in Chinese where they stand, and translated by catalogues."""

from services.web.pages.language.current import (
    LANGUAGES,
    N_,
    SOURCE,
    N_n,
    _,
    _n,
    choose,
    current,
    language_of,
    listed,
    standing_alone,
    titled,
)

__all__ = [
    "LANGUAGES",
    "N_",
    "SOURCE",
    "N_n",
    "_",
    "_n",
    "choose",
    "current",
    "language_of",
    "listed",
    "standing_alone",
    "titled",
]
