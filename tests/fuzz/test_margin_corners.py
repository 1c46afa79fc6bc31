"""The margin model beside its specification where numbers are largest, and where they are odd."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from seawall.spec.margin import COLLATERAL_IDS, Leg, MarginModel, MarketRisk, Price
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.scenarios import SCENARIOS, Terms, pack_shocks
from seawall.spec.state import Journal, Reverted
from seawall.spec.words import ACCOUNT, LEG, OPTING_IN, PORTFOLIO, PRICE, RATIO, TAKEOVER, WAD
from tests.fuzz.backend import UINT256, Call, signed, words_of
from tests.fuzz.compare import WORDS_AND_PRICES
from tests.fuzz.creation import compiled
from tests.fuzz.parameters import ACTIVATE, FOLLOW, SET_RISK, SET_TOKEN_RISK, STAGE
from tests.fuzz.revm import Revm

CASES = 1_500
PROFIT_WEIGHT, MARGIN_CALL, NOTIONAL_FLOOR = 500_000, 100_000, 15_000
MARKETS = (1, 2, 3, 40, 63, 64, 65, 90, 100, 101, 102, 103, 124, 125, 126, 127)
TOKENS = (1, 3, 8)
WEIGHTS = {1: (700_000, 800_000, 2**32 - 1), 3: (0, 1, 1), 8: (999_999, 999_999, 40)}
RATES = (1, 19, 20, 21, 30_000, 999_999, 10**6)
RESERVES = (0, 1, 2**16 - 1)
DEPTHS = (1, 7, 10**6, 2**32 - 1)
WIDEST = 2**15 - 1
MODES = (0, PORTFOLIO, PORTFOLIO | OPTING_IN, TAKEOVER, PORTFOLIO | TAKEOVER)
RATIOS = (RATIO, 0, 1, RATIO - 1, RATIO + 1, 2 * RATIO, 2**28 - 1)
HALF_WIDTHS = (0, 1, 2, 25_000, 2**16 - 2, 2**16 - 1)
#: The largest position whose notional a plan word holds at the highest price of the oracle.
SIZE_BITS, PRICE_BITS, CASH_BITS, BASE_BITS, AMOUNT_BITS = 103, 80, 111, 125, 100
INTEREST_BITS = 104


class Corners:
    """One margin model on a chain and in Python, and portfolios to ask both of."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.chain = Revm(compiled())
        self.owner = self.chain.actor("timelock")
        rates = PROFIT_WEIGHT, MARGIN_CALL, NOTIONAL_FLOOR
        self.model = self.chain.deploy("model", "MarginModel", *rates, self.owner)
        self.spec = MarginModel(Journal(), *rates)
        self._send("set_follower(address)", int(self.owner, 16))
        for token_id in TOKENS:
            self._set_token_risk(token_id, (1, 2, 1))
            self._set_token_risk(token_id, WEIGHTS[token_id])
        for market_id in MARKETS:
            self._set_risk(market_id, self._risk(10**6))
        self._activate()
        self.chain.warp(NOTICE + RAMP)
        # Half of the markets are on their way to other rates, and all to another matrix.
        for market_id in MARKETS[::2]:
            self._set_risk(market_id, self._risk(dice.choice([10**6, 500_000])))
        for market_id in MARKETS[::3]:
            self._follow(market_id)
        self._activate()
        self.chain.warp(NOTICE + RAMP // 3)

    def _send(self, signature: str, *arguments: int) -> None:
        self.chain.send(self.owner, self.model, signature, *arguments)

    def _risk(self, initial: int) -> MarketRisk:
        dice = self.dice
        return MarketRisk(
            initial=initial,
            maintenance=min(initial, dice.choice(RATES)),
            reserve=0,
            depth=dice.choice(DEPTHS),
            calm=dice.choice([1, 2, 20_000, 2**24 - 1]),
            volatility_cap=dice.choice([10, 15, 160]),
            capacity_floor=dice.choice(DEPTHS),
            capacity_per_fund=dice.choice([0, 2**32 - 1]),
        )

    def _set_risk(self, market_id: int, risk: MarketRisk) -> None:
        risk = risk._replace(reserve=RESERVES[market_id % len(RESERVES)])
        self._send(SET_RISK, market_id, *risk)
        self.spec.set_risk(market_id, risk, self.chain.time)

    def _set_token_risk(self, token_id: int, terms: tuple[int, int, int]) -> None:
        self._send(SET_TOKEN_RISK, token_id, *terms)
        self.spec.set_token_risk(token_id, *terms, self.chain.time)

    def _follow(self, market_id: int) -> None:
        volatility, fund = self.dice.choice([0, 30_000, 2**24 - 1]), 10**6 * WAD
        self._send(FOLLOW, market_id, volatility, fund)
        self.spec.follow(market_id, volatility, fund, self.chain.time)

    def _activate(self) -> None:
        """A matrix of the widest shocks, of none, and of all between, with odd terms."""
        dice = self.dice
        for market_id in dice.sample(MARKETS, len(MARKETS) - 3):
            span = dice.choice([0, 1, 1_000, WIDEST])
            shocks = tuple(dice.choice([span, -span]) for _ in range(SCENARIOS))
            if dice.random() < 0.6:
                shocks = tuple(dice.randint(-span, span) for _ in range(SCENARIOS))
            self._send(STAGE, market_id, *pack_shocks(shocks))
            self.spec.scenarios.stage(market_id, shocks)
        largest = 2**24 - 1
        factor = dice.choice([1, 10**6, largest])
        terms = Terms(dice.choice([1, 5, SCENARIOS]), factor, dice.choice([1, 10**6]))
        least = dice.choice([0, 2**32 - 1])
        self._send(ACTIVATE, *terms, least)
        self.spec.scenarios.activate(terms, least, self.chain.time)

    def edge(self, bits: int) -> int:
        """A power of two or a neighbour of one, below 2**bits."""
        near = (1 << self.dice.randrange(bits + 1)) + self.dice.choice([-1, 0, 1])
        return min(near, (1 << bits) - 1)

    def portfolio(self) -> tuple[list[Leg], list[Price]]:
        """Up to sixteen markets and three tokens, in any order."""
        legs: list[Leg] = []
        for market_id in self.dice.sample(MARKETS, self.dice.randrange(len(MARKETS) + 1)):
            interest = self.edge(INTEREST_BITS)
            size = self.edge(SIZE_BITS) * self.dice.choice([1, -1])
            legs.append((market_id, interest, size))
        for token_id in self.dice.sample(TOKENS, self.dice.randrange(len(TOKENS) + 1)):
            legs.append((COLLATERAL_IDS + token_id - 1, 0, self.edge(AMOUNT_BITS)))
        self.dice.shuffle(legs)
        return legs, [self._price() for _ in legs]

    def _price(self) -> Price:
        ratio, half_width = self.dice.choice(RATIOS), self.dice.choice(HALF_WIDTHS)
        volatility = self.dice.choice([0, 1, 20_001, 2**24 - 1])
        return Price(self.edge(PRICE_BITS), 0, ratio, half_width, volatility=volatility)

    def ask(
        self, view: str, cash: int, base: int, legs: list[Leg], prices: list[Price], mode: int = 0
    ) -> str:
        """Words of the chain's answer as text, empty where it refuses."""
        word = ACCOUNT.pack(cash=cash, mode=mode, collateral=0, markets=0)
        leg_words = [LEG.pack(id=leg, open_interest=oi, size=size) for leg, oi, size in legs]
        price_words = [PRICE.pack(**price._asdict()) for price in prices]
        arguments = (word, base % UINT256, leg_words, price_words)
        (answer,) = self.chain.view([Call(self.model, view + WORDS_AND_PRICES, arguments)])
        return "" if answer is None else _text(words_of(answer))

    def expected(
        self, view: str, cash: int, base: int, legs: list[Leg], prices: list[Price], mode: int = 0
    ) -> str:
        """The same from the specification."""
        now = self.chain.time
        try:
            if view == "assess":
                return _text(self.spec.assess(cash, base, legs, prices, now, mode))
            plan = self.spec.plan(base, legs, prices, now, mode)
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
        mode = corners.dice.choice(MODES)
        found = corners.ask(view, cash, base, legs, prices, mode)
        assert found == corners.expected(view, cash, base, legs, prices, mode), (legs, prices)
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
