"""Tokens say who calls and cannot be made by those who may not."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from pydantic import SecretStr

from ops.secrets import generate_pair
from shared.auth.access import allow
from shared.auth.tokens import Caller, Proposal, Role, Verifier, mint
from shared.errors import Forbidden, PermanentError, Unauthorized

PEOPLE_KEY, PEOPLE_PUBLIC = generate_pair()
NOTIFY_KEY, NOTIFY_PUBLIC = generate_pair()
PUBLIC_KEYS = {"recruitment": PEOPLE_PUBLIC, "notify": NOTIFY_PUBLIC}
NOW = 1_800_000_000


class Settings(SimpleNamespace):
    service: str
    auth_signing_key: SecretStr


PEOPLE = Settings(service="recruitment", auth_signing_key=SecretStr(PEOPLE_KEY))
NOTIFY = Settings(service="notify", auth_signing_key=SecretStr(NOTIFY_KEY))


def volunteer() -> Caller:
    return Caller(subject=uuid4(), roles=frozenset({Role.VOLUNTEER}), volunteer_id=uuid4(), name="王芳")


def signing_key(seed: str, public: str) -> OKPKey:
    def urlsafe(key: str) -> str:
        return base64.urlsafe_b64encode(base64.b64decode(key)).rstrip(b"=").decode()

    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": urlsafe(public), "d": urlsafe(seed)})


def forge(*, issuer: str = "recruitment", kid: str | None = None, drop: str = "", **claims: Any) -> str:
    """A well-signed token with other claims."""
    seed, public = (
        (PEOPLE_KEY, PEOPLE_PUBLIC) if (kid or issuer).startswith("recruitment") else (NOTIFY_KEY, NOTIFY_PUBLIC)
    )
    content = {
        "iss": issuer, "aud": ["weiguang/points"], "sub": str(uuid4()), "iat": NOW, "nbf": NOW, "exp": NOW + 900,
        "jti": "j", "roles": ["volunteer"], "sites": [], **claims,
    }  # fmt: skip
    content.pop(drop, None)
    header = {"alg": "Ed25519", "kid": kid or f"{issuer}.1"}
    return jwt.encode(header, content, signing_key(seed, public), algorithms=["Ed25519"])


def verifier(at: float = NOW) -> Verifier:
    return Verifier(PUBLIC_KEYS, service="points", now=lambda: at)


def verified(token: str, service: str = "points") -> Caller:
    return Verifier(PUBLIC_KEYS, service=service).verify(token)


def test_a_minted_token_gives_back_the_same_caller() -> None:
    sites, teams = frozenset({uuid4(), uuid4()}), frozenset({uuid4()})
    for caller in (
        volunteer(),
        Caller(subject=uuid4(), roles=frozenset({Role.STATION, Role.LEADER}), site_ids=sites, team_ids=teams),
        Caller(subject=uuid4(), roles=frozenset({Role.OPERATOR}), site_ids=None),
        Caller(subject=uuid4(), roles=frozenset({Role.RESIDENT}), resident_id=uuid4()),
    ):  # fmt: skip
        assert verified(mint(PEOPLE, caller)) == caller


def test_who_is_bound_to_sites_acts_on_what_lies_there_alone() -> None:
    own, also, other = uuid4(), uuid4(), uuid4()
    north = Caller(subject=uuid4(), roles=frozenset({Role.OPERATOR}), site_ids=frozenset({own, also}))
    assert north.may_sites([own]) and north.may_sites([own, also])
    assert not north.may_sites([own, other])
    assert not north.may_sites([own, None]), "what lies at no site is the centre's"
    assert not north.may_sites([])
    centre = replace(north, site_ids=None)
    assert centre.may_sites([own, other, None]) and centre.may_sites([])
    centre.require_centre()
    with pytest.raises(Forbidden):
        north.require_centre()


def test_staff_who_are_a_volunteer_too_do_not_act_as_one() -> None:
    serving = volunteer()
    assert serving.acts_as(serving.volunteer_id) and not serving.acts_as(uuid4()) and not serving.acts_as(None)
    assert serving.require_volunteer() == serving.volunteer_id
    staff = replace(serving, subject=uuid4(), roles=frozenset({Role.OPERATOR}), site_ids=None)
    assert verified(mint(PEOPLE, staff)).volunteer_id == serving.volunteer_id
    assert not staff.acts_as(staff.volunteer_id)
    with pytest.raises(Forbidden):
        staff.require_volunteer()


def test_the_forger_of_these_tests_makes_good_tokens_when_nothing_is_changed() -> None:
    assert verifier().verify(forge()).roles == {Role.VOLUNTEER}


def test_notify_speaks_as_a_service_and_recruitment_does_not() -> None:
    service = Caller(subject=uuid4(), roles=frozenset({Role.SERVICE}), site_ids=None)
    assert verified(mint(NOTIFY, service)) == service
    with pytest.raises(PermanentError, match="may not mint"):
        mint(NOTIFY, volunteer())
    with pytest.raises(PermanentError, match="may not mint"):
        mint(PEOPLE, service)


@pytest.mark.parametrize("roles", [["operator"], ["service", "operator"], [], ["volunteer"]])
def test_notifys_key_makes_nobody_but_a_service(roles: list[str]) -> None:
    assert verifier().verify(forge(issuer="notify", roles=["service"])).roles == {Role.SERVICE}
    with pytest.raises(Unauthorized):
        verifier().verify(forge(issuer="notify", roles=roles))


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "recruitment", "kid": "notify.1"},  # signed by one, speaking for another
        {"issuer": "notify", "kid": "recruitment.1"},
        {"issuer": "recruitment", "kid": "recruitment"},
        {"issuer": "recruitment", "kid": "recruitment.2"},
        {"aud": "weiguang"},
        {"aud": "weiguang/recruitment"},
        {"aud": ["weiguang/recruitment", "weiguang/notify"]},
        {"aud": None},
        {"exp": NOW - 60, "iat": NOW - 900},
        {"exp": NOW + 365 * 86400},  # well signed, and far too long
        {"nbf": NOW + 3600, "iat": NOW + 3600, "exp": NOW + 7000},
        {"sub": "not-a-uuid"},
        {"roles": "operator"},
        {"roles": ["emperor"]},
        {"roles": ["service"]},
        {"sites": [1]},
        {"sites": {"a": 1}},
        {"volunteer": 5},
        {"exp": "tomorrow"},
        *({"drop": name} for name in ("iss", "aud", "sub", "iat", "nbf", "exp", "jti", "roles")),
    ],
    ids=str,
)
def test_a_token_with_other_claims_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized) as refused:
        verifier().verify(forge(**changed))
    assert refused.value.status == 401


def test_a_token_that_names_no_sites_reaches_none() -> None:
    caller = verifier().verify(forge(roles=["station"], drop="sites"))
    assert caller.site_ids == frozenset()
    assert not caller.may_site(uuid4())


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 9000, "微光", "..", "e30.e30."])
def test_garbage_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        verifier().verify(token)


def test_other_algorithms_are_refused() -> None:
    header, payload, _ = forge().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"recruitment.1"}').rstrip(b"=").decode()
    with pytest.raises(Unauthorized):
        verifier().verify(f"{none}.{payload}.")
    # the public key as a shared secret: the classic confusion
    confused = jwt.encode({"alg": "HS256", "kid": "recruitment.1"}, claims, OctKey.import_key(PEOPLE_PUBLIC))
    with pytest.raises(Unauthorized):
        verifier().verify(confused)
    with pytest.raises(Unauthorized):
        verifier().verify(f"{header}.{payload}.{'A' * 86}")


def test_one_flipped_bit_is_refused() -> None:
    header, payload, signature = forge().split(".")
    raw = bytearray(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    raw[10] ^= 1
    flipped = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    with pytest.raises(Unauthorized):
        verifier().verify(f"{header}.{flipped}.{signature}")


def test_a_remembered_token_still_expires() -> None:
    now = [float(NOW)]
    checker = Verifier(PUBLIC_KEYS, service="points", now=lambda: now[0])
    token = forge(exp=NOW + 30)
    checker.verify(token)
    now[0] += 29
    checker.verify(token)
    now[0] += 10
    with pytest.raises(Unauthorized) as refused:
        checker.verify(token)
    assert refused.value.type == "token-expired"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.auth.tokens._CACHE_SIZE", 3)
    checker = verifier()
    for _ in range(10):
        checker.verify(forge())
    assert len(checker._seen) == 3


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=-1), timedelta(hours=2)])
def test_no_token_lives_long(ttl: timedelta) -> None:
    with pytest.raises(PermanentError, match="lives longer"):
        mint(PEOPLE, volunteer(), ttl=ttl)


@pytest.mark.parametrize("key", ["", "???", "YWJj"])
def test_an_unusable_key_is_named_at_once(key: str) -> None:
    with pytest.raises(PermanentError, match="key"):
        mint(Settings(service="recruitment", auth_signing_key=SecretStr(key)), volunteer())
    with pytest.raises(PermanentError, match="public key of recruitment"):
        Verifier({"recruitment": key}, service="points")


def test_a_caller_is_bounded_to_their_sites() -> None:
    mine, other = uuid4(), uuid4()
    station = Caller(subject=uuid4(), roles=frozenset({Role.STATION}), site_ids=frozenset({mine}))
    station.require_site(mine)
    with pytest.raises(Forbidden):
        station.require_site(other)
    Caller(subject=uuid4(), roles=frozenset({Role.OPERATOR}), site_ids=None).require_site(other)
    with pytest.raises(Forbidden):
        station.require_volunteer()
    assert isinstance(volunteer().require_volunteer(), UUID)


def test_a_mark_must_name_somebody() -> None:
    with pytest.raises(ValueError, match="public"):
        allow()


PROPOSED = datetime(2026, 3, 4, tzinfo=UTC)


def colleague(**changes: Any) -> Caller:
    since = PROPOSED - timedelta(days=30)
    said = {"subject": uuid4(), "since": since, **changes}
    return Caller(roles=frozenset({Role.OPERATOR}), site_ids=None, **said)


def test_a_token_carries_the_session_and_where_the_account_comes_from() -> None:
    caller = colleague(session_id=uuid4(), made_by=uuid4(), activated_by=uuid4(), reset_by=uuid4())
    assert verified(mint(PEOPLE, caller)) == caller


def proposed_by(caller: Caller) -> Proposal:
    return Proposal(caller.subject, PROPOSED, caller.makers)


def _may_second(caller: Caller, proposal: Proposal, *, activation_ties: bool = True) -> bool:
    try:
        caller.require_second_person(proposal, activation_ties=activation_ties)
    except Forbidden:
        return False
    return True


def test_of_two_accounts_of_which_one_made_activated_or_reset_the_other_neither_decides_on_the_others() -> None:
    one = colleague()
    assert _may_second(colleague(), proposed_by(one))
    assert not _may_second(one, proposed_by(one))
    for tie in ("made_by", "activated_by", "reset_by"):
        other = colleague(**{tie: one.subject})
        for decider, proposer in ((other, one), (one, other)):
            assert not _may_second(decider, proposed_by(proposer)), tie
            with pytest.raises(Forbidden, match="third member of staff"):
                decider.require_second_person(proposed_by(proposer))
    stranger = colleague(made_by=uuid4(), activated_by=uuid4(), reset_by=uuid4())
    assert _may_second(stranger, proposed_by(one))
    assert _may_second(one, proposed_by(stranger))


def test_an_activation_ties_accounts_unless_it_is_said_not_to() -> None:
    one = colleague()
    activated = colleague(activated_by=one.subject)
    assert not _may_second(activated, Proposal(one.subject, PROPOSED))
    assert _may_second(activated, Proposal(one.subject, PROPOSED), activation_ties=False)
    assert not _may_second(colleague(made_by=one.subject), Proposal(one.subject, PROPOSED), activation_ties=False)


ACCOUNTS = st.sampled_from([UUID(int=number) for number in range(1, 5)])


@given(
    ACCOUNTS, ACCOUNTS, st.tuples(*[st.none() | ACCOUNTS] * 3), st.tuples(*[st.none() | ACCOUNTS] * 3), st.booleans()
)
def test_ties_hold_both_ways(
    one: UUID,
    other: UUID,
    made: tuple[UUID | None, ...],
    others: tuple[UUID | None, ...],
    ties: bool,
) -> None:
    ways = ("made_by", "activated_by", "reset_by")
    first = colleague(subject=one, **dict(zip(ways, made, strict=True)))
    second = colleague(subject=other, **dict(zip(ways, others, strict=True)))
    apart = one != other and one not in others and other not in made
    assert _may_second(first, proposed_by(second)) == _may_second(second, proposed_by(first)) == apart
    if _may_second(first, proposed_by(second)):
        assert _may_second(first, proposed_by(second), activation_ties=ties)


def test_a_second_person_has_an_account_that_is_seven_days_older_than_the_proposal() -> None:
    proposal, week = Proposal(uuid4(), PROPOSED), timedelta(days=7)
    assert _may_second(colleague(since=PROPOSED - week), proposal)
    assert not _may_second(colleague(since=PROPOSED - week + timedelta(seconds=1)), proposal)
    assert _may_second(colleague(since=None), proposal), "accounts of the installation have no age"
    with pytest.raises(Forbidden, match="younger than 7 days") as refused:
        colleague(since=PROPOSED).require_second_person(proposal)
    assert refused.value.type == "second-person-needed"


def test_a_service_accepts_the_tokens_that_name_it_only() -> None:
    service = Caller(subject=uuid4(), roles=frozenset({Role.SERVICE}), site_ids=None)
    token = mint(NOTIFY, service, services=("recruitment",))
    assert verified(token, "recruitment") == service
    for other in ("points", "notify", "web"):
        with pytest.raises(Unauthorized):
            verified(token, other)
    person = mint(PEOPLE, volunteer())
    for named in ("recruitment", "points", "notify", "operations"):
        assert verified(person, named).roles == {Role.VOLUNTEER}
    with pytest.raises(Unauthorized):
        verified(person, "web")


def test_tokens_of_two_keys_are_good_while_both_are_known() -> None:
    new_seed, new_public = generate_pair()
    rotated = Settings(service="recruitment", auth_signing_key=SecretStr(f"2:{new_seed},1:{PEOPLE_KEY}"))
    old, new = mint(PEOPLE, volunteer()), mint(rotated, volunteer())
    both = Verifier({**PUBLIC_KEYS, "recruitment": f"2:{new_public},1:{PEOPLE_PUBLIC}"}, service="points")
    assert both.verify(old).roles == both.verify(new).roles == {Role.VOLUNTEER}
    with pytest.raises(Unauthorized):
        verified(new)
    after = Verifier({**PUBLIC_KEYS, "recruitment": f"2:{new_public}"}, service="points")
    assert after.verify(new).roles == {Role.VOLUNTEER}
    with pytest.raises(Unauthorized):
        after.verify(old)
