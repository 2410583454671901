"""SMTP over TLS, with a login: what is required is required, also where somebody on the way takes the offer out."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from services.notify.deliveries.domain import AttemptLease, AttemptOutcome, AttemptResult
from services.notify.deliveries.smtp import SmtpMailer, SmtpSecurity
from services.notify.settings import NotifySettings
from shared.errors import PermanentError
from tests.integration.notify.mailing import SENDER, Catcher
from tests.support.certificates import authority, keystore
from tests.support.waiting import WAIT_LIMIT

USER, PASSWORD = "weiguang", "a-password-of-the-mail-server"


def check_login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)  # what is not handled here the server answers, wrong ones by 535


@asynccontextmanager
async def server(catcher: Catcher, tls: ssl.SSLContext | None, **options: Any) -> AsyncIterator[int]:
    """A mail server; without ``tls`` it looks like one whose STARTTLS was stripped on the way."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(catcher, loop=loop, tls_context=tls, authenticator=check_login, **options), "127.0.0.1", 0
    )
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    keystore(tmp_path / "server.pem", *authority(tmp_path / "ca.pem"))
    authority(tmp_path / "other.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


async def send(port: int, security: SmtpSecurity, timeout: float = WAIT_LIMIT) -> AttemptResult:
    claim = AttemptLease.__new__(AttemptLease)
    object.__setattr__(claim, "message_id", uuid4())
    mailer = SmtpMailer("127.0.0.1", port, SENDER, timeout, security)
    return await mailer.send(claim, "微光", "您的服务已记录。", "zhang@example.org")


async def test_a_login_goes_over_tls_to_the_server_that_is_known(tls: ssl.SSLContext, tmp_path: Path) -> None:
    catcher = Catcher()
    async with server(catcher, tls, require_starttls=True, auth_required=True) as port:
        assert await send(port, SmtpSecurity("required", USER, PASSWORD, tmp_path / "ca.pem")) == AttemptResult(
            AttemptOutcome.SENT
        )
        wrong = await send(port, SmtpSecurity("required", USER, "another password", tmp_path / "ca.pem"))
        assert wrong.outcome is AttemptOutcome.DEFERRED, "operators can mend it"
    assert len(catcher.letters) == 1


async def test_nothing_is_sent_where_tls_was_stripped_or_the_server_is_another(
    tls: ssl.SSLContext, tmp_path: Path
) -> None:
    catcher = Catcher()
    required = SmtpSecurity("required", USER, PASSWORD, tmp_path / "ca.pem")
    async with server(catcher, None, auth_require_tls=False) as port:
        assert await send(port, required) == AttemptResult(AttemptOutcome.DEFERRED, "no tls")
    async with server(catcher, tls) as port:
        stranger = await send(port, SmtpSecurity("required", ca_file=tmp_path / "other.pem"))
        assert stranger.outcome is AttemptOutcome.DEFERRED
    assert catcher.letters == []


async def test_tls_is_used_where_it_is_offered_or_left_out_as_the_setting_says(tls: ssl.SSLContext) -> None:
    catcher = Catcher()
    for context, options in ((tls, {"require_starttls": True}), (None, {})):
        async with server(catcher, context, **options) as port:
            assert await send(port, SmtpSecurity("starttls")) == AttemptResult(AttemptOutcome.SENT)
    async with server(catcher, None) as port:
        assert await send(port, SmtpSecurity("none")) == AttemptResult(AttemptOutcome.SENT)
    assert len(catcher.letters) == 3


def test_a_password_never_travels_in_the_open() -> None:
    for tls in ("none", "starttls"):
        with pytest.raises(PermanentError, match="WEIGUANG_SMTP_TLS=required"):
            SmtpSecurity(tls, USER, PASSWORD)
    with pytest.raises(PermanentError, match="belong together"):
        SmtpSecurity("required", USER)


def test_production_requires_tls_unless_told_otherwise() -> None:
    assert NotifySettings().effective_smtp_tls == "required"
    assert NotifySettings(environment="embedded").effective_smtp_tls == "none"
    assert NotifySettings(smtp_tls="none").effective_smtp_tls == "none"
