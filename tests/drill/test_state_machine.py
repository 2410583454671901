"""Thousands of steps of all that may happen, by a seed: after each the service stands where the reference says."""

import time
from collections import deque

from tests.drill.conftest import Drill
from tests.drill.generating import Acts
from tests.drill.stage import Stage
from tests.drill.twins import Act, Twins

COMPARED_EVERY, AUDITED_EVERY, TOLD = 25, 250, 12
REFUSALS = (
    "insufficient-points",
    "reward-sold-out",
    "redemption-not-open",
    "second-person-needed",
    "case-settled",
)
AT_MOST = 4
"""A history runs on until it met each refusal, up to so many times its length."""


def _unmet(twins: Twins) -> list[str]:
    """The refusals that a history has yet to meet; a short one meets the rarer ones by chance only."""
    unmet = [refusal for refusal in REFUSALS if not twins.met.get(refusal)]
    return unmet if twins.conflicting else [*unmet, "conflict"]


async def test_a_long_history_stands_where_the_reference_says(stage: Stage, drill: Drill) -> None:
    steps = drill.size(full=10_000, part=400)
    acts = Acts(drill.random("machine"))
    await stage.begin([acts.first_rule])
    twins = Twins(stage, [acts.first_rule], number=1)
    await twins.do_wait(0)
    last: deque[tuple[int, Act]] = deque(maxlen=TOLD)
    began, audits = time.monotonic(), 0
    step, most = 0, AT_MOST * steps
    while step < steps or (_unmet(twins) and step < most):
        step += 1
        last.append((step, acts.next(twins)))
        try:
            await twins.act(last[-1][1])
            if step % COMPARED_EVERY == 0 or step >= steps:
                await twins.compare()
            if step % AUDITED_EVERY == 0 or step == steps:
                await stage.audit()
                audits += 1
        except BaseException as error:
            told = "\n".join(f"  {number}: {act}" for number, act in last)
            raise AssertionError(
                f"seed {drill.seed}, step {step} of {steps}: {error}\nthe last steps:\n{told}"
            ) from error
    assert not _unmet(twins), f"the history never met {_unmet(twins)} in {step} steps"
    sums = [account.balances() for account in twins.model.accounts.values()]
    figures = {name: sum(one[name] for one in sums) for name in ("earned", "spent", "expired", "donated", "debt")}
    drill.done(
        f"state machine, {step:,} steps",
        steps_per_s=round(step / (time.monotonic() - began)),
        audits=audits,
        revisions=len(twins.first_content),
        conflicts=len(twins.conflicting),
        rules=len(twins.model.rules or []),
        days=(twins.today - min(one.day for one in twins.first_content.values())).days,
        **figures,
    )
