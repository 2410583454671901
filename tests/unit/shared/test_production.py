"""Production refuses settings that would leave a deployment open, and says which and what to set."""

from secrets import token_hex
from typing import Any

import pytest
from pydantic import Field, SecretStr

from ops.secrets import make_secrets
from services.recruitment.settings import RecruitmentSettings
from services.web.settings import WebSettings
from shared import production
from shared.errors import PermanentError
from shared.postgres import Database
from shared.production import faults, require_production
from shared.settings import Settings

SOUND = WebSettings(public_url="https://volunteers.example.org")


def good(**changes: Any) -> RecruitmentSettings:
    secrets = make_secrets()
    values: dict[str, Any] = {
        "public_url": "https://volunteers.example.org",
        "database_url": f"postgresql://recruitment_app:{token_hex(16)}@postgres/weiguang",
        "vault_key": secrets.vault_key,
        "lookup_key": secrets.lookup_key,
        "code_webhook_url": "https://gateway.example.org/codes",
        "code_webhook_token": token_hex(16),
    }
    return RecruitmentSettings(**{**values, **changes})


def test_sound_settings_start() -> None:
    assert list(faults(SOUND)) == []
    assert list(faults(good())) == []
    require_production(good())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"public_url": "http://volunteers.example.org"}, "WEIGUANG_PUBLIC_URL=http://"),
        ({"public_url": "https://"}, "WEIGUANG_PUBLIC_URL"),
        ({"broker": "embedded"}, "WEIGUANG_BROKER=embedded"),
        ({"database_url": "postgresql://recruitment_app@postgres/weiguang"}, "WEIGUANG_DATABASE_URL is not set"),
        ({"database_url": "postgresql://recruitment_app:short@postgres/weiguang"}, "fewer than 16"),
        ({"database_url": "postgresql://recruitment_app:password-password@h/weiguang"}, "is an example"),
        ({"vault_key": "A" * 43 + "="}, "WEIGUANG_VAULT_KEY is too regular"),
        ({"code_webhook_token": "replace-me-with-a-token"}, "WEIGUANG_CODE_WEBHOOK_TOKEN is an example"),
        ({"code_webhook_url": "http://gateway.example.org/codes"}, "WEIGUANG_CODE_WEBHOOK_URL"),
        ({"kafka_password": "kafka"}, "WEIGUANG_KAFKA_PASSWORD has fewer than 16"),
    ],
)
def test_unsafe_settings_are_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(PermanentError, match=named):
        require_production(good(**changes))
    require_production(good(**changes, environment="embedded"))


def test_a_secret_in_a_ring_is_looked_at_too() -> None:
    class Ring(Settings):
        keys: dict[str, SecretStr] = Field(default_factory=dict)

    assert len(list(faults(Ring(keys={"1": SecretStr("x"), "2": SecretStr(token_hex(16))})))) == 1


def test_a_process_ends_at_its_start_with_the_sentence() -> None:
    with pytest.raises(SystemExit, match="WEIGUANG_PUBLIC_URL"):
        production.configure(WebSettings(public_url="http://127.0.0.1:8000"))


async def test_production_needs_the_machines_clock(points_db: Database) -> None:
    await production.require_machine_clock(Settings(environment="test"), points_db)
    with pytest.raises(PermanentError, match="business time can be driven"):
        await production.require_machine_clock(Settings(), points_db)
