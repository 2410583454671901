"""SMTP, step by step, so that it is known how far an attempt got before it failed."""

import asyncio
import re
from email.message import EmailMessage
from email.utils import formatdate

import aiosmtplib

from services.notify.deliveries.domain import Claim, Outcome, Result

__all__ = ["SmtpMailer"]

_PLAUSIBLE = re.compile(r"[^\s<>@,;:\"\\]{1,64}@[^\s<>@,;:\"\\]{1,190}")


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
        if not _PLAUSIBLE.fullmatch(recipient) or not recipient.isascii():
            return Result(Outcome.REFUSED, "address is not one")
        letter = self._letter(claim, title, body, recipient).as_bytes()
        client = aiosmtplib.SMTP(
            hostname=self._host, port=self._port, timeout=self._timeout, use_tls=False, start_tls=None
        )
        started = False
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                await client.ehlo()
                await client.mail(self._sender)
                await client.rcpt(recipient)
                started = True
                await client.data(letter)
            return Result(Outcome.SENT)
        except aiosmtplib.SMTPResponseException as error:
            return _answered(error.code, started)
        except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
            reason = type(error).__name__
            return Result(Outcome.UNKNOWN if started else Outcome.DEFERRED, reason)
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


def _answered(code: int, started: bool) -> Result:
    """An explicit answer: 4xx asks to come again, 5xx is final; anything else says nothing."""
    if 400 <= code < 500 and code != 421:
        return Result(Outcome.DEFERRED, f"smtp {code}")
    if 500 <= code < 600:
        return Result(Outcome.REFUSED, f"smtp {code}")
    # 421 closes the connection: before DATA that is a deferral, within it nobody knows what became of the letter.
    return Result(Outcome.UNKNOWN if started else Outcome.DEFERRED, f"smtp {code}")
