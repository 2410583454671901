"""What accounts add to volunteers' credit minutes beyond strong evidence is at most the caps, and each is notified.

Any sequence of calls through every door: by one account, by two accounts of one site, by two accounts of the centre,
and by accounts of two sites, whose approvals of each other are the only way beyond the caps.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from services.recruitment.access.domain import StaffRole
from services.recruitment.approvals.domain import AssertionCaps
from tests.integration.recruitment.minting import Attempt, Insiders, attempts
from tests.integration.recruitment.work import NOW, Work, staff_token
from tests.support.depth import examples

PROPERTY = settings(
    max_examples=examples(200, 25),
    derandomize=True,  # the histories together come through every door, which is asserted
    phases=[Phase.generate],  # to shrink a history on a database takes longer than to read it
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
AGES = timedelta(days=30)


async def account(work: Work, name: str, role: StaffRole, site: str | None) -> str:
    """An account that has existed for a month."""
    site_id = None if site is None else UUID(work.sites[site])
    await work.clock.set(NOW - AGES)
    token = await staff_token(
        work.district.settings, work.database, work.district.app.state.cipher, name, role, site_id
    )
    await work.clock.set(NOW)
    return token


async def within(insiders: Insiders, history: Sequence[Attempt], accounts: int) -> None:
    """Play a history on top of what came before, and hold the sums to the caps of so many accounts."""
    for attempt in history:
        await insiders.attempt(attempt)
    beyond = await insiders.beyond_strong()
    per_day: dict[object, int] = {}
    for (day, volunteer_id), minutes in beyond.items():
        assert minutes <= accounts * AssertionCaps().per_volunteer, (day, volunteer_id, minutes)
        per_day[day] = per_day.get(day, 0) + minutes
    assert all(minutes <= accounts * AssertionCaps().in_all for minutes in per_day.values()), per_day
    assert await insiders.unseen() == []


CREWS: dict[str, list[tuple[str, StaffRole, str | None]]] = {
    "one account": [("one", StaffRole.STATION, "惠民社区")],
    "two of one site": [("first", StaffRole.STATION, "惠民社区"), ("second", StaffRole.STATION, "惠民社区")],
    "two of the centre": [("chief", StaffRole.OPERATOR, None), ("deputy", StaffRole.OPERATOR, None)],
    "two of two sites": [("here", StaffRole.STATION, "惠民社区"), ("there", StaffRole.STATION, "东湖社区")],
}
DOORS = (
    *("upload", "roll-call", "backfill", "scan-in", "scan-out", "confirm", "correct", "void", "restore", "add"),
    *("move-shift", "cancel-shift"),
)


IN_BREADTH = ("one account", "two of two sites")


@pytest.fixture(params=[pytest.param(name, marks=() if name in IN_BREADTH else pytest.mark.deep) for name in CREWS])
async def insiders(request: pytest.FixtureRequest, work: Work) -> AsyncIterator[Insiders]:
    """Accounts and all that they have made, over every history; at the end, which doors they came through."""
    crew = CREWS[request.param]
    found = Insiders(work, [await account(work, *each) for each in crew], "惠民社区")
    found.people.append(await work.volunteer())
    yield found
    capped = await work.count("select count(*) from attendance_approvals where 'cap' = any(reasons)")
    assert capped, "no history came up to a cap"
    shut = [door for door in DOORS if not found.done[door]]
    assert not shut, f"no history came through {shut}, so it says nothing about them: {dict(found.done)}"
    apart = len({site for _, _, site in crew}) > 1
    assert bool(found.done["approve"]) is apart, "approvals are another site's, and another site's only"


@pytest.mark.slow
@PROPERTY
@given(history=attempts)
async def test_accounts_add_at_most_their_caps_to_what_scans_witnessed(
    insiders: Insiders, history: list[Attempt]
) -> None:
    await within(insiders, history, len(insiders.accounts))
