"""The deployed system as the demo talks to it: contract handles on one chain."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from seawall.client.contract import Contract, load_abi
from seawall.demo.chain import Call, Chain, call
from seawall.demo.errors import DemoError
from seawall.deployed import System
from seawall.deployment import deploy
from seawall.keeper.chain import Chain as KeeperChain
from seawall.keeper.chain import initial_rates
from seawall.keeper.planning import Row
from seawall.node import Node
from seawall.parameters import Parameters
from seawall.spec.oracle import SETTLEMENT_ID

_NETWORK = "ethereum:local:foundry"
_BPS = 10_000
_FEED_GAS = 200_000
_REFRESH_GAS = 1_000_000
#: Sources of one asset differ by this much at a quiet minute (basis points).
_LOWEST_OFFSET, _HIGHEST_OFFSET = 1, 3


class Handles(NamedTuple):
    """The contracts whose events are kept: ledger, partial liquidations, close-outs."""

    house: Contract
    engine: Contract
    closer: Contract


@dataclass(frozen=True)
class Venue:
    """Handles of all contracts; `aggregators[market_id]` are the sources of its index."""

    chain: Chain
    parameters: Parameters
    token: Contract
    house: Contract
    exchange: Contract
    engine: Contract
    closer: Contract
    backstop: Contract
    fund: Contract
    lens: Contract
    model: Contract
    oracle: Contract
    aggregators: Mapping[int, Sequence[Contract]]
    reporter: str
    addresses: Mapping[str, str]

    @property
    def handles(self) -> Handles:
        """The contracts whose events the books are kept from."""
        return Handles(self.house, self.engine, self.closer)

    def keeper_chain(self, account: int) -> KeeperChain:
        """What a keeper with this account sees of the system."""
        registry = {"contracts": self.addresses, "markets": dict.fromkeys(self.market_ids)}
        return KeeperChain(self.chain.rpc, registry, account)

    @property
    def market_ids(self) -> list[int]:
        """Ids of the listed markets, ascending."""
        return sorted(self.aggregators)

    def read(self, contract: Contract, function: str, *args: Any) -> Any:
        """Value of a view at the latest block."""
        data = self.chain.rpc.view(contract.address, contract.encode(function, *args))
        return contract.decode(function, data)

    def read_many(self, contract: Contract, function: str, arguments: Sequence[Any]) -> list[Any]:
        """Values of one view for many single arguments, in one exchange."""
        calls = [(contract.address, contract.encode(function, one)) for one in arguments]
        return [contract.decode(function, data) for data in self.chain.rpc.views(calls)]

    def scan(self, accounts: Sequence[int]) -> list[Row]:
        """Status, equity and maintenance margin of up to 500 accounts at the latest block."""
        call_data = self.lens.encode("health_many", accounts)
        return decode_rows(accounts, self.chain.rpc.view(self.lens.address, call_data))

    def initial_rates(self) -> dict[int, int]:
        """Initial rates (ppm) at the present volatility, for a leg that is small."""
        words = self.read(self.oracle, "prices", sum(1 << one for one in self.market_ids))
        prices = dict(zip(self.market_ids, words, strict=True))
        return initial_rates(self.chain.rpc, self.model, prices, self.chain.rpc.timestamp())

    def fund_cash(self) -> int:
        """Cash of the insurance fund's account (WAD)."""
        return self.cash(self.read(self.fund, "fund_account"))

    def cash(self, account: int) -> int:
        """Cash of an account (WAD), signed."""
        word = int(self.read(self.house, "account_word", account))
        cash = word >> 144
        return cash - (1 << 112) if cash >> 111 else cash

    def conservation(self) -> int:
        """Assets minus claims over all markets (WAD)."""
        return int(self.read(self.lens, "conservation", self.market_ids))

    def price_calls(self, closes: Mapping[int, Decimal], source: random.Random) -> list[Call]:
        """New rounds of every aggregator, then one refresh of the index cache."""
        calls = []
        for market in self.parameters.markets:
            feeds = self.aggregators[market.market_id]
            quotes = spread_quotes(closes[market.market_id], len(feeds), source)
            for aggregator, quote, feed in zip(feeds, quotes, market.feeds, strict=True):
                answer = int(quote * 10**feed.decimals)
                calls.append(call(aggregator, self.reporter, _FEED_GAS, "set_answer", answer))
        bitmap = sum(1 << market_id for market_id in self.market_ids)
        return [*calls, call(self.oracle, self.reporter, _REFRESH_GAS, "refresh", bitmap)]


def decode_rows(accounts: Sequence[int], data: bytes) -> list[Row]:
    """Rows of `health_many`, read word by word: this runs at every minute over every account."""
    rows = []
    for index, account in enumerate(accounts):
        start = 64 + 96 * index
        status = int.from_bytes(data[start : start + 32], "big")
        equity = int.from_bytes(data[start + 32 : start + 64], "big", signed=True)
        maintenance = int.from_bytes(data[start + 64 : start + 96], "big")
        rows.append(Row(account, status, equity, maintenance))
    return rows


def spread_quotes(close: Decimal, count: int, source: random.Random) -> list[Decimal]:
    """What `count` sources say of one close: their median is the close itself.

    One source (two of an even number) has the close, the others lie below and above by 1 to 3 bps.
    """
    offsets = [0] * (2 - count % 2)
    while len(offsets) < count:
        offsets.append(-source.randint(_LOWEST_OFFSET, _HIGHEST_OFFSET))
        offsets.append(source.randint(_LOWEST_OFFSET, _HIGHEST_OFFSET))
    quotes = offsets[:count]
    source.shuffle(quotes)
    return [close + close * offset / _BPS for offset in quotes]


def deploy_venue(node: Node, parameters: Parameters, root: Path, report: Any) -> Venue:
    """Deploy through Ape, as a user would, onto a running node. Errors: DemoError."""
    # Ape takes seconds to import: whoever only reads a scene or draws a crowd does without.
    import ape
    from ape.exceptions import ApeException
    from ape.logging import logger

    logger.set_level("ERROR")
    settings = {"host": node.url}
    try:
        with ape.networks.parse_network_choice(_NETWORK, provider_settings=settings):
            deployer = ape.accounts.test_accounts[0]
            system = deploy(ape.Project(root), deployer, parameters, report)
            return _handles(system, Chain(node.rpc()), str(deployer.address))
    except ApeException as error:
        raise DemoError(f"deployment: {error}") from error


def _handles(system: System, chain: Chain, reporter: str) -> Venue:
    addresses = system.addresses()

    def handle(name: str, address: str) -> Contract:
        return Contract(address, load_abi(name))

    return Venue(
        chain=chain,
        parameters=system.parameters,
        token=handle("Token", addresses["SettlementToken"]),
        house=handle("Clearinghouse", addresses["Clearinghouse"]),
        exchange=handle("Exchange", addresses["Exchange"]),
        engine=handle("LiquidationEngine", addresses["LiquidationEngine"]),
        closer=handle("CloseOut", addresses["CloseOut"]),
        backstop=handle("Backstop", addresses["Backstop"]),
        fund=handle("InsuranceFund", addresses["InsuranceFund"]),
        lens=handle("Lens", addresses["Lens"]),
        model=handle("MarginModel", addresses["MarginModel"]),
        oracle=handle("IndexOracle", addresses["IndexOracle"]),
        aggregators={
            market_id: [handle("MockAggregator", source) for source in sources]
            for market_id, sources in system.aggregators.items()
            if market_id != SETTLEMENT_ID
        },
        reporter=reporter,
        addresses=addresses,
    )
