"""What a step takes of equity in portfolio mode, on random portfolios: no more than standard mode.

Said of the specification. With pi the penalty at this h = E / M, b the target buffer, m the mean
maintenance rate of all legs in standard mode and q = pi / m, a slice of a leg of rate m takes

    q / h * min(1, (1 + b - h) / (1 + b - q))        of equity, q / h where q >= 1 + b,

and a whole close q / h. In portfolio mode a penalty of at most pi M / M_standard is paid on a
fraction phi of at most ((1 + b) M - E) / ((1 + b) M - q M) of the legs, which is the same bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import NamedTuple

import pytest

from seawall.spec.fixed_math import ceil_div
from seawall.spec.margin import COLLATERAL_IDS, Leg, Plan, PlannedLeg, Price
from seawall.spec.risk import RAMP
from seawall.spec.step_plan import (
    PARTIAL,
    ROUNDING_WEI,
    WHOLE,
    EngineParameters,
    Step,
    after_slice,
    penalty,
    plan_partial,
    plan_slice_of_all,
    plan_whole,
)
from seawall.spec.words import LOT, MAX_UINT256, PORTFOLIO, PPM, WAD
from tests.margin.draws import MARKETS, portfolio, world
from tests.margin.twin import Alone, Question, planned

RULES = EngineParameters()
GOAL = Fraction(PPM + RULES.target_buffer, PPM)
WORLDS, PORTFOLIOS = 16, 60
#: What a lot may add to a margin: below a matrix's factor, a shock and a volatility's factor.
MAX_WEIGHT = 17 * 4 * 16


class Case(NamedTuple):
    """A portfolio whose equity was moved to a part of its maintenance margin."""

    model: Alone
    question: Question
    plan: Plan

    def required(self, legs: list[Leg]) -> int:
        """What other legs at these prices need in portfolio mode."""
        _, _, _, prices, time, _ = self.question
        return self.model.spec.plan(0, legs, prices, time, PORTFOLIO).maintenance

    def step(self) -> Step:
        """What the engine plans."""
        _, _, legs, prices, _, _ = self.question
        if self.plan.equity * PPM < self.plan.maintenance * RULES.close_out:
            return plan_whole(RULES, self.plan, legs, prices, self.required, PORTFOLIO)
        return plan_slice_of_all(RULES, self.plan, legs, prices, self.required, MAX_UINT256)

    def left(self, step: Step) -> int:
        """Maintenance margin after a step."""
        fraction = step.size if step.size else WAD
        return self.required(after_slice(self.plan, self.question.legs, fraction))


def usual_share(h: Fraction, rate: Fraction, whole: bool) -> Fraction:
    """What standard mode takes of equity: `rate` is the penalty over the maintenance rate."""
    part = Fraction(1)
    if not whole and rate < GOAL:
        part = min(part, (GOAL - h) / (GOAL - rate))
    return rate / h * part


def hedge(rng: Random, model: Alone) -> Question:
    """Longs and shorts of about the same worth, at prices that everybody can use."""
    worth = 10 ** rng.uniform(2, 7)
    legs: list[Leg] = []
    prices: list[Price] = []
    for place, market_id in enumerate(rng.sample(MARKETS[:-1], rng.choice((2, 2, 3, 4, 6)))):
        price = int(10 ** rng.uniform(18, 23))
        size = int(worth * rng.uniform(0.9, 1.1) * WAD) * WAD // price // LOT * LOT
        legs.append((market_id, 0, size if place % 2 else -size))
        prices.append(Price(price))
    return Question(0, 0, legs, prices, model.now, PORTFOLIO)


def anything(rng: Random, model: Alone) -> Question:
    """Any portfolio; legs without a usable price, sizes off the lot and ramps among them."""
    question = portfolio(rng, model.spec, model.now)
    # No collateral: market legs come first in an account, and a slice takes nothing else.
    pairs = zip(question.legs, question.prices, strict=True)
    kept = [(leg, price) for leg, price in pairs if leg[0] < COLLATERAL_IDS]
    legs, prices = [leg for leg, _ in kept], [price for _, price in kept]
    return question._replace(legs=legs, prices=prices, mode=PORTFOLIO)


def cases(low: int, high: int) -> Iterator[Case]:
    """Portfolios in worlds with a history, at an E / M between two numbers of thousandths."""
    for seed in range(WORLDS):
        rng, model = Random(seed), Alone()
        world(rng, model)
        for _ in range(PORTFOLIOS):
            question = rng.choice((hedge, anything))(rng, model)
            plan = planned(model.spec, question)
            if plan is None:
                continue
            equity = plan.maintenance * rng.randrange(low, high) // 1_000
            question = question._replace(base=question.base + equity - plan.equity)
            moved = planned(model.spec, question)
            if moved is not None and moved.equity > 0:
                yield Case(model, question, moved)


def standard_margin(plan: Plan) -> int:
    """What the legs of a portfolio need in standard mode, rounded down."""
    return sum(leg.notional * leg.rate for leg in plan.legs) // PPM


def highest_fee(plan: Plan, whole: bool) -> Fraction:
    """The bound, in money: `whole` where all legs go."""
    pi = RULES.penalty_max
    if plan.equity * PPM >= plan.maintenance * RULES.close_out:
        pi = penalty(RULES, plan.equity, plan.maintenance)
    notional = sum(leg.notional for leg in plan.legs)
    standard = standard_margin(plan)
    if not standard:
        return Fraction(pi * notional, PPM)
    h = Fraction(plan.equity, plan.maintenance)
    share = usual_share(h, Fraction(pi * notional, PPM * standard), whole)
    # The fraction rounds up to a part in 10**18.
    return share * plan.equity + Fraction(pi * notional, PPM * WAD)


def test_slice_of_all_takes_no_more_of_equity_than_standard_mode() -> None:
    counts: Counter[str] = Counter()
    for case in cases(667, 1_000):
        step, plan = case.step(), case.plan
        whole = step.stage == WHOLE or step.size == WAD
        assert step.fee <= highest_fee(plan, whole), (case, step)
        counts["slice"] += step.stage == PARTIAL and not whole
        counts["hedged"] += step.fee != 0 and 2 * plan.maintenance < standard_margin(plan)
    assert counts["slice"] > WORLDS * PORTFOLIOS // 4
    assert counts["hedged"] > PORTFOLIOS // 4


def test_whole_close_takes_no_more_of_equity_than_standard_mode() -> None:
    hedged = 0
    for case in cases(1, 667):
        step, plan = case.step(), case.plan
        assert step.stage != PARTIAL
        assert step.fee <= highest_fee(plan, whole=True), (case, step)
        hedged += step.fee != 0 and 2 * plan.maintenance < standard_margin(plan)
    assert hedged > PORTFOLIOS // 4


def test_step_in_portfolio_mode_never_lowers_the_ratio() -> None:
    counts: Counter[int] = Counter()
    for case in cases(1, 1_000):
        step, plan = case.step(), case.plan
        if not step.stage:
            continue
        # Off the grid a leg may lose a few wei when it moves.
        moved = sum(leg.usable for leg in plan.legs) if step.stage == PARTIAL else 1
        equity = plan.equity - step.fee - (ROUNDING_WEI * moved if step.fee else 0)
        assert equity * plan.maintenance >= plan.equity * case.left(step), (case, step)
        counts[step.stage] += 1
    assert min(counts[PARTIAL], counts[WHOLE]) > PORTFOLIOS


def test_slice_of_all_ends_at_the_target_or_below() -> None:
    seen = 0
    for case in cases(667, 1_000):
        step, plan = case.step(), case.plan
        ramps = case.question.time < case.model.spec.scenarios.matrix.ramp_start + RAMP
        if not 0 < step.size < WAD or ramps or not all(leg.usable for leg in plan.legs):
            continue
        # Rates round to a part per million, and each leg to a lot of its own.
        notional = sum(leg.notional for leg in plan.legs)
        lots = sum(LOT * price.price // WAD + 1 for price in case.question.prices)
        room = 3 * ceil_div(notional, PPM) + MAX_WEIGHT * lots
        assert plan.equity - step.fee <= GOAL * (case.left(step) + room), (case, step)
        seen += 1
    assert seen > PORTFOLIOS


@pytest.mark.parametrize("rate", [5_000, 20_000, 65_000, 500_000])
@pytest.mark.parametrize("thousandths", [667, 700, 800, 900, 990, 999])
def test_usual_share_is_what_a_slice_of_one_leg_takes(rate: int, thousandths: int) -> None:
    notional = 10**6 * WAD
    maintenance = notional * rate // PPM
    equity = maintenance * thousandths // 1_000
    leg = PlannedLeg(1, True, 0, rate, rate, PPM, 2**32 - 1, notional)
    plan = Plan(equity, maintenance, equity, maintenance, (leg,))
    step = plan_partial(RULES, plan, [(1, 0, notional)], [Price(WAD)], {1: 0}, MAX_UINT256)
    pi = penalty(RULES, equity, maintenance)
    h, q = Fraction(thousandths, 1_000), Fraction(pi, rate)
    # What keeps E / M from falling is the other bound.
    part = min(Fraction(1), (GOAL - h) / (GOAL - q)) if q < GOAL else Fraction(1)
    expected = min(usual_share(h, q, False), part)
    assert abs(Fraction(step.fee, equity) - expected) < Fraction(1, 10**9)
