"""The system as the bench acts on it, deployed as `ape run deploy` does.

Every market has three Chainlink proxies. Prices are WAD dollars unless a name says otherwise; one
transaction is one block, a second apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.actors import Actor
from bench.errors import BenchError
from seawall.client.contract import Contract, load_abi
from seawall.client.creation import creation
from seawall.client.orders import Domain, Order, SignedOrder, direct, salt_at, sign
from seawall.deployed import System
from seawall.deployment import deploy
from seawall.node import Node
from seawall.parameters import Parameters, load
from seawall.published.chainlink import ChainlinkSource
from seawall.published.usdc import Usdc
from seawall.rpc import Receipt, Rpc, succeeded
from seawall.spec.risk import NOTICE, RAMP
from seawall.spec.words import LOT, TICK, WAD

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / "params" / "local.yaml"

#: Dollars at the start; ids of markets in this order, from 1.
PRICES = ("42849.78", "3375.21", "148.3345", "0.61382", "17.9172", "94.561", "1.20735", "611.08")
#: The oracle's id of collateral token 1.
FIRST_TOKEN_ID = 128
MARKETS = tuple(range(1, len(PRICES) + 1))
#: The three sources of a market differ, in parts per million of the price: the median has work.
SPREAD = (-180, 0, 230)

#: The three proxies of each market.
Sources = dict[int, list[ChainlinkSource]]

_NETWORK = "ethereum:local:foundry"
_ORDER_LIFE_SECONDS = 86_400
_ALLOWANCE = 10**30
_FEED_AGE = 3_600
_FEED_DECIMALS = 8
_FEED_UNIT = 10**_FEED_DECIMALS


@dataclass(frozen=True)
class Act:
    """One transaction: who calls what."""

    sender: Actor
    contract: Contract
    function: str
    args: tuple[Any, ...]

    @property
    def data(self) -> bytes:
        """Its calldata."""
        return self.contract.encode(self.function, *self.args)


class Stand:
    """Contracts of one deployment, and what people do with them."""

    def __init__(self, rpc: Rpc, system: System, sources: Sources) -> None:
        """Take handles; nothing is sent."""
        self.rpc = rpc
        self.sources = sources
        self.unit = 10**system.parameters.settlement.decimals
        self.operator = Actor("operator")
        addresses = system.addresses()
        self.names = _names(system, sources)
        self.token = Contract(addresses["SettlementToken"], load_abi("Token"))
        self.house = self._handle(addresses, "Clearinghouse")
        self.exchange = self._handle(addresses, "Exchange")
        self.engine = self._handle(addresses, "LiquidationEngine")
        self.closer = self._handle(addresses, "CloseOut")
        self.fund = self._handle(addresses, "InsuranceFund")
        self.oracle = self._handle(addresses, "IndexOracle")
        self.lens = self._handle(addresses, "Lens")
        self.converter = self._handle(addresses, "CollateralConverter")
        self.backstop = self._handle(addresses, "Backstop")
        self.model = self._handle(addresses, "MarginModel")
        self.monitor = self._handle(addresses, "RiskMonitor")
        self.markets = {one.market_id: one for one in system.parameters.markets}
        self.adapters = {
            market_id: [str(feed.address) for feed in some]
            for market_id, some in system.feeds.items()
        }
        #: Of all contracts that have one.
        self.owner = str(self.read(self.house, "owner"))
        self.prices = {market_id: wad(price) for market_id, price in _starting(sources)}
        self._domain = Domain(int(rpc.call("eth_chainId"), 16), self.exchange.address)
        self.salt = 0

    @staticmethod
    def _handle(addresses: dict[str, str], name: str) -> Contract:
        return Contract(addresses[name], load_abi(name))

    # -- transactions --------------------------------------------------------------------------

    def act(self, sender: Actor, contract: Contract, function: str, *args: Any) -> Act:
        """A transaction that is not sent yet."""
        return Act(sender, contract, function, args)

    def send(self, act: Act) -> Receipt:
        """Send and mine. Errors: BenchError with the reason of a revert."""
        receipt = self.rpc.send(act.sender.address, act.contract.address, act.data)
        return self._mined(receipt, f"{act.function} of {act.sender.name}")

    def govern(self, contract: Contract, function: str, *args: Any) -> Receipt:
        """A transaction of the owner. Errors: BenchError with the reason of a revert."""
        receipt = self.rpc.send(self.owner, contract.address, contract.encode(function, *args))
        return self._mined(receipt, f"{function} of the owner")

    def _mined(self, receipt: Receipt, what: str) -> Receipt:
        if not succeeded(receipt):
            reason = self.rpc.explain(receipt) or "no reason"
            raise BenchError(f"{what} reverted: {reason}")
        return receipt

    def do(self, sender: Actor, contract: Contract, function: str, *args: Any) -> Receipt:
        """Build and send in one."""
        return self.send(self.act(sender, contract, function, *args))

    def read(self, contract: Contract, function: str, *args: Any) -> Any:
        """Answer of a view at the latest block."""
        return contract.decode(
            function, self.rpc.view(contract.address, contract.encode(function, *args))
        )

    # -- money ---------------------------------------------------------------------------------

    def mint(self, receiver: Actor, dollars: int) -> None:
        """New settlement tokens in a wallet."""
        self.do(self.operator, self.token, "mint", receiver.address, dollars * self.unit)

    def fund_wallet(self, owner: Actor, dollars: int) -> None:
        """Tokens in a wallet and an allowance for the Clearinghouse that no payment uses up."""
        self.mint(owner, dollars)
        self.do(owner, self.token, "approve", self.house.address, _ALLOWANCE)

    def deposit(self, owner: Actor, dollars: int) -> None:
        """Pay so many dollars in; a thousand more stay in the wallet."""
        self.fund_wallet(owner, dollars + 1_000)
        self.do(owner, self.house, "deposit", owner.account, 0, dollars * self.unit)

    def save(self, owner: Actor, dollars: int) -> None:
        """Put so many dollars into the insurance fund."""
        self.mint(owner, dollars)
        self.do(owner, self.token, "approve", self.fund.address, _ALLOWANCE)
        self.do(owner, self.fund, "deposit", dollars * self.unit, owner.address)

    def list_collateral(self, token_id: int, dollars: str) -> Contract:
        """A token of 18 decimals with three feeds; four fifths of it count. Errors: BenchError."""
        leg_id = FIRST_TOKEN_ID + token_id - 1
        sources = [_source(self.rpc, one) for one in answers(wad(dollars))]
        adapters = [self._deploy("ChainlinkFeed", one.address, 0, 0, 0) for one in sources]
        token = Contract(self._deploy("Token", "Collateral", "COL", 18), load_abi("Token"))
        feeds = [(one, _FEED_AGE, _FEED_AGE, False) for one in adapters]
        self.govern(self.oracle, "set_feeds", leg_id, (2, 5_000, 0), feeds)
        self.govern(self.model, "set_token_risk", token_id, 800_000, 800_000, 10**6)
        self.govern(self.house, "set_token", token_id, token.address, 10**9)
        # A new token counts for nothing until its ramp is over.
        self.rpc.warp(NOTICE + RAMP)
        for source, answer in zip(sources, answers(wad(dollars)), strict=True):
            source.answer(answer)
        for market_id in self.sources:
            self.report(market_id)
        self.names[token.address.lower()] = "Token"
        return token

    def pledge(self, owner: Actor, token_id: int, token: Contract, amount: int) -> None:
        """Pay so many whole tokens of collateral in."""
        self.do(self.operator, token, "mint", owner.address, amount * WAD)
        self.do(owner, token, "approve", self.house.address, _ALLOWANCE)
        self.do(owner, self.house, "deposit", owner.account, token_id, amount * WAD)

    def _deploy(self, name: str, *args: Any) -> str:
        receipt = self.rpc.send(self.owner, None, creation(name, *args))
        return str(receipt["contractAddress"])

    # -- prices --------------------------------------------------------------------------------

    def move(self, market_id: int, percent: str) -> None:
        """All three feeds of a market answer a new round, so many percent away from the last."""
        factor = 100 + Decimal(percent)
        moved = int(self.prices[market_id] * factor / 100)
        self.prices[market_id] = moved - moved % (WAD // _FEED_UNIT)
        self.report(market_id)

    def report(self, market_id: int) -> None:
        """A round of each feed at the present price."""
        for source, answer in zip(
            self.sources[market_id], answers(self.prices[market_id]), strict=True
        ):
            source.answer(answer)

    def refresh(self, market_ids: Sequence[int] = MARKETS) -> Receipt:
        """The oracle reads the feeds and keeps what it finds."""
        return self.send(self.refreshing(market_ids))

    def refreshing(self, market_ids: Sequence[int]) -> Act:
        """The transaction that reads the feeds of these markets."""
        bitmap = sum(1 << market_id for market_id in market_ids)
        return self.act(self.operator, self.oracle, "refresh", bitmap)

    def age(self) -> None:
        """A minute passes in which nobody refreshes."""
        self.rpc.warp(60)

    def freshen(self, market_ids: Sequence[int] = MARKETS) -> None:
        """Somebody else has just refreshed: what follows carries the timestamp of that refresh."""
        self.refresh(market_ids)
        self.rpc.set_block_interval(0)

    # -- orders --------------------------------------------------------------------------------

    def size(self, market_id: int, dollars: int) -> int:
        """The WAD size on the lot that is worth at most so many dollars."""
        units = dollars * WAD * WAD // self.prices[market_id]
        return units - units % LOT

    def order(self, owner: Actor, market_id: int, size: int) -> SignedOrder:
        """A signed limit order at the index price, on the tick."""
        order = self._order(owner, market_id, size)
        return sign(order, self._domain, owner.signer)

    def taking(self, owner: Actor, market_id: int, size: int) -> SignedOrder:
        """An order that its owner sends."""
        return direct(self._order(owner, market_id, size))

    def _order(self, owner: Actor, market_id: int, size: int) -> Order:
        price = self.prices[market_id]
        time = self.rpc.timestamp()
        expiry = time + _ORDER_LIFE_SECONDS
        return Order(owner.account, market_id, size, price - price % TICK, expiry, self._next(time))

    def _next(self, time: int) -> int:
        self.salt += 1
        # An odd multiplier spreads the counter over the 64 bits that a bot fills with randomness.
        return salt_at(time * 1_000) | self.salt * 0x9E3779B97F4A7C15 % 2**64

    def matching(self, taker: Actor, makers: Sequence[SignedOrder], size: int | None = None) -> Act:
        """The taker takes resting orders of one side whole, or `size` (WAD, absolute) of them."""
        market_id = makers[0].order.market_id
        offered = sum(one.order.size for one in makers)
        wanted = -offered if size is None else (-size if offered > 0 else size)
        taking = self.taking(taker, market_id, wanted)
        orders = [one.as_tuple() for one in makers]
        return self.act(taker, self.exchange, "match", taking.as_tuple(), orders)

    def open(self, buyer: Actor, seller: Actor, market_id: int, dollars: int) -> None:
        """A fill of so many dollars at the index: the buyer's order rests, the seller takes it."""
        order = self.order(buyer, market_id, self.size(market_id, dollars))
        self.send(self.matching(seller, [order]))


