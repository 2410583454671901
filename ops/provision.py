"""Provisions a deployment once before its services: roles, schemas, clock, topics, the broker's users and permissions.

`python -m ops.provision` reads WEIGUANG_SUPERUSER_DATABASE_URL, WEIGUANG_DATABASE, WEIGUANG_DATABASE_PASSWORDS (JSON:
role → password), the broker's settings (as its super user) and WEIGUANG_KAFKA_PASSWORDS (JSON: principal → password);
repeating it is harmless. `python -m ops.provision kafka` does the broker's part alone, and with `--print` prints the
permissions. `python -m ops.provision secrets` prints a `.env`.
"""

import argparse
import asyncio
from enum import StrEnum
from pathlib import Path
from secrets import token_hex

from pydantic import Field, SecretStr

from ops import database
from ops.kafka.acls import PRINCIPALS, acls, as_command
from ops.kafka.admin import ensure_acls, ensure_users, topic_differences
from ops.secrets import make_secrets
from shared.errors import PermanentError
from shared.kafka.topics import ensure_topics
from shared.settings import Settings

__all__ = ["ProvisionPart", "ProvisionSettings", "env_file", "provision", "provision_kafka", "run"]


EXAMPLE = Path(__file__).resolve().parents[1] / ".env.example"


class ProvisionPart(StrEnum):
    """A part of provisioning, or all of it."""

    ALL = "all"
    KAFKA = "kafka"
    SECRETS = "secrets"


class ProvisionSettings(Settings):
    """Settings of provisioning beyond the broker's."""

    service: str = "provision"
    superuser_database_url: SecretStr = SecretStr("")
    """DSN of PostgreSQL's superuser, who creates roles and schemas."""
    database: str = "weiguang"
    """Database that is created."""
    database_passwords: dict[str, str] = Field(default_factory=dict)
    """Role → password of the roles that are created, as JSON."""
    kafka_passwords: dict[str, SecretStr] = Field(default_factory=dict)
    """Principal → password of the services' SCRAM users; needed where clients connect by SASL."""


async def provision(settings: ProvisionSettings) -> list[str]:
    """Make roles, schemas, the clock (driven in no production), the topics and the broker's users and permissions.

    Returns:
        As `provision_kafka`.

    Raises:
        TransientError: the broker does not answer.
        PermanentError: the broker refuses something, or a password is missing.
        OSError: PostgreSQL does not answer.
    """
    await database.bootstrap(
        settings.superuser_database_url.get_secret_value(),
        settings.database,
        driven_time=settings.environment != "production",
        passwords=settings.database_passwords,
    )
    return await provision_kafka(settings)


async def provision_kafka(settings: ProvisionSettings) -> list[str]:
    """Create what the broker lacks: topics, and where it authenticates clients their users and permissions.

    Returns:
        Sentences on what is there and differs from the settings and the registry; it is left as it is.

    Raises:
        TransientError: the broker does not answer.
        PermanentError: the broker refuses something, or a password is missing.
    """
    sasl = settings.kafka_security.startswith("sasl")
    missing = [name for name in PRINCIPALS if name not in settings.kafka_passwords]
    if sasl and missing:
        raise PermanentError(f"WEIGUANG_KAFKA_PASSWORDS has no password for {', '.join(missing)}.")
    await ensure_topics(settings, attempts=100)
    differences = await topic_differences(settings)
    if sasl:
        passwords = {name: settings.kafka_passwords[name].get_secret_value() for name in PRINCIPALS}
        await ensure_users(settings, passwords)
    if settings.kafka_security != "plaintext":
        _, unplanned = await ensure_acls(settings, acls(settings))
        differences += [f"permission beyond the registry: {found}" for found in unplanned]
    return differences


def env_file(example: str) -> str:
    """`.env.example` with every empty secret filled with a fresh one."""
    made = make_secrets()
    fresh = {f"{role.upper()}_PASSWORD": password for role, password in made.passwords.items()}
    fresh |= {f"KAFKA_{name.upper()}_PASSWORD": token_hex(16) for name in ("admin", *PRINCIPALS)}
    fresh |= {f"{issuer.upper()}_SIGNING_KEY": key for issuer, key in made.signing_keys.items()}
    fresh |= {f"{issuer.upper()}_PUBLIC_KEY": key for issuer, key in made.public_keys.items()}
    fresh |= {"VAULT_KEY": made.vault_key, "LOOKUP_KEY": made.lookup_key, "OPERATOR_PASSWORD": made.operator_password}
    fresh["SECOND_OPERATOR_PASSWORD"] = made.second_operator_password
    fresh["CODE_WEBHOOK_TOKEN"] = token_hex(16)
    fresh |= {"CREDENTIAL_SIGNING_KEY": made.credential_key, "EVIDENCE_KEY": made.evidence_key}
    lines: list[str] = []
    for line in example.splitlines():
        name, equals, value = line.partition("=")
        lines.append(f"{name}={fresh[name]}" if equals and not value and name in fresh else line)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Provision, or print secrets or permissions."""
    parser = argparse.ArgumentParser(prog="python -m ops.provision", description=__doc__)
    parser.add_argument("what", nargs="?", choices=list(ProvisionPart), default=ProvisionPart.ALL)
    parser.add_argument("--print", action="store_true", help="with `kafka`: print the permissions and change nothing")
    chosen = parser.parse_args()
    run(ProvisionPart(chosen.what), show=chosen.print)


def run(what: ProvisionPart, *, show: bool) -> None:
    """Provision a part, or print it: secrets always, the broker's permissions with ``show``.

    Raises:
        SystemExit: the broker refuses something, or a password is missing.
    """
    if what is ProvisionPart.SECRETS:
        print(env_file(EXAMPLE.read_text(encoding="utf-8")), end="")
        return
    settings = ProvisionSettings()
    if what is ProvisionPart.KAFKA and show:
        print("\n".join(as_command(acl) for acl in acls(settings)))
        return
    try:
        differences = asyncio.run(provision(settings) if what is ProvisionPart.ALL else provision_kafka(settings))
    except PermanentError as error:
        raise SystemExit(str(error)) from None
    for sentence in differences:
        print(f"differs: {sentence}")


if __name__ == "__main__":
    main()
