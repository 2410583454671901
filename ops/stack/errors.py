"""What can be wrong with the machine, said so that a person can mend it."""

__all__ = ["StackError"]


class StackError(Exception):
    """The stack cannot start or go on; the message says what to do."""
