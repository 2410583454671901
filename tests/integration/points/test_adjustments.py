"""Manual adjustments: two operators, a reason and evidence; approved ones are a bucket that the audit recomputes."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.audit.main import audit
from services.points.rules.domain import add_months
from shared.auth.tokens import Role
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, Api, Ledger, Person, serving
from tests.support.audits import by_code
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory


@pytest.fixture
async def ledger(points_db: Database, clock: Clock) -> Ledger:
    await clock.set(NOW)
    return await Ledger.open(points_db)


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    async with serving(points_db, settings_for) as api:
        yield api


@pytest.fixture
async def clean(ledger: Ledger, dsn_for: Callable[[str], str]) -> AsyncIterator[None]:
    """The invariants hold at the end."""
    yield
    report = await audit(dsn_for("auditor"), settled=True, direct_feed=True)
    assert report.ok, report.as_json()


def of(volunteer: UUID, points: int, **more: Any) -> dict[str, Any]:
    words = {"reason": "帮助整理档案", "evidence": "签字单第12页"}
    return {"volunteer_id": str(volunteer), "points": points, **words, **more}


async def propose(person: Person, volunteer: UUID, points: int, **more: Any) -> str:
    answer = await person.post("/adjustments", of(volunteer, points, **more))
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "proposed"
    return str(answer.json()["adjustment_id"])


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["type"])


async def account(api: Api, volunteer: UUID) -> dict[str, Any]:
    found: dict[str, Any] = (await api.volunteer(volunteer).get(f"/accounts/{volunteer}")).json()
    return found


@pytest.mark.usefixtures("clean")
async def test_two_operators_give_points_and_take_some_back(api: Api, ledger: Ledger) -> None:
    volunteer, first, second = await ledger.volunteer(), api.operator, api.operator
    adjustment = await propose(first, volunteer, 30)
    assert (await account(api, volunteer))["available"] == 100
    answer = await second.post(f"/adjustments/{adjustment}/approve", {"note": "对照过原件"})
    assert (answer.status_code, answer.json()["status"]) == (200, "approved"), answer.text
    assert (await account(api, volunteer))["available"] == 130
    taken = await propose(second, volunteer, -10, corrects=adjustment)
    assert (await first.post(f"/adjustments/{taken}/approve", {"note": "写错了"})).status_code == 200
    assert (await account(api, volunteer))["earned"] == 120
    line, *_ = (await api.volunteer(volunteer).get(f"/accounts/{volunteer}/statement")).json()["items"]
    assert (line["code"], line["amount"], line["bucket"]) == ("reversal", 10, f"life/adjustment/{adjustment}")
    assert {found["adjustment_id"] for found in line["explanation"]["adjustments"]} == {adjustment, taken}
    assert {found["reason"] for found in line["explanation"]["adjustments"]} == {"帮助整理档案"}
    assert "evidence" not in line["explanation"]["adjustments"][0]
    lots = (await api.volunteer(volunteer).get(f"/accounts/{volunteer}/explanation")).json()["items"]
    given = next(lot for lot in lots if lot["bucket"].startswith("life/adjustment/"))
    assert given["expires_on"] == add_months(NOW.date(), 24).isoformat()
    assert given["movements"] == {"award": 30, "reversal": -10}
    corrections = (await first.get("/adjustments", corrects=adjustment)).json()["items"]
    assert [found["adjustment_id"] for found in corrections] == [taken]
    for one, change in ((adjustment, ("award", 30)), (taken, ("reversal", 10))):
        (posted,) = (await first.get(f"/adjustments/{one}")).json()["posted"]
        assert (posted["code"], posted["amount"]) == change


@pytest.mark.usefixtures("clean")
async def test_an_account_that_the_proposer_made_or_reset_or_that_is_new_does_not_decide(
    api: Api, ledger: Ledger
) -> None:
    first = api.operator
    path = f"/adjustments/{await propose(first, await ledger.volunteer(), 5)}"
    for account in (
        {"made_by": first.subject, "since": NOW - timedelta(days=400)},
        {"activated_by": first.subject, "since": NOW - timedelta(days=400)},
        {"reset_by": first.subject, "since": NOW - timedelta(days=400)},
        {"since": NOW},
    ):
        second = api.person(Role.OPERATOR, sites=None, **account)
        for decision in ("approve", "reject"):
            answer = await second.post(f"{path}/{decision}", {"note": "对照过原件"})
            assert problem(answer, 403) == "second-person-needed", account
    third = api.person(Role.OPERATOR, sites=None, made_by=new_id(), since=NOW - timedelta(days=400))
    assert (await third.post(f"{path}/approve", {"note": "对照过原件"})).status_code == 200


@pytest.mark.parametrize("way", ["made_by", "activated_by", "reset_by"])
@pytest.mark.usefixtures("clean")
async def test_an_account_does_not_decide_on_proposals_of_one_that_it_made_activated_or_reset(
    api: Api, ledger: Ledger, way: str
) -> None:
    first, volunteer = api.operator, await ledger.volunteer()
    path = f"/adjustments/{await propose(api.person(Role.OPERATOR, sites=None, **{way: first.subject}), volunteer, 5)}"
    for decision in ("approve", "reject"):
        assert problem(await first.post(f"{path}/{decision}", {"note": "对照过原件"}), 403) == "second-person-needed"
    assert (await first.get(path)).json()["posted"] == []
    assert (await api.operator.post(f"{path}/approve", {"note": "对照过原件"})).status_code == 200


@pytest.mark.usefixtures("clean")
async def test_nobody_decides_alone_nor_twice_nor_for_themselves(api: Api, ledger: Ledger) -> None:
    volunteer, first, second = await ledger.volunteer(), api.operator, api.operator
    adjustment = await propose(first, volunteer, 5)
    path = f"/adjustments/{adjustment}"
    assert (await first.get(path)).json()["posted"] == []
    assert problem(await first.post(f"{path}/approve", {"note": "x"}), 403) == "second-person-needed"
    assert problem(await first.post(f"{path}/reject", {"note": "x"}), 403) == "second-person-needed"
    assert problem(await second.post(f"{path}/withdraw", {}), 403) == "not-the-proposer"
    both = api.person(Role.OPERATOR, volunteer_id=volunteer, sites=None)
    assert problem(await both.post(f"{path}/approve", {"note": "x"}), 403) == "own-account"
    assert problem(await both.post("/adjustments", of(volunteer, 5)), 403) == "own-account"
    assert (await second.post(f"{path}/reject", {"note": "证据不足"})).json()["status"] == "rejected"
    assert problem(await second.post(f"{path}/approve", {"note": "x"}), 409) == "adjustment-decided"
    other = await propose(first, volunteer, 5)
    assert (await first.post(f"/adjustments/{other}/withdraw", {})).json()["status"] == "withdrawn"
    assert problem(await api.station.post("/adjustments", of(volunteer, 5)), 403) == "role-not-allowed"
    assert (await account(api, volunteer))["available"] == 100
    listed = (await first.get("/adjustments", volunteer_id=volunteer)).json()["items"]
    assert [found["status"] for found in listed] == ["withdrawn", "rejected"]
    assert (await first.get("/adjustments", status="proposed")).json()["items"] == []


@pytest.mark.usefixtures("clean")
async def test_only_what_was_adjusted_can_be_taken_back(api: Api, ledger: Ledger) -> None:
    volunteer, first, second = await ledger.volunteer(), api.operator, api.operator
    assert problem(await first.post("/adjustments", of(volunteer, -5)), 409) == "nothing-to-correct"
    assert problem(await first.post("/adjustments", of(volunteer, 0)), 422)
    assert problem(await first.post("/adjustments", of(new_id(), 5)), 404) == "account-unknown"
    assert problem(await first.post("/adjustments", {**of(volunteer, 5), "evidence": ""}), 422)
    adjustment = await propose(first, volunteer, 5)
    unapproved = await first.post("/adjustments", of(volunteer, -5, corrects=adjustment))
    assert problem(unapproved, 409) == "nothing-to-correct"
    await second.post(f"/adjustments/{adjustment}/approve", {"note": "x"})
    much = await propose(first, volunteer, -6, corrects=adjustment)
    assert problem(await second.post(f"/adjustments/{much}/approve", {"note": "x"}), 409) == "adjustment-below-zero"
    stranger = await ledger.volunteer()
    theirs = await first.post("/adjustments", of(stranger, -5, corrects=adjustment))
    assert problem(theirs, 404) == "adjustment-unknown"
    whole = await propose(first, volunteer, -5, corrects=adjustment)
    assert (await second.post(f"/adjustments/{whole}/approve", {"note": "x"})).status_code == 200
    assert (await account(api, volunteer))["available"] == 100


async def test_the_database_wants_two_people_too(api: Api, ledger: Ledger, points_db: Database) -> None:
    volunteer, first = await ledger.volunteer(), api.operator
    adjustment = UUID(await propose(first, volunteer, 5))
    alone = (
        "update adjustments set status = 'approved', decided_by = proposed_by, decided_at = now(), decided_on = now() "
        "where adjustment_id = $1"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await points_db.pool.execute(alone, adjustment)
    await api.operator.post(f"/adjustments/{adjustment}/approve", {"note": "x"})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await points_db.pool.execute("update adjustments set points = 500 where adjustment_id = $1", adjustment)


async def test_the_audit_names_an_adjustment_that_was_tampered_with(
    api: Api, ledger: Ledger, dsn_for: Callable[[str], str]
) -> None:
    volunteer = await ledger.volunteer()
    adjustment = await propose(api.operator, volunteer, 5)
    await api.operator.post(f"/adjustments/{adjustment}/approve", {"note": "x"})
    owner = await asyncpg.connect(dsn_for("points_owner"))
    await owner.execute("alter table points.adjustments disable trigger adjustments_are_final")
    await owner.execute("update points.adjustments set points = 500 where adjustment_id = $1", UUID(adjustment))
    await owner.close()
    check = by_code(await audit(dsn_for("auditor"), settled=True))["A4"]
    assert any(adjustment in found.subject and "should be 500" in found.detail for found in check.offenders)
