"""The converter's plan beside its specification where numbers are largest, and its promises there.

A portfolio is what a book answers that stands in for Clearinghouse and oracle: up to sixteen
markets and eight tokens, nothing of which any trade has to bring about.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import NamedTuple

import pytest

from seawall.spec.clearinghouse import Clearinghouse, Totals
from seawall.spec.conversion import (
    CollateralConverter,
    Conversion,
    ConversionParameters,
    cash_for,
    sale_price,
)
from seawall.spec.margin import COLLATERAL_IDS, Leg, MarginModel, Price
from seawall.spec.oracle import MIN_PRICE
from seawall.spec.risk import MarketRisk
from seawall.spec.state import Journal
from seawall.spec.words import ACCOUNT, LEG, MAX_HALF_WIDTH, PPM, PRICE, TOKEN, WAD, account_id
from tests.fuzz.backend import UINT256, Call, signed, words_of
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm

CASES = 2_000
ACCOUNT_ID = account_id(1)
MARKETS = (1, 2, 3, 40, 63, 64, 65, 90, 100, 101, 102, 103, 124, 125, 126, 127)
#: token -> decimals
DECIMALS = {1: 6, 2: 8, 3: 18, 4: 0, 5: 6, 6: 18, 7: 12, 8: 18}
#: token -> maintenance weight, parts per million
WEIGHTS = {1: 999_999, 2: 950_000, 3: 800_000, 4: 960_000, 5: 0, 6: 999_990, 7: 1, 8: 949_999}
DISCOUNTS = (ConversionParameters(), ConversionParameters(0, 100_000), ConversionParameters(7, 7))
SIZE_BITS, PRICE_BITS, BASE_BITS, TOTAL_BITS = 103, 80, 120, 118
#: Of native units, and of what a leg word carries.
UNIT_BITS, AMOUNT_BITS = 90, 142
PLAN = "plan_conversion(uint256,uint256)"
BOOK = "set_portfolio(uint256,int256,uint256,uint256,uint256[],uint256[])"


class Portfolio(NamedTuple):
    """Base and legs with their prices; market legs come first."""

    base: int
    legs: list[Leg]
    prices: list[Price]


class Described(Clearinghouse):
    """The specification's house with a portfolio that no trade has brought about."""

    described = Portfolio(0, [], [])
    settlement = Price(0)

    def portfolio(self, account: int) -> tuple[int, list[Leg]]:
        """Base and legs."""
        return self.described.base, self.described.legs

    def prices_of(self, bitmap: int) -> list[Price]:
        """As PortfolioBook answers."""
        return [self.settlement] if bitmap == 1 else self.described.prices

    def describe(self, portfolio: Portfolio, totals: Totals, settlement: Price) -> None:
        """Every account holds this."""
        self.described, self.settlement = portfolio, settlement
        self._totals[0] = totals


