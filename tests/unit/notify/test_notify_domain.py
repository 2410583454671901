"""Which events become messages, when the night is over, and what may be tried again."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.deliveries.domain import (
    RETRY_PERIOD,
    AttemptOutcome,
    AttemptResult,
    DeliveryStatus,
    back_off,
    next_attempt,
    settle,
)
from services.notify.inbox.domain import Notice, select, star_level
from services.notify.preferences.domain import Preferences, quiet_until
from services.notify.templates.domain import Template, in_force, moment, one_line
from services.notify.templates.handlers import Catalogue
from shared.errors import PermanentError
from shared.ids import new_id

ZHANG = UUID(int=1)


def notice(template: str | None = "signup_placed", version: int = 1, **more: object) -> Notice:
    values: dict[str, object] = {
        "event_id": new_id(),
        "recipient_id": ZHANG,
        "aggregate_id": "a",
        "correlation_id": "c",
        "traceparent": None,
    }
    return Notice(**{**values, "template": template, "version": version, **more})  # type: ignore[arg-type]


def templates_of(notices: list[Notice], versions: dict[str, int] | None = None) -> list[str | None]:
    return [n.template for n in select(notices, versions or {}, {}).messages]


class TestSelection:
    def test_a_cancelled_signup_is_not_confirmed_afterwards(self) -> None:
        cancelled, placed = notice("signup_cancelled", 2), notice("signup_placed", 1)
        assert templates_of([cancelled, placed]) == ["signup_cancelled"]
        assert templates_of([placed], {"a": 2}) == []
        assert templates_of([placed, cancelled]) == ["signup_placed", "signup_cancelled"]

    def test_points_that_arrive_late_are_told_without_the_balance_that_was_true_then(self) -> None:
        late = notice(
            "points_awarded", 3, outdates=False, stateful=("available",), params={"amount": 10, "available": 40}
        )
        chosen = select([late], {"a": 5}, {})
        assert chosen.messages[0].params == {"amount": 10, "available": None}
        assert chosen.versions == {"a": 5}

    def test_events_without_a_message_still_move_the_version(self) -> None:
        assert select([notice(None, 7)], {}, {}).versions == {"a": 7}
        assert templates_of([notice(None, 7), notice("signup_placed", 6)]) == []

    def test_an_import_that_reaches_three_stars_is_one_message(self) -> None:
        stars = [notice("star_reached", 1, aggregate_id=str(n), awarded_star=n) for n in (1, 2, 3)]
        chosen = select(stars, {}, {})
        assert [n.awarded_star for n in chosen.messages] == [3]
        assert chosen.stars == {ZHANG: 3}

    def test_a_lower_star_is_not_told_after_a_higher_one(self) -> None:
        one = notice("star_reached", 1, aggregate_id="1", awarded_star=1)
        assert select([one], {}, {ZHANG: 3}).messages == ()

    def test_a_star_that_was_revoked_is_news_when_it_comes_back(self) -> None:
        revoked = notice("badge_revoked", 2, aggregate_id="2", revoked_star=2)
        after = select([revoked], {}, {ZHANG: 2})
        assert after.stars == {ZHANG: 1}
        again = notice("star_reached", 3, aggregate_id="2", awarded_star=2)
        assert select([again], after.versions, after.stars).messages == (again,)

    @given(st.permutations([1, 2, 3, 4]))
    def test_in_any_order_the_newest_state_is_told(self, order: list[int]) -> None:
        notices = [notice("signup_placed", version) for version in order]
        told = [n.version for n in select(notices, {}, {}).messages]
        assert told[-1] == 4
        assert told == sorted(told)

    @pytest.mark.parametrize(
        ("badge", "level"), [("star-1", 1), ("star_5", 5), ("first-service", None), ("stars", None)]
    )
    def test_stars_are_known_by_their_code(self, badge: str, level: int | None) -> None:
        assert star_level(badge) == level


class TestQuietHours:
    NIGHT = Preferences(email=True, quiet_from=time(22), quiet_to=time(7))

    @pytest.mark.parametrize(
        ("utc", "until"),
        [
            ("2026-03-04T13:59:00Z", None),  # 21:59
            ("2026-03-04T14:00:00Z", "2026-03-04T23:00:00Z"),  # 22:00 → 07:00 of the next day
            ("2026-03-04T22:59:59Z", "2026-03-04T23:00:00Z"),  # 06:59:59
            ("2026-03-04T23:00:00Z", None),  # 07:00
        ],
    )
    def test_across_midnight(self, utc: str, until: str | None) -> None:
        expected = datetime.fromisoformat(until) if until else None
        assert quiet_until(self.NIGHT, datetime.fromisoformat(utc)) == expected

    def test_within_a_day_and_none_at_all(self) -> None:
        noon = Preferences(email=True, quiet_from=time(12), quiet_to=time(14))
        assert quiet_until(noon, datetime(2026, 3, 4, 5, 0, tzinfo=UTC)) == datetime(2026, 3, 4, 6, 0, tzinfo=UTC)
        assert quiet_until(Preferences(True, None, None), datetime(2026, 3, 4, 18, tzinfo=UTC)) is None
        assert quiet_until(Preferences(True, time(8), time(8)), datetime(2026, 3, 4, 0, tzinfo=UTC)) is None

    @given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))
    def test_the_end_is_outside_and_less_than_a_day_away(self, now: datetime) -> None:
        until = quiet_until(self.NIGHT, now)
        if until is not None:
            assert timedelta(0) < until - now <= timedelta(hours=9)
            assert quiet_until(self.NIGHT, until) is None


FIRST = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
DEFERRED = AttemptResult(AttemptOutcome.DEFERRED)


class TestAttempts:
    def test_only_what_was_surely_not_sent_is_tried_again(self) -> None:
        again = {
            outcome
            for outcome in AttemptOutcome
            if settle(AttemptResult(outcome), FIRST, FIRST) is DeliveryStatus.PENDING
        }
        assert again == {AttemptOutcome.DEFERRED}

    def test_a_server_that_never_answers_is_not_called_a_refusal(self) -> None:
        assert settle(DEFERRED, FIRST, FIRST + RETRY_PERIOD - timedelta(seconds=1)) is DeliveryStatus.PENDING
        assert settle(DEFERRED, FIRST, FIRST + RETRY_PERIOD) is DeliveryStatus.UNDELIVERED
        assert settle(AttemptResult(AttemptOutcome.REFUSED), FIRST, FIRST + RETRY_PERIOD) is DeliveryStatus.REFUSED

    def test_pauses_grow_from_a_minute_to_hours(self) -> None:
        pauses = [back_off(n) for n in range(1, 40)]
        assert pauses[0] == timedelta(minutes=1)
        assert pauses == sorted(pauses)
        assert pauses[-1] == timedelta(hours=4)

    def test_attempts_reach_over_two_days_and_end(self) -> None:
        now, attempt, moments = FIRST, 1, [FIRST]
        while settle(DEFERRED, FIRST, now) is DeliveryStatus.PENDING:
            now = next_attempt(attempt, FIRST, now)
            attempt += 1
            moments.append(now)
        assert moments[-1] == FIRST + RETRY_PERIOD == FIRST + timedelta(hours=48)
        assert 15 < len(moments) < 30

    @given(st.integers(1, 10_000), st.timedeltas(timedelta(0), timedelta(days=400)))
    def test_the_next_attempt_is_never_in_the_past(self, attempt: int, late: timedelta) -> None:
        now = FIRST + late
        assert now <= next_attempt(attempt, FIRST, now) <= max(now, FIRST + RETRY_PERIOD)


class TestTemplates:
    def test_the_highest_version_is_in_force(self) -> None:
        old, new = Template("t", 1, "旧", "旧"), Template("t", 2, "新", "新")
        assert in_force([new, old]) == {"t": new}

    def test_a_hole_in_a_sentence_is_an_error(self) -> None:
        catalogue = Catalogue.of([Template("t", 1, "您好", "{{ missing }} 分")])
        with pytest.raises(PermanentError, match="missing"):
            catalogue.render("t", {})
        with pytest.raises(PermanentError, match="no message template"):
            catalogue.render("other", {})

    def test_the_sandbox_holds(self) -> None:
        catalogue = Catalogue.of([Template("t", 1, "您好", "{{ ''.__class__.__mro__[1].__subclasses__() }}")])
        with pytest.raises(PermanentError):
            catalogue.render("t", {})

    def test_a_title_cannot_smuggle_a_mail_header(self) -> None:
        catalogue = Catalogue.of([Template("t", 1, "报名成功：{{ activity }}", "")])
        text = catalogue.render("t", {"activity": "打扫\r\nBcc: all@example.org\0"})
        assert text.title == "报名成功：打扫 Bcc: all@example.org"

    def test_rare_characters_reach_title_and_letter(self) -> None:
        catalogue = Catalogue.of([Template("t", 1, "{{ name }}，您好", "{{ name }}")])
        for name in ("王\U00031350", "王\U0002ebf0", "张\ue863"):
            text = catalogue.render("t", {"name": name})
            assert (text.title, text.body) == (f"{name}，您好", name)

    def test_moments_are_in_the_districts_zone(self) -> None:
        assert moment(datetime(2026, 3, 4, 16, 5, tzinfo=UTC)) == "3月5日 00:05"
        assert one_line(" a\n\tb ") == "a b"
