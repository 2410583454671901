"""Addresses come from their one home, and through one door."""

from collections.abc import Callable

import pytest
from aiohttp import ClientSession, web

from services.notify.deliveries.addresses import RecruitmentAddressBook
from services.notify.deliveries.domain import Address
from shared.auth.tokens import Role, Verifier
from shared.errors import TransientError
from shared.ids import new_id
from tests.support.settings import SECRETS, SettingsFactory


async def test_addresses_are_asked_for_with_a_token_that_opens_only_this_door(settings_for: SettingsFactory) -> None:
    asked: list[tuple[str, str]] = []
    answers: list[Callable[[], web.Response]] = [
        lambda: web.json_response({"email": "zhang@example.org", "name": "张红"}),
        lambda: web.json_response({}, status=404),
        lambda: web.json_response({}, status=503),
        lambda: web.Response(text="not json"),
    ]

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, request.headers["Authorization"]))
        return answers.pop(0)()

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    zhang = new_id()
    async with ClientSession() as session:
        book = RecruitmentAddressBook(session, settings_for("notify", recruitment_url=f"http://{host}:{port}"))
        assert await book.find(zhang) == Address("zhang@example.org", "张红")
        assert await book.find(zhang) is None
        for _ in range(2):
            with pytest.raises(TransientError):
                await book.find(zhang)
        await runner.cleanup()
        with pytest.raises(TransientError):
            await book.find(zhang)
    path, bearer = asked[0]
    assert path == f"/api/recruitment/v1/internal/volunteers/{zhang}/address"
    caller = Verifier(SECRETS.public_keys, service="recruitment").verify(bearer.removeprefix("Bearer "))
    assert caller.roles == {Role.SERVICE}
