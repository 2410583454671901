"""Awards as Open Badges: a verifier that shares neither code nor a library with the service checks the credential."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.points.badges.api import router as badges
from services.points.badges.documents import CriteriaDocument
from services.points.badges.handlers import judge_anew
from services.points.badges.store import CRITERIA
from services.points.credentials.api import router as credentials
from services.points.credentials.domain import CredentialAward, Issuer, credential
from services.points.ingest.stream import IngestStream
from services.points.policy import policy_of
from services.points.teams import handlers as teams
from services.points.teams.stream import TeamStream
from shared.http.app import create_app
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.histories import message
from tests.integration.points.serving import Api
from tests.support import openbadges
from tests.support.databases import Clock
from tests.support.ingested import record
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


async def _exported(api: Api, volunteer_id: Any, award_id: str) -> Any:
    answer = await api.volunteer(volunteer_id).get(f"/accounts/{volunteer_id}/badges/{award_id}/credential")
    assert answer.status_code == 200, answer.text
    return answer.json()


def _fetching(api: Api) -> openbadges.Fetch:
    """What a stranger finds at the addresses that a credential names."""

    async def fetch(address: str) -> Any:
        assert address.startswith(f"{BASE}/"), address
        return await _public(api, address.removeprefix(BASE))

    return fetch


def _changed(token: str, old: str, new: str) -> str:
    """The token with other claims under the same signature."""
    head, body, signature = token.split(".")
    claims = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
    assert old in claims
    forged = base64.urlsafe_b64encode(claims.replace(old, new).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


async def _public(api: Api, path: str) -> Any:
    """What a stranger without a token is told."""
    answer = await api.client.get(f"/api/points/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_stranger_checks_a_credential_by_the_standards_alone_and_nobody_is_named(
    stream: IngestStream, api: Api
) -> None:
    served, volunteer_id, award_id = await _awarded(stream, api)
    exported = await _exported(api, volunteer_id, award_id)
    document = await openbadges.checked(exported["jwt"], f"{BASE}/issuer", _fetching(api))
    assert document == exported["credential"]
    assert await openbadges.status_of(document, _fetching(api)) == "valid"
    assert document["id"] == f"{BASE}/credentials/{award_id}"
    assert document["credentialSubject"]["id"] == f"urn:uuid:{volunteer_id}"
    assert document["validFrom"] == "2026-03-04T10:00:00Z"
    earned = document["credentialSubject"]["achievement"]
    assert (earned["name"], earned["criteria"]) == ("微光初亮", {"narrative": "完成 1 次服务"})
    assert document["evidence"][0]["id"] == f"http://127.0.0.1:8000/credentials/{award_id}"
    assert str(served.record_id) not in str(document)
    assert await _public(api, "/issuer") == document["issuer"]

    await stream.handle([message(served.model_copy(update={"revision": 2, "status": "void"}))])
    again = await openbadges.checked(exported["jwt"], f"{BASE}/issuer", _fetching(api))
    assert await openbadges.status_of(again, _fetching(api)) == "revoked"


@pytest.mark.parametrize(
    ("old", "new"),
    [("微光初亮", "卓越金奖"), ("2026-03-04T10", "2025-03-04T10"), ("urn:uuid:", "urn:uuid:f")],
)
async def test_what_was_tampered_with_is_refused(stream: IngestStream, api: Api, old: str, new: str) -> None:
    _, volunteer_id, award_id = await _awarded(stream, api)
    jwt = (await _exported(api, volunteer_id, award_id))["jwt"]
    with pytest.raises(openbadges.Refused, match="signature"):
        await openbadges.checked(_changed(jwt, old, new), f"{BASE}/issuer", _fetching(api))
    head, body, _ = jwt.split(".")
    other = Ed25519PrivateKey.generate().sign(f"{head}.{body}".encode())
    swapped = base64.urlsafe_b64encode(other).rstrip(b"=").decode()
    with pytest.raises(openbadges.Refused, match="signature"):
        await openbadges.checked(f"{head}.{body}.{swapped}", f"{BASE}/issuer", _fetching(api))
    with pytest.raises(openbadges.Refused, match="issued by"):
        await openbadges.checked(jwt, "https://elsewhere.example/issuer", _fetching(api))


@pytest.mark.parametrize("member", ["@context", "id", "type", "credentialSubject", "issuer", "validFrom"])
def test_the_verifier_refuses_what_lacks_a_required_member(member: str) -> None:
    issuer = Issuer("http://127.0.0.1:8000")
    award = CredentialAward(new_id(), "volunteer", new_id(), "x", "名", "句", 2, NOW, None)
    document = credential(issuer, award)
    jsonschema.validate(document, openbadges.ACHIEVEMENT_CREDENTIAL)
    del document[member]
    with pytest.raises(jsonschema.ValidationError, match="required"):
        jsonschema.validate(document, openbadges.ACHIEVEMENT_CREDENTIAL)


async def test_a_teams_badge_is_a_credential_of_the_team_for_anybody(
    stream: IngestStream, api: Api, points_db: Database
) -> None:
    team_id = new_id()
    records = [record(new_id(), team_id=team_id) for _ in range(50)]
    await TeamStream(points_db, await teams.install(points_db)).handle([message(one) for one in records])
    async with points_db.snapshot() as tx:
        award_id = await tx.fetchval("select award_id from team_badge_awards where badge = 'team-50'")
    exported = await _public(api, f"/teams/{team_id}/badges/{award_id}/credential")
    document = await openbadges.checked(exported["jwt"], f"{BASE}/issuer", _fetching(api))
    assert document["credentialSubject"]["id"] == f"urn:uuid:{team_id}"
    assert document["credentialSubject"]["achievement"]["criteria"] == {"narrative": "团队累计完成 50 人次服务"}
    assert await openbadges.status_of(document, _fetching(api)) == "valid"
    seen = await _public(api, f"/credentials/{award_id}")
    assert (seen["holder"], seen["team_id"], seen["status"]) == ("team", str(team_id), "valid")
    elsewhere = await api.client.get(f"/api/points/v1/teams/{new_id()}/badges/{award_id}/credential")
    assert elsewhere.status_code == 404
    assert (await api.operator.get(f"/accounts/{team_id}/badges/{award_id}/credential")).status_code == 404


async def test_the_public_route_of_teams_gives_nobody_a_volunteers_credential(stream: IngestStream, api: Api) -> None:
    _, volunteer_id, award_id = await _awarded(stream, api)
    path = f"/teams/{volunteer_id}/badges/{award_id}/credential"
    hidden = await api.client.get(f"/api/points/v1{path}")
    none = await api.client.get(f"/api/points/v1/teams/{volunteer_id}/badges/{new_id()}/credential")
    assert (
        (hidden.status_code, hidden.json()["type"]) == (none.status_code, none.json()["type"]) == (404, "award-unknown")
    )
    assert "jwt" not in hidden.text
    assert (await api.operator.get(path)).status_code == 404


async def test_a_revoked_award_shows_revoked_with_its_date(stream: IngestStream, api: Api) -> None:
    served, volunteer_id, award_id = await _awarded(stream, api)
    seen = await _public(api, f"/credentials/{award_id}")
    assert (seen["status"], seen["revoked_at"], seen["name"]) == ("valid", None, "微光初亮")
    assert (seen["holder"], seen["team_id"], seen["issuer_name"]) == ("volunteer", None, "岭东区新时代文明实践中心")
    assert seen["page"] == f"http://127.0.0.1:8000/credentials/{award_id}"
    assert str(volunteer_id) not in str(seen)
    assert (await _public(api, f"/credentials/{award_id}/revocations"))["revokedCredential"] == []
    await stream.handle([message(served.model_copy(update={"revision": 2, "status": "void"}))])
    seen = await _public(api, f"/credentials/{award_id}")
    assert (seen["status"], datetime.fromisoformat(seen["revoked_at"])) == ("revoked", NOW)
    listed = await _public(api, f"/credentials/{award_id}/revocations")
    assert listed["revokedCredential"] == [
        {"id": f"{BASE}/credentials/{award_id}", "revoked": True, "revocationReason": "服务记录已更正"}
    ]


async def test_what_other_criteria_took_away_is_not_put_down_to_a_correction(
    stream: IngestStream, api: Api, points_db: Database
) -> None:
    _, _, award_id = await _awarded(stream, api)
    item = {"badge": "steady", "name": "屡次", "records": 2, "of": ["credit"]}
    newer = {"version": 1002, "name": "x", "effective_from": "2026-01-01", "badges": [item]}
    async with points_db.transaction() as tx:
        await CRITERIA.insert(tx, CriteriaDocument.model_validate(newer))
    assert await judge_anew(points_db) == 1
    (listed,) = (await _public(api, f"/credentials/{award_id}/revocations"))["revokedCredential"]
    assert (listed["revoked"], listed["revocationReason"]) == (True, "评定标准已更新")


async def test_only_the_volunteer_and_staff_export_and_unknown_awards_are_not_found(
    stream: IngestStream, api: Api
) -> None:
    _, volunteer_id, award_id = await _awarded(stream, api)
    path = f"/accounts/{volunteer_id}/badges/{award_id}/credential"
    assert (await api.operator.get(path)).status_code == 200
    assert (await api.station.get(path)).status_code == 404, "the volunteer served elsewhere"
    assert (await api.volunteer(new_id()).get(path)).status_code == 404
    other = new_id()
    assert (await api.volunteer(other).get(f"/accounts/{other}/badges/{award_id}/credential")).status_code == 404
    assert (await api.client.get(f"/api/points/v1/credentials/{new_id()}")).status_code == 404


@pytest.mark.parametrize("api", ["", "c2hvcnQ="], indirect=True)
async def test_without_a_key_nothing_is_signed_and_awards_can_still_be_checked(stream: IngestStream, api: Api) -> None:
    _, volunteer_id, award_id = await _awarded(stream, api)
    answer = await api.operator.get(f"/accounts/{volunteer_id}/badges/{award_id}/credential")
    assert (answer.status_code, answer.json()["type"].endswith("credentials-not-configured")) == (404, True)
    assert (await _public(api, f"/credentials/{award_id}"))["status"] == "valid"
