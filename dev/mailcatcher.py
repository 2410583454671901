"""Takes every e-mail and keeps it as a file: what the embedded stack has in place of a mail server."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from shared.ids import new_id

__all__ = ["MailCatcher"]


class _Keep:
    """Writes each message to `<directory>/<id>.eml`, whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        identity = new_id().hex
        partial = self.directory / f".{identity}"
        recipients = ", ".join(envelope.rcpt_tos)
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n"
        partial.write_bytes(head.encode() + envelope.content)
        partial.rename(self.directory / f"{identity}.eml")
        return "250 Kept"


class MailCatcher:
    """An SMTP server on this event loop."""

    def __init__(self, directory: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        self.directory = directory
        self.host = host
        self.port = port
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; `port` says where, if it was 0.

        Raises:
            OSError: the port is taken.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        handler = _Keep(self.directory)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(handler, hostname="localhost", enable_SMTPUTF8=True, loop=loop), self.host, self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def serve(self) -> None:
        """Until cancelled."""
        await self.start()
        assert self._server is not None
        await self._server.serve_forever()


def main() -> None:
    """`python -m dev.mailcatcher --port 1025 --directory var/mail`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1025)
    parser.add_argument("--directory", type=Path, default=Path("var/mail"))
    arguments = parser.parse_args()
    asyncio.run(MailCatcher(arguments.directory, arguments.host, arguments.port).serve())


if __name__ == "__main__":
    main()
