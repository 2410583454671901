"""How a faust app connects to the broker. Apart from `client`, so that processes without faust do not load it."""

from typing import Any

from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from shared.kafka.client import client_options
from shared.settings import Settings

__all__ = ["faust_options"]


def faust_options(settings: Settings) -> dict[str, Any]:
    """Address and credentials of a faust app: ``broker`` and ``broker_credentials``.

    Raises:
        PermanentError: as for `client_options`.
    """
    return {
        "broker": [f"aiokafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")],
        "broker_credentials": _credentials(settings),
    }


def _credentials(settings: Settings) -> CredentialsT | None:
    options = client_options(settings)
    context = options.get("ssl_context")
    if "sasl_mechanism" in options:
        return SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return SSLCredentials(context) if context is not None else None
