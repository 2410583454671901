"""Passwords of tests are hashed at a strength that costs nothing: each hash of production takes 30 ms of a core."""

from typing import Any

from argon2 import PasswordHasher

from services.recruitment.access import passwords

__all__ = ["hash_cheaply"]


def hash_cheaply() -> None:
    """Let this process hash in the same form with the least passes and memory; services of stacks do not."""

    def least(**_strength: Any) -> PasswordHasher:
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

    setattr(passwords, "PasswordHasher", least)  # noqa: B010 - a class in the eyes of types
