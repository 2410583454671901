"""Badges on a real database: awarded and revoked with the records, whatever their order, and read with progress."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.points.badges import documents, handlers, store
from services.points.badges.api import router
from services.points.badges.domain import Criteria, Served
from services.points.ingest.handlers import Policy
from services.points.ingest.stream import IngestStream
from services.points.policy import policy_of
from services.points.versions.handlers import Current
from shared.auth.tokens import Role
from shared.clock import district_day
from shared.errors import TransientError
from shared.http.app import create_app
from shared.ids import new_id
from shared.postgres import Database, Tx
from tests.integration.points.histories import BEGIN, Drawn, World, message, read
from tests.integration.points.serving import SITE, Api
from tests.reference import points as reference
from tests.support.databases import Clock
from tests.support.depth import examples
from tests.support.ingested import outbox_events, record
from tests.support.settings import SettingsFactory

NOW = datetime(2026, 3, 31, 10, tzinfo=UTC)
CRITERIA = documents.shipped()[-1].criteria()


class Spree(NamedTuple):
    """Services in consecutive weeks, of themes in turn."""

    volunteer: int
    week: int
    length: int
    theme: int
    step: int
    minutes: int
    provenance: str


class Correction(NamedTuple):
    """A higher revision of one of the records."""

    place: int
    what: str
    value: int


THEMES = ["晨光问候", *(f"主题{number}" for number in range(11))]
sprees = st.lists(
    st.builds(
        Spree,
        volunteer=st.sampled_from([0, 0, 0, 1]),
        week=st.integers(-9, 4),
        length=st.sampled_from([1, 2, 4, 5, 12]),
        theme=st.integers(0, 11),
        step=st.sampled_from([0, 0, 1]),
        minutes=st.sampled_from([15, 60, 600, 1500, 6000]),
        provenance=st.sampled_from(["scanned", "kiosk", "leader", "backfilled", "imported"]),
    ),
    min_size=1,
    max_size=4,
)
corrections = st.lists(
    st.builds(
        Correction,
        place=st.integers(0, 47),
        what=st.sampled_from(["status", "day", "theme", "minutes", "volunteer"]),
        value=st.integers(0, 11),
    ),
    max_size=6,
)


def revisions(drawn: list[Spree], corrected: list[Correction]) -> list[Drawn]:
    """All revisions of all records, in the order in which they came about."""
    found: list[Drawn] = []
    for spree in drawn:
        for number in range(spree.length):
            theme = THEMES[(spree.theme + number * spree.step) % len(THEMES)]
            day = (spree.week + number) * 7
            found.append(
                Drawn(len(found), 1, spree.volunteer, day, 540, spree.minutes, "confirmed", spree.provenance, theme)
            )
    latest = list(found)
    for one in corrected:
        known = latest[one.place % len(latest)]
        changed: dict[str, dict[str, Any]] = {
            "status": {"status": ("void", "provisional", "confirmed")[one.value % 3]},
            "day": {"day": known.day + one.value - 5},
            "theme": {"theme": THEMES[one.value]},
            "minutes": {"minutes": one.value * 500},
            "volunteer": {"volunteer": one.value % 2},
        }
        raised = known._replace(revision=known.revision + 1, **changed[one.what])
        latest[one.place % len(latest)] = raised
        found.append(raised)
    return found


@st.composite
def deliveries(draw: Any) -> list[list[Drawn]]:
    """Revisions as they come: in order or shuffled, partly twice, cut into batches."""
    made = revisions(draw(sprees), draw(corrections))
    again = draw(st.lists(st.sampled_from(made), max_size=3))
    order = [*made, *again]
    if draw(st.booleans()):
        draw(st.randoms(use_true_random=False)).shuffle(order)
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=4)))
    return [batch for begin, end in pairwise([0, *cuts, len(order)]) if (batch := order[begin:end])]


@settings(
    max_examples=examples(breadth=8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(deliveries())
async def test_any_history_leads_to_the_badges_that_the_reference_says(
    points_db: Database, clock: Clock, batches: list[list[Drawn]]
) -> None:
    await clock.set(NOW)
    world = await World.open(points_db)
    model = reference.Reference()
    for batch in batches:
        await world.ingest(batch)
        model.ingest([world.record(drawn) for drawn in batch], district_day(NOW))
        for number in range(2):
            volunteer_id = world.volunteer(number)
            records = model.of(str(volunteer_id))
            stored = await read(points_db, volunteer_id)
            assert (set() if stored is None else stored.badges) == reference.badges(records)
            await _figures_are_of(points_db, volunteer_id, records)


async def _figures_are_of(database: Database, volunteer_id: Any, records: list[reference.Record]) -> None:
    """The increments come to what all records come to."""
    async with database.snapshot() as tx:
        kept = await tx.fetchval("select badge_figures from volunteers where volunteer_id = $1", volunteer_id)
    confirmed = [
        Served(one.day, one.provenance, one.minutes, one.theme, None) for one in records if one.status == "confirmed"
    ]
    assert (CRITERIA.blank() if kept is None else orjson.loads(kept)) == CRITERIA.tally(confirmed)


@pytest.fixture
async def stream(points_db: Database, clock: Clock) -> IngestStream:
    """The ingest; it is 31 March 2026."""
    await clock.set(NOW)
    return IngestStream(points_db, await policy_of(points_db))


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    """The routes of badges."""
    app = create_app(settings_for("points"), title="points", routers=[router])
    app.state.database = points_db
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://points") as client:
        yield Api(client, settings_for("recruitment"))


async def test_a_correction_takes_a_badge_away_with_the_reason_and_a_later_one_gives_a_new_award(
    stream: IngestStream, api: Api
) -> None:
    volunteer_id = new_id()
    march = [record(volunteer_id, started_at=datetime(2026, 3, day, 1, tzinfo=UTC)) for day in (2, 3, 4)]
    await stream.handle([message(one) for one in march])
    voided = march[2].model_copy(update={"revision": 2, "status": "void"})
    await stream.handle([message(voided)])
    gone = [event for event in await outbox_events(stream.database, "badges") if "revoked_at" in event]
    assert [(event["badge"], event["name"]) for event in gone] == [("lei-feng-month-2026", "2026年度雷锋月")]
    assert gone[0]["cause"] == "records"

    seen = (await api.volunteer(volunteer_id).get(f"/accounts/{volunteer_id}/badges")).json()
    assert [award["badge"] for award in seen["held"]] == ["first-service"]
    assert [award["badge"] for award in seen["revoked"]] == ["lei-feng-month-2026"]
    reason = {"measure": "records", "value": 2, "at_least": 3, "record": [str(voided.record_id), 2, "void"]}
    assert seen["revoked"][0]["revoked_reason"] == reason
    progress = {one["badge"]: one for one in seen["progress"]}
    month = progress["lei-feng-month-2026"]
    assert (month["value"], month["remaining"], month["held"]) == (2, 1, False)
    assert seen["next"] == month

    await stream.handle([message(voided.model_copy(update={"revision": 3, "status": "confirmed"}))])
    again = (await api.volunteer(volunteer_id).get(f"/accounts/{volunteer_id}/badges")).json()
    assert {award["badge"] for award in again["held"]} == {"first-service", "lei-feng-month-2026"}
    assert len({award["award_id"] for award in [*again["held"], *again["revoked"]]}) == 3


async def test_badges_are_read_by_their_volunteer_and_by_staff_only(stream: IngestStream, api: Api) -> None:
    volunteer_id = new_id()
    await stream.handle([message(record(volunteer_id, site_id=SITE))])
    path = f"/accounts/{volunteer_id}/badges"
    assert (await api.person(Role.STATION, sites=[new_id()]).get(path)).status_code == 404
    assert (await api.station.get(path)).json()["held"][0]["badge"] == "first-service"
    assert (await api.volunteer(new_id()).get(path)).status_code == 404
    empty = new_id()
    seen = (await api.volunteer(empty).get(f"/accounts/{empty}/badges")).json()
    assert (seen["held"], seen["revoked"]) == ([], [])
    assert {one["value"] for one in seen["progress"]} == {0}


async def test_new_criteria_reach_whoever_was_judged_by_older_ones(points_db: Database, clock: Clock, api: Api) -> None:
    """Figures that were kept for others are counted anew: at once in the ingest, by and by for who doesn't serve."""
    await clock.set(NOW)
    policy = await policy_of(points_db)
    older = Policy(policy.rules, Current(_first))
    idle, active = new_id(), new_id()
    days = [BEGIN + timedelta(weeks=number) for number in range(4)]
    for volunteer_id in (idle, active):
        served = [record(volunteer_id, started_at=day) for day in days[:3]]
        await IngestStream(points_db, older).handle([message(one) for one in served])
    last = record(idle, started_at=days[3])
    await IngestStream(points_db, older).handle([message(last)])
    assert await _held(points_db, idle) == {"first-service"}
    seen = (await api.volunteer(idle).get(f"/accounts/{idle}/badges")).json()
    assert {one["badge"]: one["value"] for one in seen["progress"]}["four-weeks"] == 4

    stream = IngestStream(points_db, policy)
    await stream.handle([message(record(active, started_at=days[3]))])
    assert "four-weeks" in await _held(points_db, active)
    assert await handlers.judge_anew(points_db) == 1
    assert await handlers.judge_anew(points_db) == 0
    assert await _held(points_db, idle) == await _held(points_db, active)
    await stream.handle([message(last.model_copy(update={"revision": 2, "status": "void"}))])
    assert "four-weeks" not in await _held(points_db, idle)


