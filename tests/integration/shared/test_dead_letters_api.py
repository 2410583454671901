"""Dead letters over HTTP: each service lists its own to engineers, without what the records held."""

import httpx
import pytest
from fastapi import FastAPI

from shared import deadletters
from shared.auth.tokens import Caller, Role, mint
from shared.deadletters import DeadLetter
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.settings import Settings
from tests.support.databases import TestDatabase
from tests.support.factories import FACTORIES, whole_api
from tests.support.settings import SECRETS, SettingsFactory

MINTING = Settings(service="recruitment", environment="test", auth_signing_key=SECRETS.signing_keys["recruitment"])


def bearer(role: Role) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {mint(MINTING, Caller(subject=new_id(), roles=frozenset({role}), site_ids=None))}"
    }


def letter(number: int) -> DeadLetter:
    headers = [("ce_id", str(number).encode())]
    message = Message("volunteering.attendance.v1", "attendance", 1, number, b"key", b"secret value", headers, 0)
    return DeadLetter(message, "phone 13812345678 is not one")


@pytest.mark.parametrize("service", sorted(FACTORIES))
async def test_engineers_page_through_dead_letters(
    service: str, settings_for: SettingsFactory, test_database: TestDatabase
) -> None:
    path = f"/api/{service}/v1/dead-letters"
    with whole_api(service, settings_for(service)) as app:
        await read_letters(app, service, path, test_database)


async def read_letters(app: FastAPI, service: str, path: str, test_database: TestDatabase) -> None:
    async with (
        app.router.lifespan_context(app),
        test_database.connect(service, size=1) as database,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        async with database.transaction() as tx:
            assert await deadletters.record(tx, [letter(number) for number in range(3)], group="g") == 3
        first = (await client.get(path, params={"limit": "2"}, headers=bearer(Role.ENGINEER))).json()
        assert [item["offset"] for item in first["items"]] == [2, 1]
        rest = {"limit": "2", "cursor": first["next_cursor"]}
        second = (await client.get(path, params=rest, headers=bearer(Role.ENGINEER))).json()
        assert ([item["offset"] for item in second["items"]], second["next_cursor"]) == ([0], None)
        assert "secret value" not in str(first)
        assert "13812345678" not in str(first)
        assert (await client.get(path, params={"status": "replayed"}, headers=bearer(Role.ENGINEER))).json()[
            "items"
        ] == []
        assert (await client.get(path, headers=bearer(Role.AUDITOR))).status_code == 200
        assert (await client.get(path, headers=bearer(Role.STATION))).status_code == 403
