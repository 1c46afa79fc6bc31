"""Contracts of the Uniswap feed's tests: a pool whose sums are written, and a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ape.contracts import ContractInstance

from seawall.client.contract import Contract, load_abi
from seawall.client.creation import creation
from seawall.published.uniswap import PoolSource
from seawall.rpc import Rpc, succeeded
from seawall.spec.feeds import Observed, PoolTerms
from seawall.spec.oracle import Reading

#: ETH at about 3,000 dollars, 18 and 6 decimals, as token0.
ETH_TICK = -196_256
LIQUIDITY = 10**17
OBSERVATIONS = 40

DeployFeed = Callable[[PoolTerms], ContractInstance]


@pytest.fixture(scope="session")
def tokens(project: Any, accounts: Any) -> dict[int, list[ContractInstance]]:
    """Two tokens of each number of decimals."""
    kinds = (0, 2, 6, 8, 18, 24, 36)
    return {
        decimals: [
            accounts[0].deploy(project.Token, "Pool token", "POOL", decimals) for _ in range(2)
        ]
        for decimals in kinds
    }


@pytest.fixture(scope="session")
def pool(node: Rpc, accounts: Any) -> PoolSource:
    """A real pool of ETH and dollars with room for observations and no liquidity."""
    source = PoolSource(node, str(accounts[0].address))
    source.start(ETH_TICK)
    source.remember(OBSERVATIONS)
    return source


@pytest.fixture(scope="session", autouse=True)
def deployed_first(tokens: Any, pool: PoolSource) -> None:
    """The contracts stand before the first test's isolation begins."""


class WrittenPool:
    """A pool that says what it is told, and a feed on it."""

    def __init__(self, node: Rpc, owner: str, pool: ContractInstance, feed: ContractInstance):
        self._node, self._owner, self._pool, self.feed = node, owner, pool, feed

    def set(self, observed: Observed) -> None:
        """Write both sums at both ends of the window, and the present tick."""
        ticks, seconds = list(observed.ticks), list(observed.seconds)
        data = self._pool.set_sums.encode_input(ticks, seconds, observed.tick, observed.last_tick)
        receipt = self._node.send(self._owner, str(self._pool.address), bytes(data))
        assert succeeded(receipt)

    def latest(self) -> Reading:
        """What the feed answers as of the latest block."""
        return read(self._node, str(self.feed.address))


def read(node: Rpc, address: str) -> Reading:
    """What a feed answers as of the latest block. Errors: RpcError."""
    feed = Contract(address, load_abi("UniswapFeed"))
    return Reading(*feed.decode("latest", node.view(address, feed.encode("latest"))))


@pytest.fixture
def written(
    project: Any, deployer: Any, node: Rpc, tokens: Any
) -> Callable[[PoolTerms], WrittenPool]:
    """written(terms): a pool with tokens of these decimals and a feed with these terms."""

    def act(terms: PoolTerms) -> WrittenPool:
        base, quote = tokens[terms.base_decimals][0], tokens[terms.quote_decimals][1]
        pair = (base, quote) if terms.base_is_token0 else (quote, base)
        pool = deployer.deploy(project.MockPool, *pair)
        feed = deployer.deploy(
            project.UniswapFeed,
            pool,
            base,
            terms.window,
            terms.unit_exponent,
            terms.min_liquidity,
        )
        return WrittenPool(node, str(deployer.address), pool, feed)

    return act


class RealPool:
    """A real pool with a feed of half an hour on it; blocks are a second apart."""

    WINDOW = 1_800

    def __init__(self, node: Rpc, owner: str, source: PoolSource, terms: PoolTerms) -> None:
        self.node, self.source, self.terms = node, source, terms
        args = (terms.window, terms.unit_exponent, terms.min_liquidity)
        code = creation("UniswapFeed", source.address, source.base.address, *args)
        receipt = node.send(owner, None, code)
        assert succeeded(receipt)
        self.owner, self.feed = owner, str(receipt["contractAddress"])

    def latest(self) -> Reading:
        """What the feed answers as of the latest block. Errors: RpcError."""
        return read(self.node, self.feed)

    def observed(self) -> Observed:
        """What the pool says of the window, asked of it directly."""
        pool = self.source.pool
        data = self.node.view(
            self.source.address, pool.encode("observe", [self.terms.window, 1, 0])
        )
        ticks, seconds = pool.decode("observe", data)
        sums = (ticks[0], ticks[2]), (seconds[0], seconds[2])
        return Observed(*sums, self.source.tick, ticks[2] - ticks[1])

    def wait(self, seconds: int) -> None:
        """Let time pass without a trade."""
        self.node.warp(seconds)


@pytest.fixture
def real_pool(node: Rpc, deployer: Any, pool: PoolSource) -> Iterator[RealPool]:
    """The pool with liquidity for longer than its feed's window."""
    node.set_block_interval(1)
    pool.add(LIQUIDITY)
    terms = PoolTerms(True, 18, 6, 0, RealPool.WINDOW, LIQUIDITY // 2)
    made = RealPool(node, str(deployer.address), pool, terms)
    made.wait(RealPool.WINDOW)
    yield made
    node.call("anvil_removeBlockTimestampInterval")
