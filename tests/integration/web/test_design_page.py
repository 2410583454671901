"""The gallery of components: served where developers work, absent in production."""

from tests.support.gateways import gateway_running

PAGE = {"accept": "text/html"}


async def test_the_gallery_is_served_outside_production_only() -> None:
    async with gateway_running() as here:
        shown = await here.client.get("/design", headers=PAGE)
        assert shown.status_code == 200
        assert "Components" in shown.text
    async with gateway_running(environment="production", kafka_allow_plaintext=True) as there:
        gone = await there.client.get("/design", headers=PAGE)
        assert gone.status_code == 404
        assert "没有找到" in gone.text
