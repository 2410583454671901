"""Identifiers: UUIDv7 for what begins here, UUIDv5 for what follows from something else."""

from uuid import UUID, uuid5

import uuid_utils.compat

__all__ = ["derived_id", "new_id"]

_NAMESPACE = UUID("6f9619ff-8b86-5d01-b42d-00cf4fc964ff")


def new_id() -> UUID:
    """A UUIDv7: unique, and ordered by creation so that indexes grow at one end."""
    return uuid_utils.compat.uuid7()


def derived_id(*parts: object) -> UUID:
    """The UUIDv5 of the parts: doing a thing again gives the same id, so that repeating it is recognised."""
    return uuid5(_NAMESPACE, "|".join(map(str, parts)))
