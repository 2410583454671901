"""Staff accounts, passwords, second factors and limits: the rules, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.access.domain import PASSWORD_DELAY
from services.recruitment.factors.domain import STEP_SECONDS, matching_step, normalise_recovery, totp
from services.recruitment.limits.domain import Count, RateCap, reached
from services.recruitment.staff.common import common_passwords
from services.recruitment.staff.domain import (
    AccountState,
    StaffAccount,
    StaffRole,
    check_password,
    judge_activation,
    judge_deactivation,
    judge_invitation,
)

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
SITE = uuid4()


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 129,
        "my-centre-1234",
        "aaaaaaaaaaaaaaa",
        "abababababab",
        "xkcd11111111",
        "password2026",
        "P@ssw0rd!!",
        "qwertyuiop123",
        "woaini1314520",
        "13845678901",
        "2026-03-04-12",
        "weiguang-2026!",
        "微光微光守护岭东社区",
        "惠民社区的站长好",
        "adminadmin2026",
        "ＰＡＳＳＷＯＲＤ2026",
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(ValueError):
        check_password(password, ["centre", "惠民社区"], common_passwords())


@pytest.mark.parametrize("password", ["guang-mang-2026", "岭东区志愿服务2026", "three quiet rivers", "Tz8!kq0-Lm"])
def test_passwords_of_ones_own_are_taken(password: str) -> None:
    check_password(password, ["centre", "惠民社区"], common_passwords())


def account(**changes: object) -> StaffAccount:
    said: dict[str, object] = {
        "staff_id": uuid4(),
        "role": StaffRole.OPERATOR,
        "state": AccountState.PENDING,
        "site_id": None,
        "unbounded": True,
        "made_by": uuid4(),
        "reset_by": None,
        "created_at": NOW,
        **changes,
    }
    return StaffAccount(**said)  # type: ignore[arg-type]


def test_only_the_centre_invites_others_than_station_staff() -> None:
    for role in StaffRole:
        for site in (None, SITE):
            allowed = judge_invitation(role, site, centre=False) is None
            assert allowed == (role is StaffRole.STATION and site is not None)
            assert (judge_invitation(role, site, centre=True) is None) == (
                role is not StaffRole.STATION or site is SITE
            )


def test_an_account_is_not_activated_by_who_made_or_reset_its_inviter() -> None:
    activator = uuid4()
    assert judge_activation(account(), account(), activator, centre=True) is None
    for inviter in (account(made_by=activator), account(reset_by=activator)):
        refused = judge_activation(account(), inviter, activator, centre=True)
        assert refused is not None
        assert refused.slug == "second-person-needed"
    again = judge_activation(account(state=AccountState.ACTIVE), account(), activator, centre=True)
    assert again is not None
    assert again.status == 409


def test_operators_bound_to_a_site_activate_station_staff_only() -> None:
    for role in StaffRole:
        refused = judge_activation(account(role=role, site_id=SITE), account(), uuid4(), centre=False)
        assert (refused is None) == (role is StaffRole.STATION)
        assert refused is None or refused.slug == "centre-only"


@given(
    state=st.sampled_from(AccountState),
    role=st.sampled_from(StaffRole),
    unbounded=st.booleans(),
    own=st.booleans(),
    centre=st.booleans(),
    others=st.integers(0, 2),
)
def test_an_operator_of_the_centre_always_remains(
    state: AccountState, role: StaffRole, unbounded: bool, own: bool, centre: bool, others: int
) -> None:
    closed = account(state=state, role=role, unbounded=unbounded)
    by: UUID = closed.staff_id if own else uuid4()
    if judge_deactivation(closed, by, centre=centre, other_unbounded=others) is None:
        assert not own
        assert state is not AccountState.DEACTIVATED
        assert centre or role is StaffRole.STATION
        assert others or not (role is StaffRole.OPERATOR and unbounded and state is AccountState.ACTIVE)


@given(failures=st.integers(0, 100))
def test_pauses_grow_to_a_quarter_of_an_hour_and_no_further(failures: int) -> None:
    pause, following = PASSWORD_DELAY.after(failures), PASSWORD_DELAY.after(failures + 1)
    assert timedelta(0) <= pause <= following <= timedelta(minutes=15)
    assert (pause == timedelta(0)) == (failures < 5)
    count = Count(failures, NOW, NOW)
    assert PASSWORD_DELAY.left(count, NOW + pause) is None
    assert PASSWORD_DELAY.left(Count(1000, NOW, NOW), NOW + timedelta(days=1)) is None


@given(hits=st.integers(1, 10))
def test_a_cap_holds_until_its_window_ends(hits: int) -> None:
    over = reached("x", RateCap(5, timedelta(hours=1)), Count(hits, NOW, NOW), NOW + timedelta(minutes=20))
    assert (over is None) == (hits <= 5)
    if over is not None:
        assert (over.wait, over.first) == (timedelta(minutes=40), hits == 6)


@given(secret=st.binary(min_size=20, max_size=20), at=st.integers(0, 2**33))
def test_codes_are_those_of_the_standard(secret: bytes, at: int) -> None:
    import base64

    other = pyotp.TOTP(base64.b32encode(secret).decode())
    assert totp(secret, at // STEP_SECONDS) == other.at(at)


def test_a_code_is_taken_near_its_time_and_never_twice() -> None:
    secret, now = b"12345678901234567890", 59.0
    step = matching_step(secret, "287082", now, 0)
    assert step == 1, "the vector of RFC 6238"
    assert matching_step(secret, "287082", now, 1) is None
    assert matching_step(secret, "287082", now + 30, 0) == 1
    assert matching_step(secret, "287082", now + 90, 0) is None
    assert matching_step(secret, "28708２", now, 0) is None


def test_a_recovery_code_is_read_however_it_is_typed() -> None:
    assert normalise_recovery(" ABCD-efgh ijkl-mn23 ") == "abcdefghijklmn23"
    assert normalise_recovery("123456") is None
