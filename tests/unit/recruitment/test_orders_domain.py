"""Orders: the state machine under any commands, deadlines by working days, and the ranking of teams."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args, get_type_hints
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.orders import domain
from services.recruitment.orders.calendar.domain import WorkingCalendar
from services.recruitment.orders.details.domain import Assignment, may_read
from services.recruitment.orders.domain import Timing
from services.recruitment.orders.matching.domain import TeamMeasure, distance, rank
from services.recruitment.orders.terms.domain import (
    ACTS,
    ASK_REASONS,
    BY,
    CANCEL_REASONS,
    DECLINE_REASONS,
    ENDED,
    REFUSE_REASONS,
    Desk,
    Order,
    OrderAct,
    OrderActor,
    OrderChange,
    OrderPolicy,
    OrderState,
    Outcome,
    SeriesEvery,
    TakenBy,
)
from shared.contracts import OrderChanged

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
POLICY = OrderPolicy()
ALL_DESKS = (Desk.STATION, Desk.INSTITUTE, Desk.CENTRE)
TEAMS = [uuid4() for _ in range(4)]
NOTHING: WorkingCalendar = WorkingCalendar()


def timing(now: datetime = MONDAY, calendar: WorkingCalendar = NOTHING) -> Timing:
    return Timing(now, calendar, POLICY)


def order(state: OrderState = OrderState.PLACED, desks: tuple[Desk, ...] = ALL_DESKS, **changes: object) -> Order:
    """An order in a state, with what that state needs."""
    new = Order(
        uuid4(),
        "DD-2026-000001",
        OrderState.PLACED,
        desks[0],
        desks,
        uuid4(),
        uuid4(),
        uuid4(),
        None,
        TakenBy.PAGE,
        60,
        1,
        False,
        MONDAY,
        MONDAY + 5 * DAY,
        MONDAY,
        MONDAY,
    )
    placed = domain.place(new, OrderActor.RESIDENT, timing())
    assert isinstance(placed, OrderChange)
    found = placed.order
    if state in (OrderState.DISPATCHED, OrderState.ACCEPTED, OrderState.SCHEDULED, OrderState.SERVED, OrderState.RATED):
        found = replace(found, team_id=TEAMS[0])
    if state in (OrderState.SCHEDULED, OrderState.SERVED, OrderState.RATED):
        start = MONDAY + DAY
        found = replace(found, activity_id=uuid4(), shift_id=uuid4(), starts_at=start, ends_at=start + HOUR)
    return replace(found, **{"state": state, **changes})  # type: ignore[arg-type]


def changed(outcome: OrderChange | DomainRefusal | None) -> Order:
    assert isinstance(outcome, OrderChange), outcome
    return outcome.order


@pytest.mark.parametrize(
    ("at", "days", "expected"),
    [
        (MONDAY, 1, MONDAY + DAY),
        (MONDAY + 4 * DAY, 1, MONDAY + 7 * DAY),
        (MONDAY + 4 * DAY, 2, MONDAY + 8 * DAY),
        # Saturday and Sunday begin with Monday: one working day ends as it ends, at 16:00 UTC.
        (MONDAY + 5 * DAY, 1, datetime(2026, 3, 9, 16, tzinfo=UTC)),
        (MONDAY + 6 * DAY, 1, datetime(2026, 3, 9, 16, tzinfo=UTC)),
    ],
)
def test_a_working_day_skips_the_weekend(at: datetime, days: int, expected: datetime) -> None:
    assert NOTHING.add(at, days) == expected


def test_the_calendar_knows_days_off_and_worked_weekends() -> None:
    calendar = WorkingCalendar({date(2026, 3, 3): False, date(2026, 3, 7): True})
    assert calendar.add(MONDAY, 1) == MONDAY + 2 * DAY
    assert calendar.add(MONDAY + 4 * DAY, 1) == MONDAY + 5 * DAY


def test_an_order_that_waits_goes_up_once_per_desk_and_then_stays() -> None:
    waiting = order()
    assert waiting.due_at == waiting.next_at == MONDAY + DAY
    assert domain.pass_deadline(waiting, timing(MONDAY + DAY - HOUR)) is None
    at_institute = changed(domain.pass_deadline(waiting, timing(MONDAY + DAY)))
    assert (at_institute.state, at_institute.desk, at_institute.since) == (OrderState.PLACED, Desk.INSTITUTE, MONDAY)
    assert domain.pass_deadline(at_institute, timing(MONDAY + DAY)) is None
    at_centre = changed(domain.pass_deadline(at_institute, timing(MONDAY + 2 * DAY)))
    assert (at_centre.desk, at_centre.next_at, at_centre.escalations) == (Desk.CENTRE, None, 2)
    assert at_centre.due_at == MONDAY + 3 * DAY
    assert domain.pass_deadline(at_centre, timing(MONDAY + 30 * DAY)) is None


def test_a_site_of_the_centre_escalates_nowhere() -> None:
    assert order(desks=(Desk.CENTRE,)).next_at is None


@pytest.mark.parametrize(
    ("state", "days", "expected", "reason"),
    [
        (OrderState.NEEDS_INFORMATION, 14, OrderState.CLOSED, "no-answer"),
        (OrderState.DISPATCHED, 1, OrderState.OFFERED, "no-answer"),
        (OrderState.ACCEPTED, 3, OrderState.OFFERED, "not-planned"),
        (OrderState.SERVED, 7, OrderState.RATED, None),
    ],
)
def test_each_deadline_has_its_successor(
    state: OrderState, days: int, expected: OrderState, reason: str | None
) -> None:
    waiting = order(state, next_at=MONDAY + days * DAY, due_at=MONDAY + days * DAY)
    assert domain.pass_deadline(waiting, timing(MONDAY + days * DAY - HOUR)) is None
    change = domain.pass_deadline(waiting, timing(MONDAY + days * DAY))
    assert isinstance(change, OrderChange)
    assert (change.order.state, change.reason, change.by) == (expected, reason, OrderActor.TIMER)
    assert change.order.rated_by_default == (expected is OrderState.RATED)


def test_a_scheduled_order_reminds_staff_once_three_days_after_its_shift() -> None:
    accepted = order(OrderState.ACCEPTED)
    start = MONDAY + DAY
    planned = changed(domain.schedule(accepted, OrderActor.LEADER, uuid4(), uuid4(), start, start + HOUR, timing()))
    assert planned.due_at == start + HOUR + 3 * DAY
    late = changed(domain.pass_deadline(planned, timing(start + HOUR + 3 * DAY)))
    assert (late.state, late.next_at, late.due_at) == (OrderState.SCHEDULED, None, planned.due_at)
    postponed = domain.follow(planned, start + DAY, start + DAY + HOUR, POLICY)
    assert postponed.next_at == start + DAY + HOUR + 3 * DAY


def test_three_teams_that_do_not_take_it_leave_the_need_unfulfilled() -> None:
    found = order(OrderState.OFFERED)
    for turn, team in enumerate(TEAMS[:3], 1):
        dispatched = changed(domain.dispatch(found, team, timing()))
        found = changed(domain.decline(dispatched, team, "no-people", timing()))
        assert found.declines == turn
    assert (found.state, found.reason, found.due_at, found.team_id) == (
        OrderState.UNFULFILLED,
        "no-people",
        None,
        None,
    )


def test_a_decline_of_an_open_offer_does_not_count() -> None:
    kept = changed(domain.decline(order(OrderState.OFFERED), TEAMS[0], "too-far", timing()))
    assert (kept.state, kept.declines) == (OrderState.OFFERED, 0)


def test_a_bad_rating_reopens_once_at_the_centre_and_a_good_one_never() -> None:
    served = order(OrderState.SERVED)
    good = changed(domain.rate(served, OrderActor.RESIDENT, 5, False, timing()))
    assert isinstance(domain.reopen(good, OrderActor.RESIDENT, False, timing()), DomainRefusal)
    bad = changed(domain.rate(served, OrderActor.RESIDENT, 1, True, timing()))
    again = changed(domain.reopen(bad, OrderActor.RESIDENT, False, timing()))
    assert (again.state, again.desk, again.team_id, again.stars) == (OrderState.OFFERED, Desk.CENTRE, None, None)
    twice = changed(domain.rate(replace(again, state=OrderState.SERVED), OrderActor.RESIDENT, 1, False, timing()))
    assert isinstance(domain.reopen(twice, OrderActor.RESIDENT, False, timing()), DomainRefusal)


def test_only_staff_say_that_no_team_was_found() -> None:
    found = order(OrderState.OFFERED)
    assert isinstance(domain.cancel(found, OrderActor.RESIDENT, "no-team", timing()), DomainRefusal)
    assert changed(domain.cancel(found, OrderActor.STAFF, "no-team", timing())).state is OrderState.UNFULFILLED


def test_a_frail_resident_is_served_by_two_at_least() -> None:
    new = replace(order(), frail=True, people=1)
    assert changed(domain.place(new, OrderActor.RESIDENT, timing())).people == 2


def test_a_service_that_was_not_held_is_planned_anew_by_the_same_team() -> None:
    scheduled = order(OrderState.SCHEDULED)
    after = timing(MONDAY + 2 * DAY)
    again = changed(domain.complete(scheduled, OrderActor.LEADER, Outcome.ABSENT, 0, after))
    assert (again.state, again.team_id, again.shift_id, again.reason) == (OrderState.ACCEPTED, TEAMS[0], None, "absent")
    for outcome, served in ((Outcome.SERVED, 0), (Outcome.ABSENT, 1)):
        refused = domain.complete(scheduled, OrderActor.LEADER, outcome, served, after)
        assert isinstance(refused, DomainRefusal)
        assert refused.slug == "order-served-mismatch"


@given(st.sampled_from(list(SeriesEvery)), st.integers(2, 12), st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)))
def test_a_series_keeps_its_time_of_day_and_goes_on(every: SeriesEvery, times: int, start: datetime) -> None:
    dates = domain.series_dates(start.replace(tzinfo=UTC), every, times)
    assert len(dates) == times
    assert dates == sorted(set(dates))
    assert {each.timetz() for each in dates} == {dates[0].timetz()}


def test_the_last_of_a_month_stays_within_shorter_ones() -> None:
    dates = domain.series_dates(datetime(2026, 1, 31, 2, tzinfo=UTC), SeriesEvery.MONTH, 4)
    assert [each.day for each in dates] == [31, 28, 31, 30]


ACTORS = st.sampled_from([OrderActor.RESIDENT, OrderActor.STAFF, OrderActor.LEADER])
COMMANDS = st.tuples(
    st.sampled_from([*(act for act in OrderAct if act in BY), None]),
    ACTORS,
    st.sampled_from(TEAMS),
    st.integers(0, 80),
    st.integers(1, 5),
)


def _apply(
    found: Order, act: OrderAct, actor: OrderActor, team: UUID, stars: int, at: Timing
) -> OrderChange | DomainRefusal:
    reviews: dict[OrderAct, str | None] = {
        OrderAct.TAKE: None,
        OrderAct.OFFER: None,
        OrderAct.ASK: "time",
        OrderAct.REFUSE: "unsafe",
    }
    if act in reviews:
        return domain.review(found, act, reviews[act], at)
    if act is OrderAct.SCHEDULE:
        start = at.now + HOUR
        return domain.schedule(found, actor, uuid4(), uuid4(), start, start + HOUR, at)
    calls = {
        OrderAct.ANSWER: lambda: domain.answer(found, actor, at),
        OrderAct.ACCEPT: lambda: domain.accept(found, team, at),
        OrderAct.DECLINE: lambda: domain.decline(found, team, "no-time", at),
        OrderAct.DISPATCH: lambda: domain.dispatch(found, team, at),
        OrderAct.COMPLETE: lambda: domain.complete(found, actor, Outcome.SERVED, 1, at),
        OrderAct.RATE: lambda: domain.rate(found, actor, stars, False, at),
        OrderAct.REOPEN: lambda: domain.reopen(found, actor, True, at),
        OrderAct.CANCEL: lambda: domain.cancel(found, actor, "other", at),
    }
    return calls[act]()


@given(st.lists(COMMANDS, max_size=40))
def test_any_commands_keep_an_order_whole_and_refusals_name_what_is_possible(
    commands: list[tuple[OrderAct | None, OrderActor, UUID, int, int]],
) -> None:
    found, now = order(), MONDAY
    for act, actor, team, hours, stars in commands:
        now += timedelta(hours=hours)
        at = timing(now)
        before = found
        outcome = domain.pass_deadline(found, at) if act is None else _apply(found, act, actor, team, stars, at)
        if isinstance(outcome, DomainRefusal):
            if outcome.slug == "order-state":
                by = (
                    OrderActor.STAFF if act in (OrderAct.TAKE, OrderAct.OFFER, OrderAct.ASK, OrderAct.REFUSE) else actor
                )
                by = OrderActor.LEADER if act in (OrderAct.ACCEPT, OrderAct.DECLINE) else by
                by = OrderActor.STAFF if act is OrderAct.DISPATCH else by
                assert outcome.extra["allowed"] == [str(each) for each in domain.allowed(found, by, POLICY)]
                assert str(act) not in domain.allowed(found, by, POLICY)
            continue
        if outcome is None:
            continue
        found = outcome.order
        assert found.version == before.version + 1
        assert (found.due_at is None) == (found.state in ENDED)
        assert found.desk in found.desks
        assert found.declines <= POLICY.most_declines
        assert found.escalations <= before.escalations + 1
        if found.state in (OrderState.DISPATCHED, OrderState.ACCEPTED, OrderState.SCHEDULED, OrderState.SERVED):
            assert found.team_id is not None
        if found.state is OrderState.SCHEDULED:
            assert found.shift_id is not None
        if before.state in ENDED:
            assert outcome.act is OrderAct.REOPEN


@given(st.sampled_from(list(OrderState)), st.sampled_from(["team-closed", "leader-gone", "called-off"]))
def test_what_is_lost_gives_each_open_order_a_way_on(state: OrderState, lost: str) -> None:
    found = order(state)
    if state in ENDED:
        assert domain.forget(found, timing()) is None
        return
    assert changed(domain.forget(found, timing())).state in (OrderState.CANCELLED, OrderState.RATED)
    moved = changed(domain.move(found, uuid4(), (Desk.INSTITUTE, Desk.CENTRE), timing()))
    assert (moved.state, moved.desk) == (state, Desk.INSTITUTE)
    released = domain.release(found, lost, timing())
    if released is not None:
        assert released.order.state in (OrderState.OFFERED, OrderState.ACCEPTED)
        assert (released.order.team_id is None) == (released.order.state is OrderState.OFFERED)


def test_every_state_has_its_acts_and_every_act_its_party() -> None:
    assert set(ACTS) == set(OrderState)
    assert {act for acts in ACTS.values() for act in acts} == set(BY)


def test_every_code_of_the_domain_is_one_of_the_event() -> None:
    hints = get_type_hints(OrderChanged)
    causes = {code for part in get_args(hints["cause"]) for code in get_args(part)}
    assert causes >= REFUSE_REASONS | ASK_REASONS | DECLINE_REASONS | CANCEL_REASONS
    assert set(get_args(hints["act"])) == {str(act) for act in OrderAct}
    assert set(get_args(hints["state"])) == {str(state) for state in OrderState}


def measure(name: str, site: UUID, **known: object) -> TeamMeasure:
    usual = {"docked": False, "skilled": 0, "members": 5, "load": 0, "ratings": 0, "stars": None, **known}
    return TeamMeasure(uuid4(), name, site, **usual)  # type: ignore[arg-type]


def test_teams_are_ranked_by_distance_skill_load_and_ratings_with_reasons() -> None:
    centre, north, south, here, there = [uuid4() for _ in range(5)]
    parents = {centre: None, north: centre, south: centre, here: north, there: south}
    assert [distance(parents, here, each) for each in (here, north, centre, there)] == [0, 1, 2, 4]
    near, far = measure("near", here), measure("far", there)
    busy = measure("busy", here, load=9)
    praised = measure("praised", here, ratings=5, stars=5.0)
    once = measure("once", here, ratings=1, stars=1.0)
    gone = measure("gone", here, declined=True)
    found = rank(parents, here, [far, busy, near, praised, once, gone])
    assert [each.measure.name for each in found] == ["praised", "near", "once", "busy", "far"]
    points = {each.code: each.points for each in found[3].reasons}
    assert points["load"] == -4 * 9
    assert found[3].score == round(sum(points.values()), 2)
    opinions = [
        (one.code, one.value) for each in found for one in each.reasons if one.code.endswith(("rating", "ratings"))
    ]
    assert opinions == [("rating", 5.0), *[("few-ratings", n) for n in (0, 1, 0, 0)]], "no mean of too few"


def test_details_open_a_day_before_and_close_a_week_after() -> None:
    start = MONDAY + 5 * DAY
    term = Assignment(uuid4(), uuid4(), start, start + HOUR)
    assert not may_read(term, start - DAY - HOUR)
    assert may_read(term, start - DAY)
    assert may_read(term, start + HOUR + 7 * DAY - HOUR)
    assert not may_read(term, start + HOUR + 7 * DAY)
    lost = replace(term, ended_at=start - 2 * DAY)
    assert not may_read(lost, start - HOUR), "the order was another team's before the details opened"
    taken = replace(term, ended_at=start - HOUR)
    assert may_read(taken, start + 6 * DAY)
    assert not may_read(taken, start - HOUR + 7 * DAY)
