"""A deployment on a real node, and keepers of one signer at work on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.deployed import System
from seawall.deployment import deploy
from seawall.keeper.chain import Chain
from seawall.keeper.jobs import Keeper
from seawall.keeper.rounds import Policy
from seawall.keeper.sender import Sent, UnlockedSender
from seawall.parameters import load
from seawall.rpc import Rpc
from seawall.spec.words import account_id
from tests.unit.collateral_converter.counter import Counter

LOCAL = Path(__file__).resolve().parents[2] / "params" / "local.yaml"
#: A capacity of 100,000 dollars and ten times the fund.
CAPACITY, PER_FUND = 100, 10_000_000
GWEI = 10**9


@pytest.fixture(scope="session")
def kept_system(project: Any, deployer: Any) -> System:
    """The local parameters with one feed a market, and a capacity that shows what the fund has."""
    local = load(LOCAL)
    markets = []
    for one in local.markets:
        risk = one.risk._replace(capacity_floor=CAPACITY, capacity_per_fund=PER_FUND)
        markets.append(replace(one, feeds=one.feeds[:1], quorum=1, risk=risk))
    return deploy(project, deployer, replace(local, markets=tuple(markets)))


@pytest.fixture(scope="session", autouse=True)
def deployed_first(kept_system: System) -> None:
    """The system stands before the first test's isolation begins."""


@pytest.fixture
def desk(kept_system: System, chain: Any, deployer: Any, accounts: Any) -> Iterator[Counter]:
    made = Counter(kept_system, chain.provider.http_uri, deployer, accounts[8])
    yield made
    made.close()


class WaitingSender(UnlockedSender):
    """What it has sent is mined: a test's next read sees it, and no later test does."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        super().__init__(rpc, address)
        self._node = rpc

    def send(self, to: str, data: bytes, gas: int) -> Sent:
        sent = super().send(to, data, gas)
        self._node.wait(sent.hashes[0])
        return sent


@pytest.fixture
def keeper_of(desk: Counter, keeper: Any) -> Iterator[Callable[..., Keeper]]:
    """keeper_of(job, ..., listed=..., **policy): a keeper that does these jobs at one gwei.

    `listed` are the markets of its registry, by default all.
    """
    rpc = Rpc(desk.rpc.url, gas_price=GWEI)
    contracts, address = desk.system.addresses(), str(keeper.address)

    def make(*jobs: str, listed: Sequence[int] = tuple(desk.markets), **policy: Any) -> Keeper:
        registry = {"contracts": contracts, "markets": {market_id: {} for market_id in listed}}
        chain = Chain(rpc, registry, account_id(address))
        sender = WaitingSender(rpc, address)
        return Keeper(chain, sender, Policy(**policy), desk.system.start_block, jobs)

    yield make
    rpc.close()
