"""Sources of the index prices: what the bench asks of an aggregator, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bench.actors import Actor
from bench.errors import BenchError
from seawall.client.contract import Contract, load_abi
from seawall.client.creation import creation
from seawall.rpc import Rpc, succeeded

DECIMALS = 8
UNIT = 10**DECIMALS


class Source(Protocol):
    """An aggregator with a price of eight decimals."""

    @property
    def address(self) -> str:
        """What the adapter reads."""

    def answer(self, price: int) -> None:
        """A new round with this price (eight decimals)."""


#: makes a source that answers a price (eight decimals)
Maker = Callable[[Rpc, Actor, int], Source]


class MockSource:
    """An aggregator whose rounds anyone may write."""

    def __init__(self, rpc: Rpc, reporter: Actor, price: int) -> None:
        """Deploy with a first round."""
        self._rpc, self._reporter = rpc, reporter
        receipt = rpc.send(reporter.address, None, creation("MockAggregator", DECIMALS, price))
        self._contract = Contract(str(receipt["contractAddress"]), load_abi("MockAggregator"))

    @property
    def address(self) -> str:
        """The aggregator itself."""
        return self._contract.address

    def answer(self, price: int) -> None:
        """A new round. Errors: BenchError."""
        data = self._contract.encode("set_answer", price)
        if not succeeded(self._rpc.send(self._reporter.address, self.address, data)):
            raise BenchError("a mock feed refused a round")
