"""The gateway as strangers meet it: bounds by address, what it hides, and cookies of a deployment by TLS."""

import re

import pytest

from tests.support.gateways import OURS, gateway_running


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/readyz",
        "/openapi.json",
        "/internal",
        "/api/recruitment/openapi.json",
        "/api/recruitment/v1/internal",
    ],
)
async def test_the_public_port_does_not_describe_the_inside(path: str) -> None:
    async with gateway_running() as setting:
        assert (await setting.client.get(path)).status_code == 404
        assert setting.upstream.seen == []


async def test_by_tls_cookies_are_this_hosts_alone() -> None:
    async with gateway_running(public_url="https://volunteers.example.org") as setting:
        assert "max-age=" in (await setting.client.get("/login")).headers["strict-transport-security"]
        asked = await setting.client.post("/session/codes", json={"phone": "13812345678"}, headers=OURS)
        challenge = "; ".join(each.partition(";")[0] for each in asked.headers.get_list("set-cookie"))
        body = {"phone": "13812345678", "code": "123456", "next": "/me"}
        opened = await setting.client.post("/session", json=body, headers=OURS | {"cookie": challenge})
        kept = [*asked.headers.get_list("set-cookie"), *opened.headers.get_list("set-cookie")]
        assert len(kept) >= 2
        for each in kept:
            assert each.startswith("__Host-wg_"), each
            assert {"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} <= set(each.split("; "))
            assert "Domain" not in each
        pair = "; ".join(each.partition(";")[0] for each in opened.headers.get_list("set-cookie"))
        path = "/api/recruitment/v1/sites"
        await setting.client.get(path, headers={"cookie": pair})
        assert setting.upstream.seen[-1][2]["authorization"].startswith("Bearer ")
        await setting.client.get(path, headers={"cookie": pair.replace("__Host-", "")})
        assert "authorization" not in setting.upstream.seen[-1][2], "set by another host or in the open"


async def test_one_address_watches_the_pulse_so_many_times() -> None:
    async with gateway_running(trusted_proxies=["10.0.0.0/8"], pulse_clients_per_address=1) as setting:
        async with setting.client.stream("GET", "/api/operations/v1/pulse") as first:
            assert first.status_code == 200
            assert (await setting.client.get("/api/operations/v1/pulse")).status_code == 429
            assert (await setting.client.get("/login")).status_code == 200


async def test_one_address_has_so_many_requests_under_way() -> None:
    async with gateway_running(trusted_proxies=["10.0.0.0/8"], requests_per_address=0) as setting:
        refused = await setting.client.get("/login")
        assert (refused.status_code, refused.json()["type"]) == (429, "too-many-requests")
        assert refused.headers["retry-after"]


async def test_a_strangers_forwarded_header_is_replaced() -> None:
    async with gateway_running(trusted_proxies=["10.0.0.0/8"]) as setting:
        await setting.client.get("/api/recruitment/v1/sites", headers={"x-forwarded-for": "6.6.6.6"})
        assert setting.upstream.seen[-1][2]["x-forwarded-for"] == "127.0.0.1"


async def test_a_login_form_sent_without_the_script_keeps_its_fields_out_of_the_address() -> None:
    html = {"accept": "text/html"}
    async with gateway_running() as setting:
        for path in ("/login", "/staff/login"):
            (form,) = re.findall(r"<form[^>]*data-api[^>]*>", (await setting.client.get(path, headers=html)).text)
            assert 'method="post"' in form
            action = re.findall(r'action="([^"]+)"', form)[0]
            sent = {"phone": "13812345678", "code": "123456", "username": "operator", "password": "岭东区志愿服务2026"}
            answer = await setting.client.post(action, data=sent, headers=html)
            assert answer.status_code in (303, 400, 415, 422)
            assert not any(value in str(answer.url) + answer.text for value in sent.values())
