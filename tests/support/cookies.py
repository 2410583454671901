"""The cookie of a session."""

from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from shared.settings import Settings
from tests.support.settings import SECRETS

__all__ = ["MINTING", "cookie"]

MINTING = Settings(service="recruitment", environment="test", auth_signing_key=SECRETS.signing_keys["recruitment"])


def cookie(role: Role) -> dict[str, str]:
    return {
        "cookie": f"wg_access={mint(MINTING, Caller(subject=new_id(), roles=frozenset({role})))}",
        "accept": "text/html",
    }
