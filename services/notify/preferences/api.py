"""Preferences over HTTP: one's own only."""

from datetime import time
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, field_validator
from pydantic.json_schema import SkipJsonSchema

from services.notify.preferences import handlers, store
from services.notify.preferences.domain import Preferences, PreferencesChange
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/notify/v1", tags=["preferences"])

Owner = Annotated[Caller, allow(Role.VOLUNTEER)]


def _plain(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a time of day such as 22:00, in the district's own zone")
    return value.replace(second=0, microsecond=0)


ClockTime = Annotated[time, AfterValidator(_plain)]


class PreferencesIn(Input):
    """A change of preferences; absent members keep their value.

    Quiet hours are times of day in the district's zone and may cross midnight; null for both ends them.
    """

    email: bool | SkipJsonSchema[None] = None
    quiet_from: ClockTime | None = None
    quiet_to: ClockTime | None = None

    @field_validator("email")
    @classmethod
    def _not_null(cls, value: bool | None) -> bool | None:
        if value is None:  # only what was given is validated
            raise ValueError("must be true or false")
        return value


class PreferencesOut(Output):
    """The preferences in force for the caller."""

    email: bool
    quiet_from: str | None
    quiet_to: str | None


@router.get("/preferences")
async def get_preferences(caller: Owner, db: Db) -> PreferencesOut:
    """Read the preferences in force: one's own choice, or the default."""
    async with db.snapshot() as tx:
        return _preferences(await store.get(tx, caller.require_volunteer()))


@router.patch("/preferences")
async def change_preferences(body: PreferencesIn, caller: Owner, db: Db) -> PreferencesOut:
    """Change some of one's preferences; repeating it changes nothing."""
    wanted: PreferencesChange = {}
    if body.email is not None:
        wanted["email"] = body.email
    if "quiet_from" in body.model_fields_set:
        wanted["quiet_from"] = body.quiet_from
    if "quiet_to" in body.model_fields_set:
        wanted["quiet_to"] = body.quiet_to
    async with db.transaction() as tx:
        return _preferences(await handlers.change(tx, caller.require_volunteer(), wanted))


def _preferences(preferences: Preferences) -> PreferencesOut:
    start, end = preferences.quiet_from, preferences.quiet_to
    return PreferencesOut(
        email=preferences.email,
        quiet_from=start.strftime("%H:%M") if start else None,
        quiet_to=end.strftime("%H:%M") if end else None,
    )
