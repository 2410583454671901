"""Keys of the vault and of look-ups, and those that replace them."""

import base64
import os

__all__ = ["ID_NUMBER", "LOOKUP", "NEXT_LOOKUP", "NEXT_VAULT", "OTHER_ID", "VAULT", "fresh"]

ID_NUMBER, OTHER_ID = "11010519491231002X", "440524188001010014"


def fresh() -> str:
    return base64.b64encode(os.urandom(32)).decode()


VAULT, NEXT_VAULT, LOOKUP, NEXT_LOOKUP = fresh(), fresh(), fresh(), fresh()
