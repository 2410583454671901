"""Random acts on one order through the API: each is done, or refused without a trace and with the possible ones."""

from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

import pytest

from services.recruitment.orders.terms.domain import ACTS, OrderState
from tests.integration.recruitment.ordering import Ordering, ordering_of, run_timers, serve
from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import HOUR, NOW, Work
from tests.support.depth import DEEP, examples

REFUSALS = {
    "order-state", "order-act-of-others", "not-your-team", "role-not-allowed", "reason-unknown", "need-not-served",
    "order-declined-before", "order-of-another-team", "order-not-begun", "order-plan-past", "order-served-mismatch",
    "rating-channel-wrong", "order-places-few", "shift-over", "team-without-leader", "another-overlap",
}  # fmt: skip
"""What an act may be refused with; anything else is a surprise."""
OWN = {"accept": "leader", "decline": "leader", "schedule": "leader", "answer": "resident", "reopen": "resident"}
"""The caller whose act it is, staff's where none is named."""
REASONS = ("address", "unsafe", "no-people", "no-team", "helped-otherwise", "other", None)


@dataclass
class Play:
    """One order, and the tokens of all callers that act on it."""

    orders: Ordering
    order: Answer
    tokens: dict[str, str]
    rng: Random
    hours: float = 0
    done: list[str] = field(default_factory=list)

    @property
    def work(self) -> Work:
        return self.orders.work

    def draw(self) -> tuple[str, str, Answer]:
        """(act, path, body) of some act."""
        rng, team = self.rng, self.rng.choice((self.work.team, self.work.team, self.work.other_team))
        now = NOW + self.hours * HOUR
        start = now + rng.choice((-1, 5, 30)) * HOUR
        plan = {"starts_at": start.isoformat(), "ends_at": (start + HOUR).isoformat(), "places": rng.randint(1, 2)}
        stars = {
            "stars": rng.choice((1, 2, 5)),
            "channel": rng.choice(("page", "phone")),
            "complaint": rng.random() < 0.2,
        }
        outcome = rng.choice(("served", "served", "nobody_came", "absent"))
        close = {"outcome": outcome, "residents_served": int(outcome == "served")}
        reviews = [
            (each, "review", {"decision": each, "reason_code": rng.choice(REASONS)}) for each in ("ask", "refuse")
        ]
        plain = [(each, "review", {"decision": each}) for each in ("take", "offer")]
        acts: tuple[tuple[str, str, Answer], ...] = (
            *plain, *plain, *reviews, ("answer", "answer", {"words": "二单元"}),
            ("accept", "accept", {"team_id": team}), ("accept", "accept", {"team_id": self.work.team}),
            ("decline", "decline", {"team_id": team, "reason_code": rng.choice(REASONS[:-1])}),
            ("dispatch", "dispatch", {"team_id": team}), ("schedule", "schedule", plan),
            ("schedule", "schedule", plan), ("complete", "complete", close), ("rate", "rating", stars),
            ("reopen", "reopen", {"same_team": rng.random() < 0.5}),
            ("cancel", "cancel", {"reason_code": rng.choice(REASONS[:-1])}),
        )  # fmt: skip
        return rng.choice(acts)

    async def turn(self) -> None:
        """One caller tries one act; or time passes and the timers act."""
        if self.rng.random() < 0.15:
            self.hours += self.rng.choice((2, 30, 100))
            await self.work.clock.set(NOW + self.hours * HOUR)
            await run_timers(self.work)
            return
        before = await self.found(self.work.operator)
        name, (act, path, body) = self.rng.choice(sorted(self.tokens)), self.draw()
        for _ in range(20 if self.rng.random() < 0.6 else 0):  # more often than not, what leads on
            if act in ACTS[OrderState(before["state"])] and act != "cancel":
                name = OWN.get(act, "staff")
                break
            act, path, body = self.draw()
        token = self.tokens[name]
        seen = await self.orders.read(self.order, token)
        key, address = str(uuid4()), f"/orders/{self.order['order_id']}/{path}"
        answer = await self.work.post(address, body, token, key=key)
        after = await self.found(self.work.operator)
        said = (name, act, body, before["state"], answer.text)
        if answer.status_code == 200:
            assert act in seen.json()["allowed"], said
            assert after["version"] == before["version"] + 1, said
            assert [each["act"] for each in after["history"]] == [*(each["act"] for each in before["history"]), act], (
                said
            )
            again = await self.work.post(address, body, token, key=key)
            assert (again.status_code, again.json()) == (200, answer.json()), said
            self.done.append(act)
            return
        refusal = answer.json()
        assert (after["version"], after["history"]) == (before["version"], before["history"]), said
        if answer.status_code == 404:
            assert (refusal["type"], seen.status_code) == ("order-unknown", 404), said
            return
        assert answer.status_code in (403, 409, 422), said
        assert seen.status_code == 200 or refusal["type"] == "role-not-allowed", said
        assert refusal["type"] in REFUSALS, said
        if refusal["type"] == "order-state":
            assert act not in refusal["allowed"], said
            assert refusal["state"] == before["state"], said
            assert set(refusal["allowed"]) <= set(seen.json()["allowed"]), said
            assert set(refusal["allowed"]) <= set(ACTS[OrderState(before["state"])]), said

    async def found(self, token: str) -> Answer:
        answer = await self.orders.read(self.order, token)
        assert answer.status_code == 200, answer.text
        found: Answer = answer.json()
        return found


async def _stranger(work: Work) -> str:
    """The token of a resident who has nothing to do with the order."""
    phone = work.district.phone()
    body = {"name": "赵大爷", "phone": phone, "code": await work.district.code(phone), "consent": True}
    made = await work.district.made("/residents", body)
    return str(made["session"]["access_token"])


@pytest.mark.grows
@pytest.mark.parametrize("seed", range(8 if DEEP else 1))
async def test_whatever_everybody_tries_an_order_stays_in_order(work: Work, seed: int) -> None:
    orders = await ordering_of(work)
    await serve(work, work.other_team, orders.tag_id)
    tokens = {
        "resident": orders.resident, "staff": work.station, "leader": orders.leader, "centre": work.operator,
        "stranger": await _stranger(work), "other staff": work.other_station,
        "volunteer": (await work.volunteer()).token,
    }  # fmt: skip
    rng, done = Random(seed), set[str]()
    for _ in range(examples(12, 4)):
        await work.clock.set(NOW)
        play = Play(orders, await orders.placed(), tokens, rng)
        for _turn in range(examples(80, 45)):
            await play.turn()
        done.update(play.done)
        for name in ("stranger", "other staff", "volunteer"):
            other = await orders.read(play.order, tokens[name])
            assert (other.status_code, other.json()["type"]) == (404, "order-unknown"), name
    assert {"take", "offer", "accept", "schedule"} <= done
