"""The faust apps connect and create their changelogs as the settings say."""

from pathlib import Path

from pydantic import SecretStr

from services.operations.live.app import LiveResources
from services.operations.live.app import build_app as build_live
from services.operations.settings import OperationsSettings
from services.points.app import build_app
from services.points.settings import PointsSettings


def settings(directory: Path) -> PointsSettings:
    return PointsSettings(
        environment="production",
        kafka_security="sasl_plaintext",
        kafka_user="points",
        kafka_password=SecretStr("secret"),
        kafka_replication_factor=3,
        faust_data_dir=directory,
    )


def test_changelogs_have_the_copies_of_the_settings_and_the_app_its_credentials(tmp_path: Path) -> None:
    chosen = OperationsSettings(**settings(tmp_path).model_dump(exclude={"service"}))
    conf = build_live(chosen, LiveResources(chosen)).conf
    assert conf.topic_replication_factor == 3
    assert (conf.broker_credentials.username, conf.broker_credentials.password) == ("points", "secret")


def test_the_host_of_the_ingest_has_its_credentials_too(tmp_path: Path) -> None:
    assert build_app(settings(tmp_path)).conf.broker_credentials.username == "points"
