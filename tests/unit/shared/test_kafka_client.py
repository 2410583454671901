"""Every client of the broker connects as the settings say, and production leaves no broker open."""

from pathlib import Path
from typing import Any

import pytest
from faust.auth import SASLCredentials

from services.web.pulse.tail import Tail
from services.web.settings import WebSettings
from shared.errors import PermanentError
from shared.kafka.client import client_options
from shared.kafka.faust_client import faust_options
from shared.settings import Settings
from tests.support.databases import ROOT

USER = {"kafka_user": "points", "kafka_password": "secret"}


def settings(**values: Any) -> Settings:
    return Settings.model_validate({"environment": "production", "kafka_bootstrap": "a:1, b:2", **values})


def test_production_refuses_a_broker_without_authentication() -> None:
    with pytest.raises(PermanentError, match="WEIGUANG_KAFKA_SECURITY=sasl_ssl"):
        client_options(settings())
    with pytest.raises(PermanentError, match="without authentication"):
        faust_options(settings())
    with pytest.raises(PermanentError, match="without authentication"):
        Tail(WebSettings(environment="production"), lambda tick: None)


@pytest.mark.parametrize("chosen", [{"kafka_allow_plaintext": True}, {"environment": "embedded"}])
def test_an_open_broker_must_be_asked_for(chosen: dict[str, Any]) -> None:
    assert client_options(settings(**chosen)) == {"bootstrap_servers": "a:1, b:2", "security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize("missing", ["kafka_user", "kafka_password"])
def test_sasl_needs_a_user_and_a_password(missing: str) -> None:
    with pytest.raises(PermanentError, match="needs WEIGUANG_KAFKA_USER and WEIGUANG_KAFKA_PASSWORD"):
        client_options(settings(kafka_security="sasl_ssl", **{**USER, missing: ""}))


def test_a_plain_password_is_not_sent_in_the_clear_in_production() -> None:
    chosen = {"kafka_security": "sasl_plaintext", "kafka_sasl_mechanism": "PLAIN", **USER}
    with pytest.raises(PermanentError, match="PLAIN sends the password"):
        client_options(settings(**chosen))
    assert client_options(settings(**chosen, kafka_allow_plaintext=True))["sasl_mechanism"] == "PLAIN"
    assert client_options(settings(**{**chosen, "kafka_security": "sasl_ssl"}))["ssl_context"]


def test_credentials_reach_aiokafka_and_faust_alike() -> None:
    chosen = settings(kafka_security="sasl_plaintext", **USER)
    assert client_options(chosen) == {
        "bootstrap_servers": "a:1, b:2",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "points",
        "sasl_plain_password": "secret",
    }
    found = faust_options(chosen)
    assert found["broker"] == ["aiokafka://a:1", "aiokafka://b:2"]
    credentials = found["broker_credentials"]
    assert isinstance(credentials, SASLCredentials)
    assert (credentials.username, credentials.password) == ("points", "secret")
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_PLAINTEXT", "SCRAM-SHA-512")
    encrypted = faust_options(settings(kafka_security="sasl_ssl", **USER))["broker_credentials"]
    assert encrypted.protocol.value == "SASL_SSL"
    assert faust_options(settings(kafka_allow_plaintext=True))["broker_credentials"] is None


def test_tls_alone_needs_no_user() -> None:
    options = client_options(settings(kafka_security="ssl"))
    assert options["security_protocol"] == "SSL"
    assert options["ssl_context"].check_hostname
    assert "sasl_mechanism" not in options


def test_certificates_that_cannot_be_loaded_are_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="WEIGUANG_KAFKA_CA_FILE"):
        client_options(settings(kafka_security="ssl", kafka_ca_file=tmp_path / "missing.pem"))
    (tmp_path / "broken.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(PermanentError, match="WEIGUANG_KAFKA_CERT_FILE"):
        client_options(settings(kafka_security="ssl", kafka_cert_file=tmp_path / "broken.pem"))


def test_no_client_in_services_or_shared_names_the_address_itself() -> None:
    """A client made without the one function would connect without credentials."""
    places = [path for part in ("services", "shared", "ops", "dev/stack") for path in (ROOT / part).rglob("*.py")]
    bare = [path.name for path in places if "bootstrap_servers" in path.read_text("utf-8")]
    assert bare == ["client.py"]