async def _first(tx: Tx) -> Criteria:
    return documents.shipped()[0].criteria()


async def _newer(database: Database, at_least: int, begins: date = date(2026, 1, 1)) -> None:
    """Criteria of one badge are in the table, over those that are shipped."""
    item = {"badge": "steady", "name": "屡次", "records": at_least, "of": ["credit"]}
    newer = {"version": 1002, "name": "x", "effective_from": begins.isoformat(), "badges": [item]}
    async with database.transaction() as tx:
        await store.CRITERIA.insert(tx, documents.CriteriaDocument.model_validate(newer))


@pytest.mark.parametrize("change", ["new", "voided"])
async def test_figures_counted_anew_hold_the_record_that_comes_with_it_once(
    points_db: Database, clock: Clock, change: str
) -> None:
    await clock.set(NOW)
    policy = await policy_of(points_db)
    volunteer_id = new_id()
    served = [
        record(volunteer_id, started_at=datetime(2026, 3, day, 1, tzinfo=UTC), site_id=None, minutes=1500)
        for day in (2, 9)
    ]
    first, second = served
    before = [first] if change == "new" else served
    await IngestStream(points_db, Policy(policy.rules, Current(_first))).handle([message(one) for one in before])
    after = [first, second if change == "new" else second.model_copy(update={"revision": 2, "status": "void"})]
    await IngestStream(points_db, policy).handle([message(after[1])])
    confirmed = [
        Served(district_day(one.started_at), one.provenance, one.minutes, one.theme, None)
        for one in after
        if one.status == "confirmed"
    ]
    async with points_db.snapshot() as tx:
        kept = await tx.fetchval("select badge_figures from volunteers where volunteer_id = $1", volunteer_id)
    assert orjson.loads(kept) == CRITERIA.tally(confirmed)
    assert "lei-feng-month-2026" not in await _held(points_db, volunteer_id)


