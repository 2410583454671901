"""The vault has no routes of its own; other capabilities' routes get its cipher here."""

from typing import Annotated

from fastapi import Depends, Request

from services.recruitment.vault.cipher import Cipher

__all__ = ["CipherDep"]


async def _cipher(request: Request) -> Cipher:
    cipher: Cipher = request.app.state.cipher
    return cipher


CipherDep = Annotated[Cipher, Depends(_cipher)]
"""The cipher that the composition root put into ``app.state.cipher``."""
