"""A system in which every factor of margin binds: 16 markets, 8 tokens, a scenario matrix."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

from seawall.deployed import System
from seawall.parameters import Parameters, PortfolioParameters
from seawall.spec.clearinghouse import Change
from seawall.spec.lens import Lens
from seawall.spec.risk import ANY_VOLATILITY, MarketRisk
from seawall.spec.scenarios import SCENARIOS, Shocks, Terms
from seawall.spec.words import WAD, account_id
from tests.unit.clearinghouse.mirror import USDC, Deployed, Mirror, Stage, fill
from tests.unit.clearinghouse.staging import parameters

#: market -> index price in dollars at the start
PRICES = {
    1: "40000", 2: "2000", 3: "1", 4: "150", 5: "0.5", 6: "30", 7: "600", 8: "0.08",
    9: "12", 10: "5", 11: "90", 12: "0.002", 13: "250", 14: "3", 15: "70", 16: "8",
}  # fmt: skip
#: Markets that the matrix does not cover.
UNCOVERED = (15, 16)
#: token -> (decimals, market whose feeds price it, initial and maintenance weight)
COLLATERAL = {
    number: (decimals, number, 700_000 + 20_000 * number, 800_000 + 10_000 * number)
    for number, decimals in enumerate((8, 18, 6, 9, 18, 2, 12, 0), 1)
}
#: Thousands of money: beyond 20,000 dollars a position's rates grow, beyond 100,000 of open
#: interest initial margin does.
DEPTH, CAPACITY = 20, 100
MINIMUM_EQUITY = 100
LOT = 10**12
MAX_PRICE = 10**24
CLOSE_OUT = 666_667
LINES = ("liquidation", "margin_call")


def risk_of(market_id: int) -> MarketRisk:
    """Rates of a market: the higher its number, the riskier."""
    initial = 80_000 + 10_000 * market_id
    return MarketRisk(initial, initial * 6 // 10, 100, DEPTH, ANY_VOLATILITY, 10, CAPACITY, 0)


def scenarios() -> PortfolioParameters:
    """Shocks of one common factor and one of each market."""
    rng = random.Random("lens")
    common = [rng.gauss(0, 5_000) for _ in range(SCENARIOS)]
    shocks: dict[int, Shocks] = {}
    for market_id in PRICES:
        if market_id not in UNCOVERED:
            beta = 0.8 + market_id / 10
            shocks[market_id] = tuple(int(beta * one + rng.gauss(0, 1_500)) for one in common)
    return PortfolioParameters(Terms(4, 1_100_000, 200_000), MINIMUM_EQUITY, shocks)


def wide_parameters() -> Parameters:
    """Sixteen markets of one feed each, and portfolio mode."""
    narrow = parameters()
    first = narrow.markets[0]
    markets = []
    for market_id, price in PRICES.items():
        feed = replace(first.feeds[0], price=Decimal(price))
        oi_cap = int(10**8 * WAD / Decimal(price))
        market = replace(first, market_id=market_id, feeds=(feed,), quorum=1, oi_cap=oi_cap)
        markets.append(replace(market, risk=risk_of(market_id)))
    return replace(narrow, markets=tuple(markets), portfolio=scenarios())


def dollars(answer: int) -> str:
    """A feed's answer of 8 decimals as text."""
    return f"{answer // 10**8}.{answer % 10**8:08d}"


