"""Awards as Open Badges: the credential is checked by a library that the service does not sign with."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OKPKey

from services.points.badges.api import router as badges
from services.points.credentials.api import router as credentials
from services.points.ledger.stream import IngestStream
from services.points.policy import policy_of
from shared.http.app import create_app
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.histories import message
from tests.integration.points.serving import Api
from tests.integration.points.test_points_ingest import record
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
KEY = base64.b64encode(Ed25519PrivateKey.from_private_bytes(bytes(range(32))).private_bytes_raw()).decode()
BASE = "http://127.0.0.1:8000/api/points/v1"


@pytest.fixture
async def stream(points_db: Database, clock: Clock) -> IngestStream:
    """The ingest; it is 4 March 2026."""
    await clock.set(NOW)
    return IngestStream(points_db, await policy_of(points_db))


@pytest.fixture(params=[KEY])
async def api(request: pytest.FixtureRequest, points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    """The routes of badges and credentials, with a key or without."""
    settings = settings_for("points", credential_signing_key=request.param)
    app = create_app(settings, title="points", routers=[badges, credentials])
    app.state.database = points_db
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://points") as client:
        yield Api(client, settings_for("recruitment"))


async def _awarded(stream: IngestStream, api: Api) -> tuple[Any, Any, str]:
    served = record(new_id())
    await stream.handle([message(served)])
    held = (await api.volunteer(served.volunteer_id).get(f"/accounts/{served.volunteer_id}/badges")).json()["held"]
    return served, served.volunteer_id, held[0]["award_id"]


async def _public(api: Api, path: str) -> Any:
    """What a stranger without a token is told."""
    answer = await api.client.get(f"/api/points/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def _checked(jwt: str, jwk: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    token = jws.deserialize_compact(jwt, OKPKey.import_key(jwk), algorithms=["EdDSA"])
    return dict(token.headers()), token.payload


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_a_stranger_checks_a_credential_with_another_library_and_nobody_is_named(
    stream: IngestStream, api: Api
) -> None:
    served, volunteer_id, award_id = await _awarded(stream, api)
    answer = await api.volunteer(volunteer_id).get(f"/accounts/{volunteer_id}/badges/{award_id}/credential")
    assert answer.status_code == 200, answer.text
    exported = answer.json()
    jwk = await _public(api, "/issuer/key")
    header, payload = _checked(exported["jwt"], jwk)
    assert header == {"alg": "EdDSA", "kid": f"{BASE}/issuer/key", "typ": "JWT"}
    claims = httpx.Response(200, content=payload).json()
    document = {name: value for name, value in claims.items() if name not in ("iss", "jti", "sub", "nbf")}
    assert document == exported["credential"]
    assert claims["iss"] == document["issuer"]["id"] == f"{BASE}/issuer"
    assert claims["jti"] == document["id"] == f"{BASE}/credentials/{award_id}"
    assert claims["sub"] == document["credentialSubject"]["id"] == f"urn:uuid:{volunteer_id}"
    assert claims["nbf"] == NOW.timestamp()
    assert document["validFrom"] == "2026-03-04T10:00:00Z"
    assert document["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert document["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert set(document["credentialSubject"]) == {"id", "type", "achievement"}
    earned = document["credentialSubject"]["achievement"]
    assert (earned["type"], earned["name"], earned["criteria"]) == (
        ["Achievement"],
        "微光初亮",
        {"narrative": "完成 1 次服务"},
    )
    assert str(served.record_id) not in payload.decode()
    assert await _public(api, "/issuer") == document["issuer"]

    head, body, signature = exported["jwt"].split(".")
    forged = base64.urlsafe_b64encode(payload.replace("微光初亮".encode(), "卓越金奖".encode())).rstrip(b"=").decode()
    with pytest.raises(BadSignatureError):
        _checked(f"{head}.{forged}.{signature}", jwk)
    assert body != forged


async def test_a_revoked_award_shows_revoked_with_its_date(stream: IngestStream, api: Api) -> None:
    served, volunteer_id, award_id = await _awarded(stream, api)
    seen = await _public(api, f"/credentials/{award_id}")
    assert (seen["status"], seen["revoked_at"], seen["name"]) == ("valid", None, "微光初亮")
    assert str(volunteer_id) not in str(seen)
    assert (await _public(api, f"/credentials/{award_id}/revocations"))["revokedCredential"] == []
    await stream.handle([message(served.model_copy(update={"revision": 2, "status": "void"}))])
    seen = await _public(api, f"/credentials/{award_id}")
    assert (seen["status"], datetime.fromisoformat(seen["revoked_at"])) == ("revoked", NOW)
    listed = await _public(api, f"/credentials/{award_id}/revocations")
    assert [(one["id"], one["revoked"]) for one in listed["revokedCredential"]] == [
        (f"{BASE}/credentials/{award_id}", True)
    ]


async def test_only_the_volunteer_and_staff_export_and_unknown_awards_are_not_found(
    stream: IngestStream, api: Api
) -> None:
    _, volunteer_id, award_id = await _awarded(stream, api)
    path = f"/accounts/{volunteer_id}/badges/{award_id}/credential"
    assert (await api.station.get(path)).status_code == 200
    assert (await api.volunteer(new_id()).get(path)).status_code == 404
    other = new_id()
    assert (await api.volunteer(other).get(f"/accounts/{other}/badges/{award_id}/credential")).status_code == 404
    assert (await api.client.get(f"/api/points/v1/credentials/{new_id()}")).status_code == 404


@pytest.mark.parametrize("api", ["", "c2hvcnQ="], indirect=True)
async def test_without_a_key_nothing_is_signed_and_awards_can_still_be_checked(stream: IngestStream, api: Api) -> None:
    _, volunteer_id, award_id = await _awarded(stream, api)
    answer = await api.station.get(f"/accounts/{volunteer_id}/badges/{award_id}/credential")
    assert (answer.status_code, answer.json()["type"].endswith("credentials-not-configured")) == (404, True)
    assert (await _public(api, f"/credentials/{award_id}"))["status"] == "valid"