async def test_what_other_criteria_take_away_is_not_blamed_on_the_record_that_came_next(
    stream: IngestStream, points_db: Database
) -> None:
    volunteer_id = new_id()
    await stream.handle([message(record(volunteer_id, started_at=BEGIN))])
    await _newer(points_db, 2)
    newer = IngestStream(points_db, await policy_of(points_db))
    await newer.handle([message(record(volunteer_id, started_at=BEGIN + timedelta(days=1)))])
    events = await outbox_events(points_db, "badges")
    (gone,) = [event for event in events if "revoked_at" in event]
    assert (gone["badge"], gone["cause"]) == ("first-service", "criteria")
    assert await _held(points_db, volunteer_id) == {"steady"}


async def test_a_process_that_read_earlier_criteria_reads_anew_and_never_judges_by_them_again(
    stream: IngestStream, points_db: Database
) -> None:
    volunteer_id, other = new_id(), new_id()
    await stream.handle([message(record(volunteer_id, started_at=BEGIN))])
    await _newer(points_db, 1)
    assert await handlers.judge_anew(points_db) == 1
    assert await _held(points_db, volunteer_id) == {"steady"}
    await stream.handle([message(record(volunteer_id, started_at=BEGIN + timedelta(days=1)))])
    await stream.handle([message(record(other, started_at=BEGIN))])
    assert await _held(points_db, volunteer_id) == await _held(points_db, other) == {"steady"}

    unable = IngestStream(points_db, Policy(stream.policy.rules, Current(_first)))
    with pytest.raises(TransientError, match="version 1002"):
        await unable.handle([message(record(volunteer_id, started_at=BEGIN + timedelta(days=2)))])
    await points_db.pool.execute("update criteria_versions set document = document || '{\"later\": 1}'")
    unable = IngestStream(points_db, Policy(stream.policy.rules, handlers.current_criteria()))
    with pytest.raises(TransientError, match="cannot read"):
        await unable.handle([message(record(volunteer_id, started_at=BEGIN + timedelta(days=2)))])
    assert await _held(points_db, volunteer_id) == {"steady"}


async def test_criteria_are_in_force_from_their_day_on(stream: IngestStream, points_db: Database, clock: Clock) -> None:
    volunteer_id = new_id()
    await stream.handle([message(record(volunteer_id, started_at=BEGIN))])
    await _newer(points_db, 1, begins=date(2026, 4, 1))
    assert await handlers.judge_anew(points_db) == 0
    assert await _held(points_db, volunteer_id) == {"first-service"}
    await clock.set(datetime(2026, 3, 31, 16, tzinfo=UTC))  # the district's midnight
    assert await handlers.judge_anew(points_db) == 1
    assert await _held(points_db, volunteer_id) == {"steady"}


async def _held(database: Database, volunteer_id: Any) -> set[str]:
    stored = await read(database, volunteer_id)
    assert stored is not None
    return stored.badges


async def test_a_threshold_is_met_by_the_day_of_the_district(stream: IngestStream) -> None:
    """31 December 16:30 UTC is New Year in the district."""
    volunteer_id = new_id()
    late = datetime(2025, 12, 31, 16, 30, tzinfo=UTC)
    assert district_day(late) == date(2026, 1, 1)
    await stream.handle([message(record(volunteer_id, 3000, started_at=late))])
    assert "annual-caring-2026" in await _held(stream.database, volunteer_id)
