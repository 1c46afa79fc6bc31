"""The margin model beside its specification where numbers are largest, and where they are odd."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from seawall.spec.margin import COLLATERAL_IDS, Leg, MarginModel, Price
from seawall.spec.state import Journal, Reverted
from seawall.spec.words import ACCOUNT, LEG, PRICE, RATIO, WAD
from tests.fuzz.backend import UINT256, Call, signed, words_of
from tests.fuzz.creation import compiled
from tests.fuzz.revm import Revm

CASES = 1_500
PROFIT_WEIGHT, MARGIN_CALL = 500_000, 100_000
MARKETS = (1, 2, 3, 40, 63, 64, 65, 90, 100, 101, 102, 103, 124, 125, 126, 127)
TOKENS = (1, 3, 8)
WEIGHTS = {1: (700_000, 800_000), 3: (0, 1), 8: (999_999, 999_999)}
RATES = (1, 19, 20, 21, 30_000, 999_999, 10**6)
RESERVES = (0, 10**16, (2**16 - 1) * 10**16)
RATIOS = (RATIO, 0, 1, RATIO - 1, RATIO + 1, 2 * RATIO, 2**28 - 1)
HALF_WIDTHS = (0, 1, 2, 25_000, 2**16 - 2, 2**16 - 1)
#: The largest position whose notional a plan word holds at the highest price of the oracle.
SIZE_BITS, PRICE_BITS, CASH_BITS, BASE_BITS, AMOUNT_BITS = 103, 80, 111, 125, 100
PORTFOLIO = "(uint256,int256,uint256[],uint256[])"


class Corners:
    """One margin model on a chain and in Python, and portfolios to ask both of."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.chain = Revm(compiled())
        owner = self.chain.actor("timelock")
        self.model = self.chain.deploy("model", "MarginModel", PROFIT_WEIGHT, MARGIN_CALL, owner)
        self.spec = MarginModel(Journal(), PROFIT_WEIGHT, MARGIN_CALL)
        for market_id in MARKETS:
            rate, reserve = dice.choice(RATES), dice.choice(RESERVES)
            self._set_risk(market_id, rate, reserve)
            # Half of the markets are on their way to a higher rate.
            if market_id % 2:
                self._set_risk(market_id, min(10**6, 2 * rate), reserve)
        for token_id, weights in WEIGHTS.items():
            signature = "set_token_weight(uint256,uint256,uint256)"
            self.chain.send(owner, self.model, signature, token_id, *weights)
            self.spec.set_token_weight(token_id, *weights)
        self.chain.warp(200_000)

    def _set_risk(self, market_id: int, rate: int, reserve: int) -> None:
        signature = "set_risk(uint256,uint256,uint256,uint256)"
        owner = self.chain.actor("timelock")
        self.chain.send(owner, self.model, signature, market_id, 10**6, rate, reserve)
        self.spec.set_risk(market_id, 10**6, rate, reserve, self.chain.time)

    def edge(self, bits: int) -> int:
        """A power of two or a neighbour of one, below 2**bits."""
        near = (1 << self.dice.randrange(bits + 1)) + self.dice.choice([-1, 0, 1])
        return min(near, (1 << bits) - 1)

    def portfolio(self) -> tuple[list[Leg], list[Price]]:
        """Up to sixteen markets and three tokens, in any order."""
        legs: list[Leg] = []
        for market_id in self.dice.sample(MARKETS, self.dice.randrange(len(MARKETS) + 1)):
            legs.append((market_id, 0, self.edge(SIZE_BITS) * self.dice.choice([1, -1])))
        for token_id in self.dice.sample(TOKENS, self.dice.randrange(len(TOKENS) + 1)):
            legs.append((COLLATERAL_IDS + token_id - 1, 0, self.edge(AMOUNT_BITS)))
        self.dice.shuffle(legs)
        return legs, [self._price() for _ in legs]

    def _price(self) -> Price:
        ratio, half_width = self.dice.choice(RATIOS), self.dice.choice(HALF_WIDTHS)
        return Price(self.edge(PRICE_BITS), 0, ratio, half_width)

    def ask(self, view: str, cash: int, base: int, legs: list[Leg], prices: list[Price]) -> str:
        """Words of the chain's answer as text, empty where it refuses."""
        word = ACCOUNT.pack(cash=cash, mode=0, collateral=0, markets=0)
        leg_words = [LEG.pack(id=leg, open_interest=oi, size=size) for leg, oi, size in legs]
        price_words = [PRICE.pack(**price._asdict()) for price in prices]
        arguments = (word, base % UINT256, leg_words, price_words)
        (answer,) = self.chain.view([Call(self.model, view + PORTFOLIO, arguments)])
        return "" if answer is None else _text(words_of(answer))

    def expected(
        self, view: str, cash: int, base: int, legs: list[Leg], prices: list[Price]
    ) -> str:
        """The same from the specification."""
        now = self.chain.time
        try:
            if view == "assess":
                return _text(self.spec.assess(cash, base, legs, prices, now))
            plan = self.spec.plan(base, legs, prices, now)
            planned = [leg.word for leg in plan.legs]
        except (Reverted, ValueError):
            return ""
        return _text((*plan[:4], 5 * 32, len(planned), *planned))


def _text(numbers: tuple[int, ...] | list[int]) -> str:
    return " ".join(str(signed(number % UINT256)) for number in numbers)


@pytest.fixture(scope="module")
def corners() -> Corners:
    return Corners(Random(24))


@pytest.mark.parametrize("view", ["assess", "plan"])
def test_margin_at_corners_is_the_specification_to_the_wei(corners: Corners, view: str) -> None:
    met: Counter[bool] = Counter()
    for _ in range(CASES):
        cash = corners.edge(CASH_BITS) * corners.dice.choice([1, -1])
        base = corners.edge(BASE_BITS) * corners.dice.choice([1, -1])
        legs, prices = corners.portfolio()
        found = corners.ask(view, cash, base, legs, prices)
        assert found == corners.expected(view, cash, base, legs, prices), (legs, prices)
        met[found != ""] += 1
    assert met[True] > CASES * 9 // 10


@pytest.mark.parametrize("view", ["assess", "plan"])
@pytest.mark.parametrize("base, known", [(2**200 - 1, True), (-(2**200), True), (2**200, False)])
def test_margin_of_a_base_at_its_bound(corners: Corners, view: str, base: int, known: bool) -> None:
    assert (corners.ask(view, 0, base, [], []) != "") == known
    assert corners.ask(view, 0, base, [], []) == corners.expected(view, 0, base, [], [])


@pytest.mark.parametrize("view", ["assess", "plan"])
def test_margin_of_more_legs_than_prices_is_refused(corners: Corners, view: str) -> None:
    assert corners.ask(view, 0, 0, [(1, 0, WAD)], []) == ""
