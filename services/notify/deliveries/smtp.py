"""SMTP, step by step, so that it is known how far an attempt got before it failed."""

import asyncio
from email.message import EmailMessage
from email.utils import formatdate
from enum import Enum, auto

import aiosmtplib

from services.notify.deliveries.domain import Claim, Outcome, Result
from shared.mailaddress import checked_address

__all__ = ["SmtpMailer"]


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

    def __init__(self, host: str, port: int, sender: str, timeout: float) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._timeout = timeout

    async def send(self, claim: Claim, title: str, body: str, recipient: str) -> Result:
        """Make one attempt. Until DATA begins nothing can have been sent; after it, only an answer tells."""
        try:
            recipient = checked_address(recipient)
        except ValueError:
            return Result(Outcome.UNDELIVERABLE, "address is not one")
        letter = self._letter(claim, title, body, recipient).as_bytes()
        client = aiosmtplib.SMTP(
            hostname=self._host, port=self._port, timeout=self._timeout, use_tls=False, start_tls=None
        )
        step = _Step.SESSION
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                await client.ehlo()
                await client.mail(self._sender)
                step = _Step.RECIPIENT
                await client.rcpt(recipient)
                step = _Step.LETTER
                await client.data(letter)
            return Result(Outcome.SENT)
        except aiosmtplib.SMTPResponseException as error:
            return _answered(error.code, step)
        except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
            reason = type(error).__name__
            return Result(_unanswered(step), reason)
        finally:
            client.close()

    def _letter(self, claim: Claim, title: str, body: str, recipient: str) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"] = title
        letter["From"] = self._sender
        letter["To"] = recipient
        letter["Date"] = formatdate(usegmt=True)
        # The same for every attempt: a receiver that sees a letter twice can tell.
        letter["Message-ID"] = f"<{claim.message_id}@{self._sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(body, charset="utf-8", cte="base64")
        return letter


def _answered(code: int, step: _Step) -> Result:
    """What an explicit answer means: 4xx asks to come again, 5xx is final where it judges recipient or letter.

    A 5xx to connection, greeting or sender is about us, not about the recipient: operators can mend it, so it is
    tried again. 421 closes the connection, after which only an earlier answer counts.
    """
    if 400 <= code < 500 and code != 421:
        return Result(Outcome.DEFERRED, f"smtp {code}")
    if 500 <= code < 600:
        return Result(Outcome.DEFERRED if step is _Step.SESSION else Outcome.REFUSED, f"smtp {code}")
    return Result(_unanswered(step), f"smtp {code}")


def _unanswered(step: _Step) -> Outcome:
    return Outcome.UNKNOWN if step is _Step.LETTER else Outcome.DEFERRED
