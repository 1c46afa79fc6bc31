"""Run scenes on a node of their own and read what the measured transaction cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.feeds import MockSource
from bench.scenes import Scene, furnish
from bench.stand import Act, Stand, build_stand
from seawall.node import Node
from seawall.rpc import Receipt

#: Time of the first block, in seconds: the same in every run.
GENESIS = 1_800_000_000

TRANSACTION_GAS = 21_000
_ZERO_BYTE_GAS, _OTHER_BYTE_GAS = 4, 16


@dataclass(frozen=True)
class Measured:
    """A mined transaction: its receipt and calldata."""

    act: Act
    receipt: Receipt

    @property
    def gas(self) -> int:
        """Gas of the whole transaction, refunds taken off."""
        return int(self.receipt["gasUsed"], 16)

    @property
    def base(self) -> int:
        """What any transaction with this calldata costs."""
        return base_gas(self.act.data)


def base_gas(data: bytes) -> int:
    """21,000 plus calldata, by EIP-2028."""
    zeros = data.count(0)
    return TRANSACTION_GAS + zeros * _ZERO_BYTE_GAS + (len(data) - zeros) * _OTHER_BYTE_GAS


@contextmanager
def standing(options: tuple[str, ...] = ()) -> Iterator[Stand]:
    """A furnished venue on a node that ends with the context."""
    with Node(timestamp=GENESIS, options=("--auto-impersonate", *options)) as node:
        stand = build_stand(node, MockSource)
        furnish(stand)
        yield stand


@contextmanager
def played(stand: Stand, scene: Scene) -> Iterator[Measured]:
    """One scene, measured; the chain is put back afterwards."""
    snapshot = stand.rpc.snapshot()
    prices, salt = dict(stand.prices), stand.salt
    stand.rpc.set_block_interval(1)
    act = scene(stand)
    yield Measured(act, stand.send(act))
    stand.rpc.revert(snapshot)
    stand.prices, stand.salt = prices, salt