class Room:
    """The wide system beside its specification, and its three lenses."""

    def __init__(self, stage: Stage, system: System, trader: Any, maker: Any) -> None:
        self.mirror = Mirror(stage)
        self.spec = self.mirror.spec
        self.trader, self.maker = trader, maker
        self.lens = Deployed(str(system.lens.address), "Lens")
        self.risk = Deployed(str(system.risk_lens.address), "RiskLens")
        self.what_if = Deployed(str(system.what_if_lens.address), "WhatIfLens")
        self.expected = Lens(self.spec, CLOSE_OUT)
        self.mirror.adopt_matrix()
        self.rich = 0
        self.accounts: list[int] = []

    # -- accounts ----------------------------------------------------------------------------

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """A long preparation, compared once at its end."""
        with self.mirror.compared_once():
            yield

    def account(self, cash: int, mode: int = 0) -> int:
        """A new account of the trader's with so many dollars, and a rich other party."""
        if not self.rich:
            self.rich = self.mirror.fund(self.maker, 50_000_000)
        sub = len(self.accounts)
        account = account_id(str(self.trader.address), sub)
        self.accounts.append(account)
        if cash:
            self.mirror.act("deposit", self.trader, account, 0, cash * USDC)
        if mode:
            self.mirror.act("set_mode", self.trader, account, mode)
        return account

    def hold(self, account: int, market_id: int, worth: int, price: str | None = None) -> int:
        """Give an account a leg worth about so many dollars (negative: short); its size."""
        paid = int(Decimal(price or PRICES[market_id]) * WAD)
        size = worth * WAD * WAD // paid // LOT * LOT
        pair = (account, self.rich) if size > 0 else (self.rich, account)
        self.mirror.act(
            "trade", self.mirror.engine, market_id, fill(*pair, abs(size), paid, gate=0)
        )
        return size

    def pledge(self, account: int, token_id: int, worth: int) -> None:
        """Deposit collateral worth about so many dollars."""
        decimals, market_id = COLLATERAL[token_id][:2]
        amount = int(worth * 10**decimals / Decimal(PRICES[market_id])) or 1
        self.mirror.act("deposit", self.trader, account, token_id, amount)

    def deleverage(self, market_id: int, percent: int = 33) -> None:
        """Close so much of both whole sides of a market, at 1.4 dollars a unit."""
        market = self.spec.ledger.markets[market_id]
        size = min(market.long.size, market.short.size) * percent // 100
        money = size * 7 // 5
        changes = [Change(1, -size, money, 0, 0), Change(2, size, -money, 0, 0)]
        self.mirror.act("trade", self.mirror.engine, market_id, changes)

    def spend(self, account: int, amount: int) -> None:
        """Take WAD cash from an account, below zero if need be."""
        self.mirror.act("pay", self.mirror.engine, account, self.rich, 0, amount)

    def populate(self, seed: int, count: int, markets: int = 6) -> list[int]:
        """Random accounts: one to six legs, some with collateral, every other in portfolio mode."""
        rng = random.Random(seed)
        with self.prepared():
            for number in range(count):
                self._populate_one(rng, number % 2, markets)
        return self.accounts

    def _populate_one(self, rng: random.Random, mode: int, markets: int) -> None:
        account = self.account(rng.choice((0, 2_000, 20_000)), mode)
        for token_id in rng.sample(sorted(COLLATERAL), rng.choice((0, 0, 1, 3))):
            self.pledge(account, token_id, rng.randint(10, 30_000))
        for market_id in rng.sample(sorted(PRICES), rng.randint(1, markets)):
            worth = rng.choice((-1, 1)) * int(10 ** rng.uniform(2, 4.8))
            entry = Decimal(PRICES[market_id]) * rng.randint(90, 110) / 100
            self.hold(account, market_id, worth, str(entry))
        if rng.random() < 0.3:
            self.spend(account, rng.randint(1, 5_000) * WAD)

    def full_account(self, mode: int) -> int:
        """Sixteen legs of about a thousand dollars, every third short, and eight tokens."""
        with self.prepared():
            account = self.account(20_000, mode)
            for token_id in COLLATERAL:
                self.pledge(account, token_id, 500)
            for market_id in PRICES:
                self.hold(account, market_id, -1_000 if market_id % 3 == 0 else 1_000)
        return account

    # -- prices ------------------------------------------------------------------------------

    def move(self, rng: random.Random, markets: list[int], most: float = 0.2) -> None:
        """Move some markets, each by its own part of its price."""
        for market_id in markets:
            factor = Decimal(1 + rng.uniform(-most, most))
            answer = int(Decimal(PRICES[market_id]) * factor * 10**8)
            self.mirror.set_index(market_id, dollars(answer))

    def silence(self, market_id: int) -> None:
        """A market's feed breaks: its last price stays, not usable."""
        owner = self.mirror.stage.owner
        self.mirror.send(owner, self.mirror.oracle, "refresh", 1 << market_id)
        self.mirror.set_index(market_id, 0)

    # -- answers -----------------------------------------------------------------------------

    def read(self, contract: Deployed, function: str, *args: Any) -> Any:
        """Answer of a view at the latest block."""
        return self.mirror.read(contract, function, *args)

    def read_all(self, contract: Deployed, function: str, calls: list[tuple[Any, ...]]) -> Any:
        """Answers of one view for many arguments, at the latest block."""
        data = [(contract.address, contract.encode(function, *args)) for args in calls]
        answers = self.mirror.rpc.views(data)
        return [contract.decode(function, answer) for answer in answers]

    def gas_of(self, contract: Deployed, function: str, *args: Any) -> int:
        """Gas of a view, the transaction's own and its calldata included."""
        call = {"to": contract.address, "data": "0x" + contract.encode(function, *args).hex()}
        # The answer of an estimate is what a transaction needs, which refunds nothing here.
        return int(self.mirror.rpc.call("eth_estimateGas", call), 16)
