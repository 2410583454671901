"""What a deployment runs once before its services: roles, schemas, clock, topics. And fresh secrets for its `.env`.

`python -m ops.provision` reads WEIGUANG_SUPERUSER_DATABASE_URL, WEIGUANG_DATABASE, WEIGUANG_DATABASE_PASSWORDS (JSON:
role → password) and the broker's settings; repeating it is harmless. `python -m ops.provision secrets` prints a `.env`.
"""

import argparse
import asyncio
from pathlib import Path

from pydantic import Field, SecretStr

from ops import database
from ops.stack.secrets import make_secrets
from shared.kafka.topics import ensure_topics
from shared.settings import Settings

__all__ = ["ProvisionSettings", "env_file", "provision"]

EXAMPLE = Path(__file__).resolve().parents[1] / ".env.example"


class ProvisionSettings(Settings):
    """What provisioning needs beyond the broker's settings."""

    service: str = "provision"
    superuser_database_url: SecretStr = SecretStr("")
    database: str = "weiguang"
    database_passwords: dict[str, str] = Field(default_factory=dict)


async def provision(settings: ProvisionSettings) -> None:
    """Make roles, schemas, the clock (driven in no production) and the topics.

    Raises:
        TransientError: the broker does not answer.
        OSError: PostgreSQL does not answer.
    """
    await database.bootstrap(
        settings.superuser_database_url.get_secret_value(),
        settings.database,
        driven_time=settings.environment != "production",
        passwords=settings.database_passwords,
    )
    await ensure_topics(settings, attempts=100)


def env_file(example: str) -> str:
    """`.env.example` with every empty secret filled with a fresh one."""
    made = make_secrets()
    fresh = {f"{role.upper()}_PASSWORD": password for role, password in made.passwords.items()}
    fresh |= {f"{issuer.upper()}_SIGNING_KEY": key for issuer, key in made.signing_keys.items()}
    fresh |= {f"{issuer.upper()}_PUBLIC_KEY": key for issuer, key in made.public_keys.items()}
    fresh |= {"VAULT_KEY": made.vault_key, "LOOKUP_KEY": made.lookup_key, "OPERATOR_PASSWORD": made.operator_password}
    fresh |= {"CREDENTIAL_SIGNING_KEY": made.credential_key, "EVIDENCE_KEY": made.evidence_key}
    lines: list[str] = []
    for line in example.splitlines():
        name, equals, value = line.partition("=")
        lines.append(f"{name}={fresh[name]}" if equals and not value and name in fresh else line)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Provision, or print secrets."""
    parser = argparse.ArgumentParser(prog="python -m ops.provision", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["all", "secrets"], default="all")
    if parser.parse_args().what == "secrets":
        print(env_file(EXAMPLE.read_text(encoding="utf-8")), end="")
        return
    asyncio.run(provision(ProvisionSettings()))


if __name__ == "__main__":
    main()
