"""Preferences over HTTP: one's own only."""

from datetime import time
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator

from services.notify.inbox.api import Volunteer
from services.notify.preferences import handlers, store
from services.notify.preferences.domain import Preferences
from shared.http.app import Db, Input, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/notify/v1", tags=["preferences"])


def _plain(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a time of day such as 22:00, in the district's own zone")
    return value.replace(second=0, microsecond=0)


ClockTime = Annotated[time, AfterValidator(_plain)]


class Choice(Input):
    """The whole choice; quiet hours are times of day in the district's zone and may cross midnight."""

    email: bool
    quiet_from: ClockTime | None = None
    quiet_to: ClockTime | None = None


class Chosen(Output):
    """What is in force for the caller."""

    email: bool
    quiet_from: str | None
    quiet_to: str | None


@router.get("/preferences")
async def get_preferences(caller: Volunteer, database: Db) -> Chosen:
    """What is in force: one's own choice, or the default."""
    async with database.snapshot() as tx:
        return _chosen(await store.get(tx, caller.require_volunteer()))


@router.put("/preferences")
async def put_preferences(choice: Choice, caller: Volunteer, database: Db) -> Chosen:
    """Replace one's choice; repeating it changes nothing."""
    async with database.transaction() as tx:
        wanted = Preferences(choice.email, choice.quiet_from, choice.quiet_to)
        return _chosen(await handlers.choose(tx, caller.require_volunteer(), wanted))


def _chosen(preferences: Preferences) -> Chosen:
    start, end = preferences.quiet_from, preferences.quiet_to
    return Chosen(
        email=preferences.email,
        quiet_from=start.strftime("%H:%M") if start else None,
        quiet_to=end.strftime("%H:%M") if end else None,
    )
