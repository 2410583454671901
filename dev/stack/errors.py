"""What can be wrong with the machine, said so that a person can mend it."""

from shared.errors import WeiguangError

__all__ = ["StackError"]


class StackError(WeiguangError):
    """The stack cannot start or go on; the message says what to do."""
