"""SMTP, step by step, so that it is known how far an attempt got before it failed."""

import asyncio
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from enum import Enum, auto
from pathlib import Path
from typing import Literal

import aiosmtplib

from services.notify.deliveries.domain import AttemptLease, AttemptOutcome, AttemptResult
from shared.errors import PermanentError
from shared.mailaddress import checked_address

__all__ = ["SmtpMailer", "SmtpSecurity"]

_IMPLICIT_TLS_PORT = 465


@dataclass(frozen=True, slots=True)
class SmtpSecurity:
    """How the mail server is spoken to.

    ``required``: over TLS with a verified certificate, or not at all: a connection whose STARTTLS was stripped sends
    nothing. ``starttls``: over TLS where the server offers it, without verifying it. ``none``: in the open.

    Raises:
        PermanentError: a login would travel in the open, or the authority's file cannot be read.
    """

    tls: Literal["required", "starttls", "none"] = "none"
    user: str = ""
    password: str = ""
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if self.user and self.tls != "required":
            raise PermanentError("WEIGUANG_SMTP_USER needs WEIGUANG_SMTP_TLS=required: its password must not be seen.")
        if bool(self.user) != bool(self.password):
            raise PermanentError("WEIGUANG_SMTP_USER and WEIGUANG_SMTP_PASSWORD belong together.")

    def context(self) -> ssl.SSLContext:
        """The TLS context: verifies the server where TLS is required."""
        try:
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except OSError as error:
            raise PermanentError(f"WEIGUANG_SMTP_CA_FILE cannot be read: {error}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.tls != "required":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _NoTlsError(Exception):
    """The server offers no TLS, or the offer was removed on the way."""


class _Step(Enum):
    """How far an attempt got: what an answer means, or none, depends on it."""

    SESSION = auto()
    RECIPIENT = auto()
    LETTER = auto()


class SmtpMailer:
    """Sends one letter per connection, within one limit for the whole attempt.

    Args:
        timeout: seconds for connection, dialogue and answer together.
    """

    def __init__(self, host: str, port: int, sender: str, timeout: float, security: SmtpSecurity | None = None) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._timeout = timeout
        self._security = security or SmtpSecurity()
        self._context = self._security.context()

    async def send(self, claim: AttemptLease, title: str, body: str, recipient: str) -> AttemptResult:
        """Make one attempt. Until DATA begins nothing can have been sent; after it, only an answer decides."""
        try:
            recipient = checked_address(recipient)
        except ValueError:
            return AttemptResult(AttemptOutcome.UNDELIVERABLE, "address is not one")
        letter = self._letter(claim, title, body, recipient).as_bytes()
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._timeout,
            use_tls=self._implicit,
            start_tls=False,
            tls_context=self._context,
        )
        step = _Step.SESSION
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                await client.ehlo()
                await self._secure(client)
                await client.mail(self._sender)
                step = _Step.RECIPIENT
                await client.rcpt(recipient)
                step = _Step.LETTER
                await client.data(letter)
            return AttemptResult(AttemptOutcome.SENT)
        except aiosmtplib.SMTPResponseException as error:
            return _answered(error.code, step)
        except _NoTlsError:
            return AttemptResult(AttemptOutcome.DEFERRED, "no tls")
        except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
            reason = type(error).__name__
            return AttemptResult(_unanswered(step), reason)
        finally:
            client.close()

    @property
    def _implicit(self) -> bool:
        return self._security.tls == "required" and self._port == _IMPLICIT_TLS_PORT

    async def _secure(self, client: aiosmtplib.SMTP) -> None:
        """Begin TLS and log in, as far as the settings ask for it."""
        offered = client.supports_extension("starttls")
        if self._security.tls == "required" and not self._implicit and not offered:
            raise _NoTlsError
        if not self._implicit and offered and self._security.tls != "none":
            await client.starttls()
            await client.ehlo()
        if self._security.user:
            await client.login(self._security.user, self._security.password)

    def _letter(self, claim: AttemptLease, title: str, body: str, recipient: str) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"] = title
        letter["From"] = self._sender
        letter["To"] = recipient
        letter["Date"] = formatdate(usegmt=True)
        # The same for every attempt: a receiver that sees a letter twice can recognise it.
        letter["Message-ID"] = f"<{claim.message_id}@{self._sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(body, charset="utf-8", cte="base64")
        return letter


def _answered(code: int, step: _Step) -> AttemptResult:
    """The meaning of an explicit answer: 4xx asks to come again, 5xx is final where it judges recipient or letter.

    A 5xx to connection, greeting or sender is about us, not about the recipient: operators can mend it, so it is
    tried again. 421 closes the connection, after which only an earlier answer counts.
    """
    if 400 <= code < 500 and code != 421:
        return AttemptResult(AttemptOutcome.DEFERRED, f"smtp {code}")
    if 500 <= code < 600:
        return AttemptResult(
            AttemptOutcome.DEFERRED if step is _Step.SESSION else AttemptOutcome.REFUSED, f"smtp {code}"
        )
    return AttemptResult(_unanswered(step), f"smtp {code}")


def _unanswered(step: _Step) -> AttemptOutcome:
    return AttemptOutcome.UNKNOWN if step is _Step.LETTER else AttemptOutcome.DEFERRED
