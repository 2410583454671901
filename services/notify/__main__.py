"""notify's composition root: ``python -m services.notify api|worker|relay|migrate``."""

import asyncio
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from services.notify.deliveries.addresses import RecruitmentAddressBook
from services.notify.deliveries.handlers import Postman
from services.notify.deliveries.smtp import SmtpMailer, SmtpSecurity
from services.notify.inbox.stream import GROUP, TOPICS, InboxStream
from services.notify.settings import NotifySettings
from services.notify.templates.handlers import load_catalogue
from shared.http.idempotency import keep_purging
from shared.kafka.consumer import BatchConsumer
from shared.operators.control import DatabaseControl
from shared.service import ServiceRunner, connected, create_api, relay, serving, until_stopped

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["api", "main", "worker"]

MIGRATIONS = Path(__file__).with_name("migrations")
GRACE = 5.0
"""Seconds that e-mails under way may take after a stop is asked for; later, their leases make them unknown."""


def api(settings: NotifySettings) -> "FastAPI":
    """The HTTP application."""
    # A relay should not hold what only an API serves.
    from services.notify.deliveries.api import router as deliveries_router
    from services.notify.fates.store import NotifyFates
    from services.notify.inbox.api import router as inbox_router
    from services.notify.preferences.api import router as preferences_router
    from shared.operators.api import router_of

    routers = [inbox_router, preferences_router, deliveries_router, router_of("notify", NotifyFates())]
    return create_api(settings, title="Weiguang notify", routers=routers)


async def worker(settings: NotifySettings, stop: asyncio.Event) -> None:
    """Consume events into inboxes and send e-mails, until ``stop`` is set.

    Raises:
        WatchdogExpired: events wait and none can be applied.
        TransientError: database or broker are away at the start.
        PermanentError: the mail server's settings contradict each other.
    """
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(connected(settings))
        catalogue = await load_catalogue(db)
        delivered = asyncio.Event()
        stream = InboxStream(db, catalogue, delivered)
        consumer = BatchConsumer(
            settings,
            topics=TOPICS,
            group=GROUP,
            handle=stream.handle,
            dead_letter=stream.dead_letter,
            fetch_wait_ms=80,  # a message may take a fifth of a second; an idle broker should rest
            gather_ms=100,
            control=DatabaseControl(db, GROUP),
        )
        tasks = [
            asyncio.create_task(consumer.run(stop), name="inbox"),
            asyncio.create_task(keep_purging(db, stop), name="purge"),
        ]
        if settings.smtp_host:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            postman = Postman(
                db,
                catalogue,
                RecruitmentAddressBook(session, settings),
                _mailer(settings),
                timedelta(seconds=settings.delivery_lease_seconds),
            )
            tasks.append(asyncio.create_task(postman.run(stop, delivered), name="postman"))
        await _until_stopped(tasks, stop, delivered)


def _mailer(settings: NotifySettings) -> SmtpMailer:
    security = SmtpSecurity(
        settings.effective_smtp_tls,
        settings.smtp_user,
        settings.smtp_password.get_secret_value(),
        settings.smtp_ca_file,
    )
    return SmtpMailer(
        settings.smtp_host, settings.smtp_port, settings.smtp_from, settings.smtp_timeout_seconds, security
    )


async def _until_stopped(tasks: list[asyncio.Task[None]], stop: asyncio.Event, wake: asyncio.Event) -> None:
    """Run until asked to stop or until a task fails; then give the rest a moment to finish what is under way."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        wake.set()
        await asyncio.wait(tasks, timeout=GRACE)
    finally:
        for task in (stopping, *tasks):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for error in (r for r in results if isinstance(r, Exception)):
        raise error


SERVICE = ServiceRunner(
    "notify",
    NotifySettings,
    roles={"api": serving(api), "worker": until_stopped(worker), "relay": until_stopped(relay)},
    migrations=MIGRATIONS,
)
main = SERVICE.main


if __name__ == "__main__":
    main(sys.argv[1:])
