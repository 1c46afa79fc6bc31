"""Systems around contracts of others: Circle's USDC and Chainlink's feeds, from their bytecode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from seawall.deployed import System
from seawall.deployment import deploy
from seawall.parameters import MarketParameters, load
from seawall.published.chainlink import ChainlinkSource
from seawall.published.usdc import Usdc, deploy_usdc
from seawall.rpc import Rpc
from tests.closing_desk import ClosingDesk
from tests.desk import FEED_UNIT

LOCAL = Path(__file__).resolve().parents[2] / "params" / "local.yaml"

#: Sources by market.
Sources = dict[int, list[ChainlinkSource]]


@dataclass(frozen=True)
class RealSystem:
    """A deployed system and the contracts of others around it."""

    system: System
    usdc: Usdc
    sources: Sources


class RealDesk(ClosingDesk):
    """A desk that settles in USDC and reads three Chainlink proxies a market."""

    def __init__(self, real: RealSystem, url: str, owner: Any, broker: Any) -> None:
        """Take the deployed system; the broker may mint."""
        self.usdc, self.real = real.usdc, real.sources
        self.usdc.let_mint(str(broker.address))
        super().__init__(real.system, url, owner, broker)

    def index(self, leg_id: int, price: Any) -> None:
        """Each oracle answers `price` dollars in a new round, and the index is refreshed."""
        answer = int(Fraction(str(price)) * FEED_UNIT)
        self.answers[leg_id] = Fraction(str(price))
        for source in self.real[leg_id]:
            source.answer(answer)
        self.send(self.owner, self.oracle, "refresh", 1 << leg_id)

    def balance(self, holder: Any) -> int:
        """USDC of an address, native units."""
        return int(self.view(self.token, "balanceOf", str(getattr(holder, "address", holder))))

    def withdraw(self, owner: Any, account: int, native: int, receiver: Any) -> None:
        """The owner takes USDC out. Errors: Refused."""
        args = (account, 0, native, str(receiver.address))
        self.send(str(owner.address), self.house, "withdraw", *args)
        self.spec.withdraw(account >> 96, account, 0, native)


def real_system(project: Any, deployer: Any, admin: Any, issuer: Any) -> RealSystem:
    """Deploy USDC, three feeds for each market of params/local.yaml, and the system around them."""
    rpc = Rpc(str(deployer.provider.http_uri))
    usdc = deploy_usdc(rpc, str(admin.address), str(issuer.address))
    parameters = load(LOCAL)
    sources = {
        market.market_id: [_source(rpc, market, str(issuer.address)) for _ in market.feeds]
        for market in parameters.markets
    }
    markets = tuple(_with_feeds(one, sources[one.market_id]) for one in parameters.markets)
    settlement = replace(parameters.settlement, asset=usdc.address)
    parameters = replace(parameters, settlement=settlement, markets=markets)
    return RealSystem(deploy(project, deployer, parameters), usdc, sources)


def _source(rpc: Rpc, market: MarketParameters, oracle: str) -> ChainlinkSource:
    source = ChainlinkSource(rpc, oracle, [oracle])
    source.answer(int((market.feeds[0].price or Decimal(0)) * FEED_UNIT))
    return source


def _with_feeds(market: MarketParameters, sources: Sequence[ChainlinkSource]) -> MarketParameters:
    feeds = tuple(
        replace(feed, aggregator=source.address)
        for feed, source in zip(market.feeds, sources, strict=True)
    )
    return replace(market, feeds=feeds)
