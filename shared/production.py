"""The settings that production refuses: fine for a trial, but they would leave a deployment open."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from shared.errors import PermanentError
from shared.postgres import Database, load_queries
from shared.settings import Settings
from shared.telemetry import logging

__all__ = ["configure", "faults", "require_machine_clock", "require_production"]

MIN_SECRET = 16
"""Characters of a password or token."""
_OTHERS = {"smtp_password": 8}
"""Secrets that another system issues, with their least length."""
_EXAMPLES = ("replace", "change", "example", "password", "secret", "default", "placeholder")
_SQL = load_queries(__file__)


def configure(settings: Settings) -> None:
    """The first step of every process: refuse unsafe settings, then log as they say.

    Raises:
        SystemExit: production refuses the settings; the message says why.
    """
    try:
        require_production(settings)
    except PermanentError as error:
        raise SystemExit(str(error)) from None
    logging.configure(settings)


def require_production(settings: Settings) -> None:
    """Require settings that production may run with; any others pass elsewhere.

    Raises:
        PermanentError: names every setting that is unsafe, and what to set.
    """
    found = list(faults(settings)) if settings.environment == "production" else []
    if found:
        raise PermanentError("Production refuses to start:\n" + "\n".join(f"- {fault}" for fault in found))


async def require_machine_clock(settings: Settings, db: Database) -> None:
    """Require that production runs on a database whose business time cannot be driven.

    Raises:
        PermanentError: it can.
        TransientError: the database does not answer.
    """
    if settings.environment != "production":
        return
    async with db.snapshot() as tx:
        if await tx.fetchval(_SQL["drivable"]):
            raise PermanentError(
                "Production refuses to start: business time can be driven in this database. Provision one of its own "
                "with WEIGUANG_ENVIRONMENT=production (python -m ops.provision)."
            )


def faults(settings: Settings) -> Iterator[str]:
    """Sentences on what production would refuse, each with the variable to set."""
    if settings.broker == "embedded":
        yield "WEIGUANG_BROKER=embedded loses its log when it stops: use Apache Kafka (WEIGUANG_BROKER=kafka)."
    for name, value in settings:
        if name == "public_url":
            yield from _address(str(value))
        elif name == "code_webhook_url" and value and urlsplit(value).scheme != "https":
            yield f"{_variable(name)}={value} is not https: one-time codes would travel in the open."
        elif name.endswith("database_url") and isinstance(value, str | SecretStr):
            yield from _database(name, value.get_secret_value() if isinstance(value, SecretStr) else value)
        else:
            for secret in _secrets_in(value):
                yield from _secret(name, secret.get_secret_value(), _OTHERS.get(name, MIN_SECRET))


def _address(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        yield (
            f"WEIGUANG_PUBLIC_URL={url} is not https: sessions would travel in the open and cookies without `Secure`. "
            "Put a TLS proxy in front and set its address."
        )


def _database(name: str, dsn: str) -> Iterator[str]:
    if dsn and "sslcert=" not in dsn:
        password = unquote(urlsplit(dsn).password or "")
        why = _weak(password)
        if why is not None:
            yield f"The password in {_variable(name)} {why}."


def _secrets_in(value: object) -> Iterator[SecretStr]:
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets_in(inner)


def _secret(name: str, value: str, least: int) -> Iterator[str]:
    why = _weak(value, least) if value else None
    if why is not None:
        yield f"{_variable(name)} {why}."


def _weak(value: str, least: int = MIN_SECRET) -> str | None:
    """Why a secret is none, or None."""
    if not value:
        return "is not set"
    if len(value) < least:
        return f"has fewer than {least} characters"
    if any(word in value.lower() for word in _EXAMPLES):
        return "is an example: generate one of its own (python -m ops.provision secrets)"
    if len(set(_bytes_of(value))) < 6:
        return "is too regular: generate one (python -m ops.provision secrets)"
    return None


def _bytes_of(value: str) -> Any:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value


def _variable(name: str) -> str:
    return f"WEIGUANG_{name.upper()}"
