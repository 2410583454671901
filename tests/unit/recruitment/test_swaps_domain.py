"""Swaps: which acts each state allows, and what they make of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal, Shift
from services.recruitment.signups.domain import Signup, SignupStatus, Source
from services.recruitment.signups.swaps.domain import ShiftSwap, SwapState, agree, approve, end, propose

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
SHIFT = Shift(uuid4(), uuid4(), NOW + timedelta(hours=5), NOW + timedelta(hours=7), 3, 2)
SIGNUP = Signup(uuid4(), SHIFT.shift_id, uuid4(), SignupStatus.ACTIVE, Source.SELF, uuid4(), NOW)
SWAP = ShiftSwap(uuid4(), SIGNUP.signup_id, SHIFT.shift_id, SIGNUP.volunteer_id, uuid4(), SwapState.PROPOSED, NOW)
OPEN = (SwapState.PROPOSED, SwapState.AGREED)


def slug(outcome: ShiftSwap | DomainRefusal) -> str:
    return outcome.slug if isinstance(outcome, DomainRefusal) else str(outcome.state)


def test_a_place_is_proposed_once_before_the_start_to_another_volunteer() -> None:
    def proposed(
        swap: ShiftSwap = SWAP, signup: Signup = SIGNUP, at: datetime = NOW, of_late: int = 0, **more: bool
    ) -> str:
        facts = {"attended": False, "open_swap": False, **more}
        attended, is_open = facts["attended"], facts["open_swap"]
        return slug(propose(swap, signup, SHIFT, attended=attended, open_swap=is_open, of_late=of_late, now=at))

    assert proposed() == "proposed"
    assert proposed(signup=replace(SIGNUP, status=SignupStatus.CANCELLED)) == "signup-cancelled"
    assert proposed(attended=True) == "already-attended"
    assert proposed(at=SHIFT.starts_at) == "swap-over"
    assert proposed(replace(SWAP, to_id=SWAP.from_id)) == "swap-with-oneself"
    assert proposed(open_swap=True) == "swap-open"
    assert (proposed(of_late=9), proposed(of_late=10)) == ("proposed", "swaps-of-the-day")


@given(st.sampled_from(SwapState), st.sampled_from(["agree", "approve", "refuse", "withdraw"]), st.booleans())
def test_each_act_is_allowed_in_its_states_alone_and_a_refusal_names_them(
    state: SwapState, act: str, waited_for: bool
) -> None:
    swap, by = replace(SWAP, state=state), uuid4()
    outcome, allowed, expected = {
        "agree": (
            agree(swap, SHIFT, by, waited_for=waited_for, now=NOW),
            (SwapState.PROPOSED,),
            SwapState.AGREED if waited_for else SwapState.DONE,
        ),
        "approve": (approve(swap, SHIFT, by, NOW), (SwapState.AGREED,), SwapState.DONE),
        "refuse": (end(swap, by, own=False, now=NOW), OPEN, SwapState.REFUSED),
        "withdraw": (end(swap, by, own=True, now=NOW), OPEN, SwapState.WITHDRAWN),
    }[act]
    if state in allowed:
        assert isinstance(outcome, ShiftSwap)
        assert (outcome.state, outcome.decided_by, outcome.version) == (expected, by, swap.version + 1)
    else:
        assert isinstance(outcome, DomainRefusal)
        assert outcome.extra["allowed"] == [str(each) for each in allowed]
