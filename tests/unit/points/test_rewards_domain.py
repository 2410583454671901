"""Redemptions as a pure state machine: each end once, stock and points conserved along every path."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.points.rewards.domain import (
    CODE_ALPHABET,
    CODE_LENGTH,
    RESERVE,
    Command,
    Placed,
    Redemption,
    RedemptionStatus,
    Reward,
    RewardRefusal,
    advance,
    normalised_code,
    place,
    quarter_start,
)

AT = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
REWARD = Reward(
    reward_id=UUID(int=1),
    name="保温杯",
    description="",
    price=60,
    per_quarter_limit=2,
    available_from=None,
    available_until=None,
    hold_days=30,
)


def held(expires_at: datetime = AT + timedelta(days=30)) -> Redemption:
    return Redemption(
        redemption_id=UUID(int=2),
        reward_id=REWARD.reward_id,
        reward_name=REWARD.name,
        volunteer_id=UUID(int=3),
        site_id=UUID(int=4),
        points=REWARD.price,
        status=RedemptionStatus.HELD,
        version=1,
        held_at=AT,
        expires_at=expires_at,
        settled_at=None,
        reason=None,
        stock_returned=None,
    )


def at_status(status: RedemptionStatus) -> Redemption:
    redemption = held()
    return Redemption(**{name: getattr(redemption, name) for name in redemption.__slots__} | {"status": status})


def slug(outcome: object) -> str:
    assert isinstance(outcome, RewardRefusal)
    assert outcome.detail.endswith(".")
    return outcome.slug


def changed(**fields: object) -> Reward:
    return Reward(**{name: getattr(REWARD, name) for name in REWARD.__slots__} | fields)


def test_a_hold_takes_the_price_and_waits_for_the_hold_days() -> None:
    placed = place(REWARD, free=1, taken_this_quarter=0, available=60, at=AT)
    assert placed == Placed(points=60, expires_at=AT + timedelta(days=30))


def test_each_reason_to_refuse_has_its_own_slug() -> None:
    assert slug(place(REWARD, free=0, taken_this_quarter=0, available=60, at=AT)) == "reward-sold-out"
    assert slug(place(REWARD, free=1, taken_this_quarter=2, available=60, at=AT)) == "reward-limit-reached"
    assert slug(place(REWARD, free=1, taken_this_quarter=0, available=59, at=AT)) == "insufficient-points"
    later = changed(available_from=AT + timedelta(seconds=1))
    assert slug(place(later, free=1, taken_this_quarter=0, available=60, at=AT)) == "reward-not-available"
    over = changed(available_until=AT)
    assert slug(place(over, free=1, taken_this_quarter=0, available=60, at=AT)) == "reward-not-available"


def test_without_a_limit_any_number_may_be_taken() -> None:
    assert isinstance(
        place(changed(per_quarter_limit=None), free=1, taken_this_quarter=99, available=60, at=AT), Placed
    )


def test_the_promised_time_ends_pickup_even_when_the_timer_is_late() -> None:
    redemption = held(expires_at=AT)
    assert slug(advance(redemption, Command.CAPTURE, AT)) == "redemption-expired"
    assert not isinstance(advance(redemption, Command.CAPTURE, AT - timedelta(microseconds=1)), RewardRefusal)
    assert slug(advance(redemption, Command.EXPIRE, AT - timedelta(microseconds=1))) == "redemption-not-due"
    assert not isinstance(advance(redemption, Command.EXPIRE, AT), RewardRefusal)
    assert not isinstance(advance(redemption, Command.RELEASE, AT), RewardRefusal)


@given(st.lists(st.tuples(st.sampled_from(Command), st.integers(0, 40)), max_size=30))
def test_every_path_conserves_stock_and_ends_once(path: list[tuple[Command, int]]) -> None:
    """Start from one received item that is reserved; whatever is asked in whatever order, it stays exactly one item."""
    free, reserved, handed_over = 1 + RESERVE.free, RESERVE.reserved, RESERVE.handed_over
    status, reached = RedemptionStatus.HELD, [RedemptionStatus.HELD]
    for command, day in path:
        step = advance(at_status(status), command, AT + timedelta(days=day))
        if isinstance(step, RewardRefusal):
            continue
        status = step.status
        reached.append(status)
        free += step.stock.free
        reserved += step.stock.reserved
        handed_over += step.stock.handed_over
        assert free + reserved + handed_over == 1
        assert min(free, reserved, handed_over) >= 0
        assert (reserved == 1) == (status is RedemptionStatus.HELD)
    assert len(reached) == len(set(reached)), "no status is reached twice"
    assert not (RedemptionStatus.RELEASED in reached and RedemptionStatus.CAPTURED in reached), (
        "captured or released, never both"
    )
    assert RedemptionStatus.REFUNDED not in reached or RedemptionStatus.CAPTURED in reached


@given(
    free=st.integers(-1, 3),
    taken=st.integers(0, 3),
    available=st.integers(0, 130),
    price=st.integers(1, 120),
    limit=st.none() | st.integers(1, 3),
)
def test_placed_only_when_everything_allows_it(
    free: int, taken: int, available: int, price: int, limit: int | None
) -> None:
    outcome = place(
        changed(price=price, per_quarter_limit=limit), free=free, taken_this_quarter=taken, available=available, at=AT
    )
    allowed = free > 0 and available >= price and (limit is None or taken < limit)
    assert isinstance(outcome, Placed) == allowed


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_quarters_start_in_january_april_july_october(day: date) -> None:
    start = quarter_start(day)
    assert start <= day
    assert start.day == 1
    assert start.month in (1, 4, 7, 10)
    assert (day.year, (day.month - 1) // 3) == (start.year, (start.month - 1) // 3)


def test_codes_survive_the_way_people_copy_them() -> None:
    assert normalised_code(" abcd-2345 ") == "ABCD2345"
    assert not set("01OIL") & set(CODE_ALPHABET)
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET) == 31
    assert CODE_LENGTH == 8
