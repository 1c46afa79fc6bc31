"""Which rules a question has met: the fuzz asserts that none is missed."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.spec.fixed_math import ceil_div
from seawall.spec.margin import COLLATERAL_IDS, Leg, MarginModel, Price
from seawall.spec.risk import (
    DEPTH_UNIT,
    RAMP,
    Risk,
    interest_factor,
    size_factor,
)
from seawall.spec.scenarios import PortfolioLeg, expected_shortfall
from seawall.spec.words import (
    MAX_HALF_WIDTH,
    MAX_UINT256,
    OPTING_IN,
    PORTFOLIO,
    PPM,
    RATIO,
    TAKEOVER,
    WAD,
)
from tests.margin.twin import Question, assessed

#: Every rule, and how many of a hundred thousand answers are to meet it at least.
LEAST = {
    "standard": 20_000,
    "portfolio": 20_000,
    "takeover": 20_000,
    "no matrix": 1_000,
    "unlisted": 1_000,
    "market ramp, higher": 2_000,
    "market ramp, lower": 2_000,
    "market at rest": 20_000,
    "factor on its way": 2_000,
    "initial below maintenance": 500,
    "initial: size": 5_000,
    "initial: volatility": 5_000,
    "initial: interest": 5_000,
    "interest: below capacity": 5_000,
    "interest: across capacity": 2_000,
    "interest: beyond capacity": 2_000,
    "maintenance: size": 5_000,
    "maintenance: volatility": 2_000,
    "maintenance: whole notional": 1_000,
    "not usable": 5_000,
    "average far off": 5_000,
    "favourable end capped": 2_000,
    "not covered": 2_000,
    "net binds": 5_000,
    "shortfall binds": 2_000,
    "floor binds": 2_000,
    "blend": 1_000,
    "blend: earlier asks for more": 300,
    "poor": 1_000,
    "poor, opting in": 300,
    "token at weight 0": 100,
    "token ramp": 5_000,
    "token below depth": 2_000,
    "token beyond depth": 2_000,
    "token beyond its most": 2_000,
    "token silent": 1_000,
    "balance bound": 2_000,
    "notional floor": 100,
    "sixteen legs": 1_000,
    "no legs": 3_000,
}


def classes(spec: MarginModel, question: Question) -> set[str]:
    """The rules of :data:`LEAST` that a question meets."""
    found = {"portfolio" if question.mode & PORTFOLIO else "standard"}
    if question.mode & TAKEOVER:
        found.add("takeover")
    markets = [leg for leg in question.legs if leg[0] < COLLATERAL_IDS]
    if not markets:
        found.add("no legs")
    if len(markets) == 16:
        found.add("sixteen legs")
    for leg, price in zip(question.legs, question.prices, strict=True):
        rules = _token if leg[0] >= COLLATERAL_IDS else _market
        found.update(rules(spec, leg, price, question))
    if question.mode & PORTFOLIO:
        found.update(_portfolio(spec, question))
    found.update(_account(spec, question))
    return found


def _account(spec: MarginModel, question: Question) -> Iterator[str]:
    answer = assessed(spec, question)
    if answer is None:
        return
    if answer.adverse == answer.settled and answer.adverse < 0:
        yield "balance bound"
    if answer.initial != MAX_UINT256 and answer.settled < answer.adverse:
        gross = sum(
            abs(leg[2]) * price.price
            for leg, price in zip(question.legs, question.prices, strict=True)
            if leg[0] < COLLATERAL_IDS
        )
        if gross * spec.notional_floor // (WAD * PPM) > answer.initial:
            yield "notional floor"


def _market(spec: MarginModel, leg: Leg, price: Price, question: Question) -> Iterator[str]:
    market_id, open_interest, size = leg
    risk, now = spec.risks[market_id], question.time
    base, depth = risk.base(now)
    if price.half_width * 20 > base or price.price == 0:
        yield "not usable"
        if base and price.half_width:
            yield "favourable end capped"
    if abs(price.ema_ratio - RATIO) > RATIO // 100:
        yield "average far off"
    if risk.initial == 0:
        yield "unlisted"
        return
    yield from _movements(risk, now)
    flat, notional = risk.volatility_factor(now), abs(size) * price.price
    if base > risk.initial:
        yield "initial below maintenance"
    sized = size_factor(notional, depth)
    if sized > flat:
        yield "maintenance: size"
    elif flat > PPM:
        yield "maintenance: volatility"
    if base < PPM and ceil_div(base * max(flat, sized), PPM) >= PPM:
        yield "maintenance: whole notional"
    yield from _initial(risk, notional, 0 if question.mode & TAKEOVER else open_interest, price)


def _initial(risk: Risk, notional: int, open_interest: int, price: Price) -> Iterator[str]:
    interest = open_interest * price.price
    capacity = risk.capacity * DEPTH_UNIT * WAD
    if interest <= capacity:
        yield "interest: below capacity"
    elif interest - notional < capacity:
        yield "interest: across capacity"
    else:
        yield "interest: beyond capacity"
    factors = {
        "size": size_factor(notional, risk.depth),
        "volatility": risk.calm_factor(price.volatility),
        "interest": interest_factor(notional, interest, risk.capacity),
    }
    binding = max(factors, key=lambda name: factors[name])
    if factors[binding] > PPM:
        yield f"initial: {binding}"


def _movements(risk: Risk, now: int) -> Iterator[str]:
    if risk.ramp_start == 0:
        yield "market at rest"
    elif 0 < now - risk.ramp_start < RAMP:
        higher = risk.maintenance > risk.earlier_maintenance
        yield "market ramp, higher" if higher else "market ramp, lower"
    if risk.volatility_factor(now) not in (risk.factor_from * 1_000, risk.factor_to * 1_000):
        yield "factor on its way"


def _token(spec: MarginModel, leg: Leg, price: Price, question: Question) -> Iterator[str]:
    token = spec.weights[leg[0] - COLLATERAL_IDS + 1]
    if token.depth_to == 0:
        yield "token at weight 0"
        return
    if 0 < question.time - token.ramp_start < RAMP:
        yield "token ramp"
    if price.half_width == MAX_HALF_WIDTH:
        yield "token silent"
    _, weight, depth = token.at(question.time)
    gross, deep = leg[2] * price.price // WAD, depth * DEPTH_UNIT
    if gross <= deep:
        yield "token below depth"
    elif gross <= deep * 4 * PPM**2 // (9 * (PPM - weight) ** 2):
        yield "token beyond depth"
    else:
        yield "token beyond its most"


def _portfolio(spec: MarginModel, question: Question) -> Iterator[str]:
    matrix = spec.scenarios.matrix
    if matrix.version == 0:
        yield "no matrix"
        return
    answer = assessed(spec, question)
    if answer and answer.equity < matrix.minimum_equity * WAD:
        yield "poor, opting in" if question.mode & OPTING_IN else "poor"
    # The model's own view of the legs: what a portfolio is made of is no part of its answers.
    markets, _ = spec._look(question.legs, question.prices, question.time, question.mode)
    legs = [leg.in_portfolio for leg in markets]
    shocks = spec.scenarios.shocks
    covered = [leg for leg in legs if shocks[matrix.version, leg.market_id]]
    if len(covered) < len(legs):
        yield "not covered"
    if covered:
        yield _binding(spec, covered)
    passed = question.time - matrix.ramp_start
    if covered and 0 < passed < RAMP:
        now = spec.scenarios.maintenance(legs, question.time)
        yield (
            "blend"
            if now < spec.scenarios.maintenance(legs, matrix.ramp_start + RAMP)
            else "blend: earlier asks for more"
        )


def _binding(spec: MarginModel, covered: list[PortfolioLeg]) -> str:
    matrix, shocks = spec.scenarios.matrix, spec.scenarios.shocks
    book = [(leg.needed, shocks[matrix.version, leg.market_id]) for leg in covered]
    gross = sum(abs(leg.needed) for leg in covered)
    parts = {
        "floor binds": gross * matrix.terms.floor // PPM,
        "shortfall binds": expected_shortfall(book, matrix.terms.tail) * matrix.terms.factor // PPM,
        "net binds": abs(sum(leg.needed for leg in covered)),
    }
    return max(parts, key=lambda name: parts[name])