def wad(dollars: str) -> int:
    """WAD of a decimal number."""
    return int(Decimal(dollars) * WAD)


def answers(price: int) -> list[int]:
    """What the three feeds say of a WAD price (eight decimals); the middle one says it exactly."""
    exact = price * _FEED_UNIT // WAD
    return [exact + exact * spread // 10**6 for spread in SPREAD]


def _starting(sources: Sources) -> list[tuple[int, str]]:
    return [(market_id, PRICES[market_id - 1]) for market_id in sources]


def _names(system: System, sources: Sources) -> dict[str, str]:
    """Kind of contract by address in lower case."""
    named = {address: name for name, address in system.addresses().items()}
    named |= {str(one.address): "ChainlinkFeed" for some in system.feeds.values() for one in some}
    for some in sources.values():
        named |= {one.address: "EACAggregatorProxy" for one in some}
        named |= {one.aggregator.address: "FluxAggregator" for one in some}
    named[str(system.settlement.address)] = "Token"
    return {address.lower(): name for address, name in named.items()}


def build_stand(node: Node, markets: Sequence[int] = MARKETS, usdc: Usdc | None = None) -> Stand:
    """Deploy feeds, then everything else; `usdc` None makes a plain token. Errors: BenchError."""
    rpc = node.rpc()
    rpc.set_block_interval(1)
    sources = {
        market_id: [_source(rpc, one) for one in answers(wad(PRICES[market_id - 1]))]
        for market_id in markets
    }
    asset = usdc.address if usdc else None
    stand = Stand(rpc, _deploy(node, _parameters(sources, asset)), sources)
    if usdc:
        stand.names |= usdc.names()
    return stand


def _source(rpc: Rpc, answer: int) -> ChainlinkSource:
    """A feed of one oracle with a first round: how many report changes nothing for who reads."""
    operator = Actor("operator").address
    source = ChainlinkSource(rpc, operator, [operator], decimals=_FEED_DECIMALS)
    source.answer(answer)
    return source


def _parameters(sources: Sources, asset: str | None) -> Parameters:
    """Terms of params/local.yaml for every market, with the feeds that were deployed. The matrix
    comes later: that of the file knows two markets."""
    local = load(LOCAL)
    first = local.markets[0]
    markets = []
    for market_id, some in sources.items():
        feeds = tuple(
            replace(old, aggregator=source.address, price=None)
            for old, source in zip(first.feeds, some, strict=True)
        )
        oi_cap = 10**9 * WAD * WAD // wad(PRICES[market_id - 1])
        markets.append(
            replace(first, market_id=market_id, symbol=f"M{market_id}", feeds=feeds, oi_cap=oi_cap)
        )
    settlement = replace(local.settlement, asset=asset)
    return replace(local, settlement=settlement, markets=tuple(markets), portfolio=None)


def _deploy(node: Node, parameters: Parameters) -> System:
    # A note of one of Ape's own dependencies, printed at every start.
    warnings.filterwarnings("ignore", "Field 'import_remapping' has an incomplete definition")
    # Ape takes seconds to import: whoever only compares figures does without.
    import ape
    from ape.exceptions import ApeException
    from ape.logging import logger

    logger.set_level("ERROR")
    settings = {"host": node.url}
    try:
        with ape.networks.parse_network_choice(_NETWORK, provider_settings=settings):
            deployer = ape.accounts.test_accounts[0]
            return deploy(ape.Project(ROOT), deployer, parameters)
    except ApeException as error:
        raise BenchError(f"deployment: {error}") from error
