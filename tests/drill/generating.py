"""Acts by a seeded generator: a district's days, with everything that goes wrong in them."""

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.drill.twins import Act, Served, Twins
from tests.reference.rules import SHIPPED, Rule
from tests.support.documents import RULE_EXAMPLES

__all__ = ["Acts", "rules"]

VOLUNTEERS = 40
RULE_EVERY = 1200
WEIGHTS = {
    "serve": 40,
    "again": 6,
    "redeem": 10,
    "capture": 6,
    "release": 3,
    "refund": 3,
    "hold": 3,
    "settle": 4,
    "receive": 2,
    "count": 1,
    "propose": 3,
    "decide": 4,
    "complain": 2,
    "refer": 2,
    "suspect": 3,
    "look_into": 3,
    "wait": 6,
    "timers": 5,
    "move": 2,
}


def rules() -> list[Rule]:
    """Those of other places that the service ships as examples, paying so well that something can be redeemed."""
    found: list[Rule] = []
    for path in sorted(Path(RULE_EXAMPLES).glob("*.yaml")):
        rule = yaml.safe_load(path.read_text("utf-8"))
        rule["earning"]["points_per_hour"] *= 10
        if "balance" in rule:
            rule["balance"] = {"cap_points": 300}
        found.append(rule | {"first_service": {"points": 20}, "referral": {"points": 3}})
    return [SHIPPED | {"complaint": {"worth_percent": 50}, "referral": {"points": 5}}, *found]


class Acts:
    """What happens next, as far as chance decides it; ``first_rule`` is in force at the beginning."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.rules = rules()
        rng.shuffle(self.rules)
        self.first_rule: Rule = {**SHIPPED, "complaint": {"worth_percent": 0}, "referral": {"points": 5}}
        self.highest: list[int] = []
        self.last_owner: list[int] = []
        self.steps = 0

    def next(self, twins: Twins) -> Act:
        """The next act; depends on the twins only by the day."""
        self.steps += 1
        if self.steps % RULE_EVERY == RULE_EVERY // 2:
            rule = self.rules[self.steps // RULE_EVERY % len(self.rules)]
            return ("rule", rule, self.rng.choice([-400, -40, 0, 10]))
        what = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        made: Act = (what, *getattr(self, f"_{what}")(twins))
        return made

    def volunteer(self) -> int:
        """Some serve far more than others."""
        return int(VOLUNTEERS * self.rng.random() ** 2)

    def served(self, day: int) -> Served:
        """A revision: of a new volunteer, a correction, one that comes too late, a contradiction, a change of owner."""
        rng = self.rng
        if not self.highest or rng.random() < 0.55:
            self.highest.append(rng.choice([1, 1, 1, 2, 3]))
            self.last_owner.append(self.volunteer())
            record, revision = len(self.highest) - 1, self.highest[-1]
        else:
            record = max(0, len(self.highest) - 1 - int(rng.expovariate(1 / 40)))
            revision = rng.randint(1, self.highest[record] + 1)
            self.highest[record] = max(revision, self.highest[record])
        if rng.random() < 0.04:
            self.last_owner[record] = self.volunteer()
        back = rng.choice([0, 0, 1, 2, 5, 20, 90]) if rng.random() < 0.9 else rng.randint(0, 900)
        return Served(
            record,
            revision,
            self.last_owner[record],
            day - back,
            rng.choice([0, 480, 540, 840, 1439]),
            rng.choice([0, 10, 15, 45, 60, 90, 120, 180, 470, 500, 900]),
            rng.choices(["confirmed", "provisional", "void"], [80, 8, 12])[0],
            rng.choices(["scanned", "kiosk", "leader", "backfilled", "imported"], [60, 12, 12, 10, 6])[0],
            rng.choice([0, 1, 2, 3, 4, 5, None]),
            rng.choice(["none", "none", "leader", "site", "centre"]),
            rng.choice(["visit", "traffic"]),
            rng.choice(["夕阳别样红", "晨光问候", *(f"主题{number}" for number in range(9))]),
        )

    def _serve(self, twins: Twins) -> list[Served]:
        day = (twins.today - date(2026, 2, 27)).days
        return [self.served(day) for _ in range(self.rng.choice([1, 1, 1, 2, 4, 8]))]

    def _again(self, _: Twins) -> tuple[int, int]:
        return self.rng.randrange(10**6), self.rng.randint(1, 5)

    def _redeem(self, _: Twins) -> tuple[int, int, int]:
        return self.volunteer(), self.rng.randrange(3), self.rng.randrange(2)

    def _recent(self) -> int:
        return int(self.rng.expovariate(1 / 6))

    def _capture(self, _: Twins) -> tuple[int]:
        return (self._recent(),)

    _release = _capture

    def _refund(self, _: Twins) -> tuple[int, bool]:
        return self._recent(), self.rng.random() < 0.7

    def _hold(self, _: Twins) -> tuple[int, int, int]:
        return self.volunteer(), self.rng.choice([5, 40, 100, 120]), self.rng.choice([0, 1, 30])

    def _settle(self, _: Twins) -> tuple[str, int]:
        return self.rng.choice(["capture", "release", "refund"]), self._recent() // 3

    def _receive(self, _: Twins) -> tuple[int, int, int]:
        return self.rng.randrange(3), self.rng.randrange(2), self.rng.randint(1, 8)

    def _count(self, _: Twins) -> tuple[int, int, int]:
        return self.rng.randrange(3), self.rng.randrange(2), self.rng.randint(0, 15)

    def _propose(self, _: Twins) -> tuple[int, int, int, int | None]:
        corrects = self.rng.randrange(50) if self.rng.random() < 0.4 else None
        return self.volunteer(), self.rng.choice([1, 15, 80]), self.rng.randrange(3), corrects

    def _decide(self, _: Twins) -> tuple[int, int, str]:
        decision = self.rng.choice(["approved", "approved", "approved", "rejected", "withdrawn"])
        return self.rng.randrange(50), self.rng.randrange(3), decision

    def _complain(self, _: Twins) -> tuple[str, int]:
        if self.rng.random() < 0.3:
            return "activity", self.rng.randrange(6)
        return "record", max(0, len(self.highest) - self.rng.randint(0, 30))

    def _refer(self, _: Twins) -> tuple[int, int]:
        return self.volunteer(), self.rng.randrange(60)

    def _suspect(self, _: Twins) -> tuple[int, int, int]:
        return self.rng.randrange(4), self._recent(), self.rng.choice([1, 2, 2, 5])

    def _look_into(self, _: Twins) -> tuple[int, int]:
        return self.rng.randint(0, 12), int(self.rng.random() < 0.4)

    def _wait(self, _: Twins) -> tuple[int, int]:
        return self.rng.choice([0, 0, 1, 1, 2, 5, 20]), self.rng.randint(0, 1000)

    def _move(self, _: Twins) -> tuple[int]:
        return (self.rng.randint(1, 6),)

    def _timers(self, _: Twins) -> tuple[Any, ...]:
        return ()
