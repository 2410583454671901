"""How every client of the broker connects: address, transport security and credentials, from the settings."""

import ssl
from typing import Any

from shared.errors import PermanentError
from shared.settings import Settings

__all__ = ["client_options"]


def client_options(settings: Settings) -> dict[str, Any]:
    """Options that aiokafka's consumer, producer and admin client share.

    Raises:
        PermanentError: the settings contradict each other, or would leave a production broker open.
    """
    _require_sound(settings)
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security.upper(),
    }
    if settings.kafka_security.endswith("ssl"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.kafka_security.startswith("sasl"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return options


def _require_sound(settings: Settings) -> None:
    guarded = settings.environment == "production" and not settings.kafka_allow_plaintext
    if settings.kafka_security == "plaintext":
        if guarded:
            raise PermanentError(
                "A broker without authentication is refused in production: anything on its network could write any "
                "event. Set WEIGUANG_KAFKA_SECURITY=sasl_ssl with WEIGUANG_KAFKA_USER and WEIGUANG_KAFKA_PASSWORD, or "
                "WEIGUANG_KAFKA_ALLOW_PLAINTEXT=true where the network itself admits these services only."
            )
        return
    if settings.kafka_security.startswith("sasl") and not (settings.kafka_user and settings.kafka_password):
        raise PermanentError(
            f"WEIGUANG_KAFKA_SECURITY={settings.kafka_security} needs WEIGUANG_KAFKA_USER and WEIGUANG_KAFKA_PASSWORD."
        )
    if guarded and settings.kafka_security == "sasl_plaintext" and settings.kafka_sasl_mechanism == "PLAIN":
        raise PermanentError(
            "WEIGUANG_KAFKA_SASL_MECHANISM=PLAIN sends the password as it is, so in production it needs "
            "WEIGUANG_KAFKA_SECURITY=sasl_ssl, or WEIGUANG_KAFKA_ALLOW_PLAINTEXT=true on a network of its own."
        )


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    ca, cert, key = settings.kafka_ca_file, settings.kafka_cert_file, settings.kafka_key_file
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca is not None else None)
        if cert is not None:
            context.load_cert_chain(str(cert), str(key) if key is not None else None)
    except (OSError, ValueError) as error:
        raise PermanentError(
            f"The certificates of WEIGUANG_KAFKA_CA_FILE, WEIGUANG_KAFKA_CERT_FILE and WEIGUANG_KAFKA_KEY_FILE "
            f"cannot be loaded: {error}"
        ) from error
    return context