class Corners:
    """A converter on a chain and in Python, and portfolios to ask both of."""

    def __init__(self, dice: Random, parameters: ConversionParameters) -> None:
        self.dice = dice
        self.chain = Revm(compiled())
        owner = self.chain.actor("timelock")
        model = self.chain.deploy("model", "MarginModel", 500_000, 100_000, 0, owner)
        self.book = self.chain.deploy("book", "PortfolioBook")
        contracts = (self.book, self.book, model)
        self.converter = self.chain.deploy(
            "converter", "CollateralConverter", *contracts, *parameters
        )
        journal = Journal()
        self.model = MarginModel(journal, 500_000, 100_000)
        self.house = Described(journal, self.model, lambda bitmap: self.house.prices_of(bitmap), 0)
        self.spec = CollateralConverter(self.house, parameters)
        for market_id in MARKETS:
            risk = MarketRisk(10**6, 30_000, 100 * (market_id % 3), 10**6, 1, 10, 10**6, 0)
            t = "uint256,(" + ",".join(["uint256"] * 8) + ")"
            self.chain.send(owner, model, f"set_risk({t})", market_id, *risk)
            self.model.set_risk(market_id, risk, self.chain.time)
        for token_id, weight in WEIGHTS.items():
            signature = "set_token_risk(uint256,uint256,uint256,uint256)"
            depth = (1, 50, 10**4, 10**9)[token_id % 4]
            self.chain.send(owner, model, signature, token_id, 0, weight, depth)
            self.model.set_token_risk(token_id, 0, weight, depth, self.chain.time)
            decimals = DECIMALS[token_id]
            self.house.set_token(token_id, f"token {token_id}", decimals, 10**9)
            word = TOKEN.pack(asset=token_id, decimals=decimals, cap=10**9)
            self.chain.send(owner, self.book, "set_token(uint256,uint256)", token_id, word)
        self.chain.warp(86_400 * 11)

    def edge(self, bits: int) -> int:
        """A power of two or a neighbour of one, or any number, below 2**bits and above 0."""
        if self.dice.random() < 0.5:
            return self.dice.randrange(1, 1 << self.dice.randrange(1, bits + 1))
        near = (1 << self.dice.randrange(bits)) + self.dice.choice([-1, 0, 1])
        return max(1, min(near, (1 << bits) - 1))

    def draw_settlement(self) -> Price:
        """Price of the settlement token: mostly around par, or as low as an index can be."""
        near = WAD * self.dice.randrange(900_000, 1_100_000) // PPM
        return Price(self.dice.choice([0, 0, WAD, near, near, WAD - 1, MIN_PRICE]))

    def draw(self) -> tuple[Portfolio, Totals]:
        """A portfolio whose debt is mostly near what its collateral is worth, and totals."""
        dice = self.dice
        legs: list[Leg] = []
        for market_id in sorted(dice.sample(MARKETS, dice.choice([0, 0, 1, 2, 16]))):
            legs.append((market_id, 0, self.edge(SIZE_BITS) * dice.choice([1, -1])))
        for token_id in sorted(dice.sample(list(DECIMALS), dice.choice([1, 1, 2, 3, 8]))):
            unit = 10 ** (18 - DECIMALS[token_id])
            units = min(self.edge(UNIT_BITS), 2**AMOUNT_BITS // unit)
            legs.append((COLLATERAL_IDS + token_id - 1, 0, units * unit))
        prices = [self._price() for _ in legs]
        worth = sum(
            size * price.price // WAD
            for (leg_id, _, size), price in zip(legs, prices, strict=True)
            if leg_id >= COLLATERAL_IDS
        )
        value = self.model.plan(0, legs, prices, self.house.now).equity
        owed = dice.choice([self.edge(BASE_BITS), worth * dice.randrange(1, 3_000) // 1_000 + 1])
        base = -value - owed if dice.random() < 0.5 else self.edge(BASE_BITS) * -1
        base = max(-(2**128), min(2**128, base))
        deferred = dice.choice([0, 0, self.edge(TOTAL_BITS)])
        held = dice.choice([self.edge(TOTAL_BITS)] * 9 + [0])
        return Portfolio(base, legs, prices), Totals(held, 0, deferred)

    def _price(self) -> Price:
        half_width = self.dice.choice([0, 0, 7, MAX_HALF_WIDTH - 1, MAX_HALF_WIDTH])
        return Price(self.edge(PRICE_BITS), half_width=half_width)

    def describe(self, portfolio: Portfolio, totals: Totals, settlement: Price) -> None:
        """Tell both what they will be asked about."""
        base, legs, prices = portfolio
        self.house.describe(portfolio, totals, settlement)
        word = ACCOUNT.pack(cash=0, mode=0, collateral=0, markets=0)
        leg_words = [LEG.pack(id=leg, open_interest=oi, size=size) for leg, oi, size in legs]
        price_words = [PRICE.pack(**price._asdict()) for price in prices]
        arguments = (word, base % UINT256, totals.held, totals.deferred, leg_words, price_words)
        owner = self.chain.actor("timelock")
        self.chain.send(owner, self.book, BOOK, *arguments)
        word = PRICE.pack(**settlement._asdict())
        self.chain.send(owner, self.book, "set_settlement(uint256)", word)
        self.house.now = self.chain.time

    def plan(self, token_id: int) -> Conversion:
        """What the contract answers."""
        (answer,) = self.chain.view([Call(self.converter, PLAN, (ACCOUNT_ID, token_id))])
        assert answer is not None
        balance, discount, amount, cash = words_of(answer)
        return Conversion(signed(balance), discount, amount, cash)


@pytest.mark.parametrize("parameters", DISCOUNTS)
def test_conversion_at_corners_is_the_specification_and_keeps_its_promises(
    parameters: ConversionParameters,
) -> None:
    corners = Corners(Random(str(parameters)), parameters)
    met: Counter[str] = Counter()
    for _ in range(CASES):
        portfolio, totals = corners.draw()
        settlement = corners.draw_settlement()
        corners.describe(portfolio, totals, settlement)
        tokens = [leg_id - 127 for leg_id, _, _ in portfolio.legs if leg_id >= COLLATERAL_IDS]
        token_id = corners.dice.choice(tokens)
        plan = corners.plan(token_id)
        assert plan == corners.spec.plan_conversion(ACCOUNT_ID, token_id), (
            portfolio,
            totals,
            settlement,
        )
        if plan.amount:
            met[_promised(corners, portfolio, totals, token_id, plan)] += 1
            met["deferred"] += totals.deferred > 0
            met["below par"] += 0 < settlement.price < WAD
            met["capped"] += plan.discount == PPM - WEIGHTS[token_id]
    assert met["covered"] > CASES // 10
    assert met["sold out"] > CASES // 10
    assert met["deferred"] > CASES // 20
    assert met["below par"] > CASES // 10
    assert met["capped"] > 0 or parameters.discount_max < 10**6 - max(WEIGHTS.values())


def _promised(
    corners: Corners, portfolio: Portfolio, totals: Totals, token_id: int, plan: Conversion
) -> str:
    """Equity and maintenance before and after, and the last unit that was sold."""
    base, legs, prices = portfolio
    unit, leg_id = 10 ** (18 - DECIMALS[token_id]), COLLATERAL_IDS + token_id - 1
    index = next(i for i, leg in enumerate(legs) if leg[0] == leg_id)
    left = list(legs)
    left[index] = (leg_id, 0, legs[index][2] - plan.amount * unit)
    now = corners.house.now
    before = corners.model.plan(base, legs, prices, now)
    after = corners.model.plan(base + plan.cash, left, prices, now)
    assert after.equity >= before.equity
    assert after.maintenance == before.maintenance
    ratio = (totals.held + totals.deferred, totals.held) if totals.deferred else (1, 1)
    price = sale_price(prices[index].price, corners.house.settlement.price)

    def cash(amount: int) -> int:
        return cash_for(amount * unit, price, plan.discount, *ratio)

    balance = plan.balance + plan.cash
    assert plan.cash == cash(plan.amount)
    assert balance < cash(1)
    if plan.amount < legs[index][2] // unit:
        assert balance >= 0
    # One unit less would not have covered the debt.
    assert plan.balance + cash(plan.amount - 1) < 0
    # What the buyer gains is not above the discount on what he gets.
    worth, claims, held = plan.amount * unit * price, *ratio
    assert (worth * claims - plan.cash * held * WAD) * PPM <= worth * claims * plan.discount
    return "covered" if balance >= 0 else "sold out"
